"""Records that are there already: by our key, or without one and found by another field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.hash_keys import NO_KEY
from activation.planning.model import PlanInputs
from activation.planning.questions import Found, matched, settled
from activation_tests.planning.shop import Shop, open_shop, update

IDENTITY = ["Email", "City"]


def opened(folder: Path, mode: str = "upsert", **changes: Any) -> Shop:
    """Return a shop whose contract adopts by e-mail, then by city."""
    destination = {"connection": "crm", "object": "Lead", "key": "Lead_Key__c", "mode": mode}
    return open_shop(folder, destination=destination, **{"identity": IDENTITY, **changes})


def record(identity: str, key: str | None = None, **fields: str) -> dict[str, Any]:
    """Return a record of the destination."""
    return {"sync_key": key, "destination_id": identity, **fields}


def told(shop: Shop, plan: Any) -> list[tuple[Any, ...]]:
    """Return what is planned of each action."""
    return [
        (a["sync_key"], a["operation"], a["verb"], a["destination_id"]) for a in shop.actions(plan)
    ]


def test_one_match_is_adopted_and_written_by_its_id(tmp_path: Path) -> None:
    """A record without our key that one field finds gets the key and the row, and is ours then."""
    shop = opened(tmp_path)
    shop.add("a", email=" A@Example.com")
    shop.add("b", email="b@example.com", city="Bonn")

    plan = shop.plan_against([record("r1", Email="a@EXAMPLE.com "), record("r2", "x", City="Bonn")])

    assert told(shop, plan) == [
        ("a", "update", "update", "r1"),
        ("b", "create", "upsert", None),
    ]
    assert shop.counted(plan) == {"update send adopted": 1, "create send": 1}
    assert shop.actions(plan)[0]["City"] == "Ulm"
    assert plan.blast.created == 2
    shop.deliver(plan)
    update(shop, "a", city="Kiel")
    again = shop.plan_against([record("r1", "a", Email="a@example.com")])
    assert told(shop, again) == [("a", "update", "upsert", "00Q0")]
    assert shop.asked.keys == ()


def test_our_own_key_comes_before_any_other_field(tmp_path: Path) -> None:
    """A record that has our key is written by it, whatever another record looks like."""
    shop = opened(tmp_path)
    shop.add("a")

    plan = shop.plan_against([record("r1", "a"), record("r2", Email="a@example.com")])

    assert told(shop, plan) == [("a", "update", "upsert", "r1")]
    assert shop.counted(plan) == {"update send": 1}


def test_the_first_field_that_finds_wins(tmp_path: Path) -> None:
    """A later field is only asked where the earlier ones find nothing."""
    shop = opened(tmp_path)
    shop.add("a", email="a@example.com", city="Ulm")
    shop.add("b", email=None, city="Bonn")

    plan = shop.plan_against(
        [record("r1", City="Ulm"), record("r2", Email="a@example.com"), record("r3", City="Bonn")]
    )

    assert [row[3] for row in told(shop, plan)] == ["r2", "r3"]


@pytest.mark.parametrize(
    ("records", "operation"),
    [
        ([record("r1", Email="a@example.com"), record("r2", Email="A@example.com")], "create"),
        ([record("r1", "a"), record("r2", "a")], "update"),
    ],
)
def test_several_matches_wait_for_somebody(
    tmp_path: Path, records: list[Any], operation: str
) -> None:
    """Neither is written, and no third record is made."""
    shop = opened(tmp_path)
    shop.add("a")

    assert shop.counted(shop.plan_against(records)) == {f"{operation} held ambiguous": 1}


def test_two_rows_that_mean_one_record_wait(tmp_path: Path) -> None:
    """One record is never given to two rows, nor to one of them by chance."""
    shop = opened(tmp_path)
    shop.add("a", email="same@example.com")
    shop.add("b", email="same@example.com")

    plan = shop.plan_against([record("r1", Email="same@example.com")])

    assert shop.counted(plan) == {"create held ambiguous": 2}


@pytest.mark.parametrize(
    ("mode", "planned"),
    [
        ("upsert", {"create send": 1, "update send": 1, "update send adopted": 1}),
        ("mirror", {"create send": 1, "update send": 1, "update send adopted": 1}),
        ("update_only", {"update held no_record": 1, "update send": 1, "update send adopted": 1}),
        ("create_only", {"create send": 1, "update held exists": 2}),
    ],
)
def test_the_mode_says_what_follows(tmp_path: Path, mode: str, planned: dict[str, int]) -> None:
    """None is created where the mode forbids it, and none is touched that was there before."""
    shop = opened(tmp_path, mode)
    for key in ("here", "keyless", "new"):
        shop.add(key, email=f"{key}@example.com", city=None)

    plan = shop.plan_against([record("r1", "here"), record("r2", Email="keyless@example.com")])

    assert shop.counted(plan) == planned


def test_only_rows_that_would_be_sent_are_asked_about(tmp_path: Path) -> None:
    """Who has not agreed, or waits for another reason, is not told to the vendor either."""
    shop = opened(tmp_path)
    shop.add("denied", consent=("denied",))
    shop.add("unfit", score="many")
    shop.add("refused")
    shop.add("sent")
    letters = {
        "key_hash": [NO_KEY.current.row("lead_scores", "refused")],
        "row_hash": [_hash_of(shop, "refused")],
    }

    plan = shop.plan_against([], inputs=PlanInputs(rejected=pa.table(letters)))

    assert shop.asked.keys == ("sent",)
    assert shop.counted(plan) == {
        "create blocked denied": 1,
        "create held invalid": 1,
        "create held rejected_before": 1,
        "create send": 1,
    }


def _hash_of(shop: Shop, key: str) -> int:
    plan = shop.plan_against([], freeze=True)
    return next(int(a["row_hash"]) for a in shop.actions(plan) if a["sync_key"] == key)


def test_rows_beyond_the_day_s_requests_wait(tmp_path: Path) -> None:
    """What could not be looked up is not written: it could make a double."""
    shop = opened(tmp_path)
    for key in "abc":
        shop.add(key)

    plan = shop.plan_against([], most=2)

    assert shop.counted(plan) == {"create held unread": 1, "create send": 2}
    assert shop.asked.unasked == 1
    assert shop.counted(shop.plan()) == {"create held unread": 3}


def test_a_draft_leaves_nothing_behind(tmp_path: Path) -> None:
    """The changes that waited for answers, payload and all, are gone with the plan."""
    shop = opened(tmp_path)
    shop.add("a")
    shop.plan_against([])

    assert not [t for (t,) in shop.sql("SELECT table_name FROM duckdb_tables()") if "draft" in t]


VALUES = st.sampled_from(["a@x", "A@x ", "b@x", "c@x"])


@given(
    st.lists(VALUES, max_size=6),
    st.lists(st.tuples(VALUES, st.sampled_from([None, "k9", ""])), max_size=6),
)
def test_a_record_is_given_to_one_row_or_to_none(
    rows: list[str], found: list[tuple[str, str | None]]
) -> None:
    """Whatever is found: a sure match is the only one, for row and record alike."""
    keyed = [(f"row{i}", value) for i, value in enumerate(rows)]
    records = [Found(value, f"rec{i}", key) for i, (value, key) in enumerate(found)]

    result = settled(matched(keyed, records)).to_pylist()

    given_away = [r["destination_id"] for r in result if r["destination_id"]]
    assert len(given_away) == len(set(given_away))
    for row in result:
        value = dict(keyed)[row["sync_key"]].strip().casefold()
        free = [r for r in records if not r.sync_key and r.value.strip().casefold() == value]
        rivals = [key for key, v in keyed if v.strip().casefold() == value]
        assert free
        sure = len(free) == 1 and len(rivals) == 1
        assert (row["destination_id"] == free[0].destination_id) is sure
        assert (row["records"] == 1) is sure
    free_values = {r.value.strip().casefold() for r in records if not r.sync_key}
    assert {r["sync_key"] for r in result} == {
        key for key, value in keyed if value.strip().casefold() in free_values
    }
