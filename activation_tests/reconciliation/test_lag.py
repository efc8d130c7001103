"""What a destination shows late is told apart from what it lacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activation.destinations.traits import Reading
from activation.planning.model import ActionRange, PlanInputs
from activation.reconciliation.read_keys import known_keys
from activation_tests.planning.shop import NOW, PHASES, Shop, open_shop, update
from activation_tests.planning.test_revocations import answer, opened
from activation_tests.reconciliation.test_comparison import classes, delivered, parity, record

LAG = timedelta(minutes=5)
MIRROR = {"connection": "crm", "object": "Lead", "key": "Lead_Key__c", "mode": "mirror"}


def lagging(shop: Shop) -> Shop:
    """Let the vendor show what was written up to five minutes late."""
    shop.facts = replace(shop.facts, traits=replace(shop.facts.traits, read_lag=LAG))
    return shop


def test_what_need_not_be_visible_yet_is_unsettled(tmp_path: Path) -> None:
    """Recently delivered keys that lack or differ are explained and named; seen ones match."""
    shop = lagging(delivered(tmp_path, "abc"))

    found = parity(shop, [record("a"), record("b", City="Bonn")], now=NOW + timedelta(minutes=4))

    assert classes(found) == {"matched": 1, "unsettled": 2}
    assert found.waiting == found.unseen == ("b", "c")
    assert (found.unexplained, found.bound) == (0, 0)


def test_after_the_lag_nothing_is_excused(tmp_path: Path) -> None:
    """From the end of the lag on, what lacks is missing and what differs has drifted."""
    shop = lagging(delivered(tmp_path, "abc"))

    found = parity(shop, [record("a"), record("b", City="Bonn")], now=NOW + LAG)

    assert classes(found) == {"matched": 1, "drifted": 1, "missing": 1}
    assert (found.waiting, found.unseen) == ((), ())


def test_an_older_delivery_is_not_excused_by_a_newer_one(tmp_path: Path) -> None:
    """Each key counts from its own delivery."""
    shop = lagging(delivered(tmp_path, "ab"))
    update(shop, "a", score="2", updated_at="2026-01-02")
    shop.deliver(shop.plan(), at=NOW + timedelta(hours=1))

    found = parity(shop, [record("a"), record("b", City="Bonn")], now=NOW + timedelta(hours=1))

    assert classes(found) == {"unsettled": 1, "drifted": 1}
    assert found.waiting == ("a",)


def test_a_change_on_top_of_an_unseen_one_is_pending_but_not_seen(tmp_path: Path) -> None:
    """What the next run sends is told so; that the last one took effect is not claimed."""
    shop = lagging(delivered(tmp_path, "a"))
    update(shop, "a", score="2", updated_at="2026-01-02")

    found = parity(shop, [record("a", City="Bonn")], now=NOW)

    assert classes(found) == {"pending": 1}
    assert (found.waiting, found.unseen) == ((), ("a",))


def test_a_removal_that_is_on_its_way_is_unsettled(tmp_path: Path) -> None:
    """A record that we removed is not unexpected while the removal may yet take effect."""
    shop = lagging(delivered(tmp_path, "ab", destination=MIRROR))
    shop.sql("DELETE FROM marts.lead_scores WHERE lead_id = 'b'")
    plan = shop.plan()
    shop.deliver(plan)
    on_its_way = PlanInputs(in_doubt=(ActionRange(plan.table, 0, 0),))

    still_there = parity(shop, [record("a"), record("b")], inputs=on_its_way)
    gone = parity(shop, [record("a")], inputs=on_its_way)
    later = parity(shop, [record("a"), record("b")])

    assert classes(still_there) == {"matched": 1, "unsettled": 1}
    assert still_there.waiting == still_there.unseen == ("b",)
    assert (classes(gone), gone.unseen) == ({"matched": 1}, ())
    assert classes(later) == {"matched": 1, "unexpected": 1}


def withdrawn(folder: Path, do: dict[str, Any]) -> tuple[Shop, str]:
    """Return a shop that has emptied or opted out the lead `a` with its last plan."""
    shop = opened(folder, do)
    answer(shop, "a", "denied")
    plan = shop.plan()
    shop.deliver(plan)
    return lagging(shop), plan.digest


@pytest.mark.parametrize(
    ("do", "done"),
    [
        ({"do": "clear", "fields": ["City"]}, {"City": None}),
        ({"do": "opt_out", "set": {"OptOut__c": True}}, {"OptOut__c": True}),
    ],
)
def test_a_withdrawal_must_show(tmp_path: Path, do: dict[str, Any], done: dict[str, Any]) -> None:
    """The last plan's withdrawal is awaited within the lag, and told if it never shows."""
    shop, digest = withdrawn(tmp_path, do)
    others = [_lead(key) for key in "bcd"]
    there, ignored = [*others, _lead("a", **done)], [*others, _lead("a")]

    seen = parity(shop, there, plan_digest=digest)
    early = parity(shop, ignored, plan_digest=digest)
    late = parity(shop, ignored, plan_digest=digest, now=NOW + LAG)
    of_old = parity(shop, ignored, plan_digest="another", now=NOW + LAG)

    assert (classes(seen), seen.unseen) == ({"matched": 3, "blocked": 1}, ())
    assert (classes(early), early.waiting) == ({"matched": 3, "unsettled": 1}, ("a",))
    assert (classes(late), late.unexplained) == ({"matched": 3, "drifted": 1}, 1)
    assert classes(of_old) == {"matched": 4}


def _lead(key: str, **values: Any) -> dict[str, Any]:
    return {
        "sync_key": key,
        "destination_id": f"id-{key}",
        "City": "Ulm",
        "Email": "a@example.com",
        "Name__c": key,
        "OptOut__c": False,
        **values,
    }


@pytest.mark.parametrize(("phase", "share"), [("canary", 0.1), ("full", 1.0)])
def test_the_known_keys_are_those_of_the_phase(tmp_path: Path, phase: str, share: float) -> None:
    """Keys outside the phase are not read; those whose removal is on its way are."""
    keys = [f"key-{n}" for n in range(200)]
    shop = open_shop(tmp_path, rollout=PHASES, destination=MIRROR)
    for key in keys:
        shop.add(key)
    shop.deliver(shop.plan())
    shop.sql("DELETE FROM marts.lead_scores WHERE lead_id = 'key-7'")
    plan = shop.plan()
    shop.deliver(plan)
    found = shop.contract.rollout.phase(phase)
    assert found is not None

    with shop.session() as session:
        known = known_keys(session, shop.contract, found)
        with_removed = known_keys(
            session, shop.contract, found, [ActionRange(plan.table, 0, plan.rows() - 1)]
        )

    assert "key-7" not in known
    assert with_removed == [*known, "key-7"]
    assert len(set(known)) == len(known)
    assert len(known) == 199 if share == 1 else 5 < len(known) < 40


def test_a_read_of_known_keys_says_so(tmp_path: Path) -> None:
    """Where strangers cannot be seen, the statement does not claim that there are none."""
    shop = delivered(tmp_path, "a")
    shop.facts = replace(shop.facts, traits=replace(shop.facts.traits, reading=Reading.BY_KEY))

    found = parity(shop, [record("a")])

    assert found.statement.startswith("All 1 keys that we know were compared: 0 (0.00%)")
