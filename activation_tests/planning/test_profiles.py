"""What one pass over the model tells of its values and keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from activation.planning.model import FieldProfile
from activation_tests.planning.shop import contract, facts, field, open_shop, update


def test_values_are_told_by_counts_means_and_deviations(tmp_path: Path) -> None:
    """Numbers count by themselves, texts by their length; empty ones are not filled."""
    shop = open_shop(tmp_path)
    shop.add("a", score="1", city="Ulm", email=None)
    shop.add("b", score="3", city="Köln")
    shop.add("c", score="many", city="")
    profile = shop.plan(freeze=False).source.fields
    assert profile["Score__c"] == FieldProfile(filled=2, mean=2.0, deviation=1.0)
    assert profile["City"] == FieldProfile(filled=2, mean=3.5, deviation=0.5)
    assert profile["Email"].filled == 2


def test_a_personal_number_is_only_counted(tmp_path: Path) -> None:
    """The mean of one row's number is that number, so there is none of a personal field."""
    fields = [field("Score__c", "score", "decimal(5,2)", data_class="personal")]
    shop = open_shop(tmp_path, fields=fields)
    shop.add("a", score="1")
    profile = shop.plan(freeze=False).source.fields
    assert profile["Score__c"] == FieldProfile(filled=1, mean=None, deviation=None)


@pytest.mark.parametrize(
    ("accepted", "outside"),
    [
        ({"Score__c": {"least": 1, "most": 9.5}}, {"Score__c": 2}),
        ({"City": {"pattern": "[A-Z][a-z]+"}}, {"City": 1}),
        ({"City": {"pattern": "Ulm|Rome"}}, {"City": 1}),
        ({"Email": {"never": "^test|@fake"}}, {"Email": 2}),
        ({"key": {"pattern": "[a-z]"}}, {"key": 1}),
    ],
)
def test_values_outside_are_counted(
    tmp_path: Path, accepted: dict[str, dict[str, object]], outside: dict[str, int]
) -> None:
    """Bounds are inside, a pattern fits the whole value, `never` no part of it in any case."""
    plain = contract().model_dump(mode="json")
    fields = [f | {"accepted": accepted.get(f["to"])} for f in plain["fields"]]
    source = plain["source"] | {"accepted": accepted.get("key")}
    shop = open_shop(tmp_path, fields=fields, source=source)
    shop.add("a", score="1", email="TEST@example.com")
    shop.add("b", score="9.5", email="a@FAKE.example.com", city="Rome")
    shop.add("c", score="0.99", city=None, email="latest@example.com")
    shop.add("dd", score="9.51", city="x", email=None)
    profile = shop.plan(freeze=False).source.fields
    found = {name: profile[name].outside for name in profile if profile[name].outside}
    assert found == outside


def test_rows_that_come_back_under_another_key_are_counted(tmp_path: Path) -> None:
    """A vanished row is there again if its payload is, or its key without case and marks."""
    shop = open_shop(tmp_path)
    for n in range(4):
        shop.add(f"K-{n}", score=n, email=f"p{n}@example.com")
    shop.deliver(shop.plan())
    update(shop, "K-0", lead_id="new")
    update(shop, "K-1", lead_id="k1", score="77")
    shop.sql("DELETE FROM marts.lead_scores WHERE lead_id = 'K-2'")
    shop.add("other", score=50, email="other@example.com")
    source = shop.plan(freeze=False).source
    assert (source.reminted_keys, source.respelled_keys) == (2, 0)


def test_payloads_that_are_all_alike_tell_nobody_apart(tmp_path: Path) -> None:
    """Where new rows look like each other, only their keys are compared."""
    fields = [field("City", "city", "text(40)")]
    shop = open_shop(tmp_path, fields=fields)
    for n in range(4):
        shop.add(f"old{n}")
    shop.deliver(shop.plan())
    shop.sql("DELETE FROM marts.lead_scores")
    for n in range(4):
        shop.add(f"new{n}")
    assert shop.plan(freeze=False).source.reminted_keys == 0


def test_another_spelling_of_a_delivered_key_is_counted(tmp_path: Path) -> None:
    """Where case tells no keys apart, the record is the same, and the spelling is told."""
    shop = open_shop(tmp_path)
    shop.facts = facts(key_is_case_sensitive=False)
    for key in ("Ab", "cd"):
        shop.add(key)
    shop.deliver(shop.plan())
    update(shop, "Ab", lead_id="AB", score="9", updated_at="2026-01-05")
    plan = shop.plan(freeze=False)
    assert (plan.source.respelled_keys, plan.source.reminted_keys) == (1, 0)
    assert plan.blast.lost == 0


@pytest.mark.parametrize(
    ("keys", "repeated", "folded"),
    [
        (("a", "A", "b"), 2, 2),
        (("a", "a", "b"), 2, 0),
        (("a", "a\t", "b"), 2, 2),
        (("a", " a ", "b"), 2, 0),
    ],
)
def test_keys_that_the_vendor_takes_for_one_are_repeated(
    tmp_path: Path, keys: tuple[str, ...], repeated: int, folded: int
) -> None:
    """Case and white space that the vendor drops make two rows one; spaces we drop ourselves."""
    shop = open_shop(tmp_path)
    shop.facts = facts(key_is_case_sensitive=False)
    for key in keys:
        shop.add(key)
    source = shop.plan(freeze=False).source
    assert (source.repeated_keys, source.folded_keys) == (repeated, folded)


def test_the_longest_key_is_told(tmp_path: Path) -> None:
    """The schema gate holds it against the key's field."""
    shop = open_shop(tmp_path)
    shop.add("abc")
    shop.add("blocked-and-longer", consent=())
    assert shop.plan(freeze=False).longest["Lead_Key__c"] == 3
