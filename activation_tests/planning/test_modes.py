"""What a mode plans for new rows, changed rows, and rows that the model no longer has."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activation.destinations.traits import Verb
from activation.planning.model import Plan
from activation_tests.planning.shop import NOW, PHASES, Shop, open_shop, update


def destination(mode: str) -> dict[str, Any]:
    """Return a destination of that mode."""
    return {"connection": "crm", "object": "Lead", "key": "Lead_Key__c", "mode": mode}


def next_day(folder: Path, mode: str, **changes: Any) -> tuple[Shop, Plan]:
    """Return a shop and its plan after a first load, a change, a new row and a lost one."""
    shop = open_shop(folder, destination=destination(mode), **changes)
    for key in ("changed", "lost", "same"):
        shop.add(key)
    shop.deliver(shop.plan())
    update(shop, "changed", city="Bonn", updated_at="2026-01-05")
    shop.sql("DELETE FROM marts.lead_scores WHERE lead_id = 'lost'")
    shop.add("new")
    return shop, shop.plan()


@pytest.mark.parametrize(
    ("mode", "planned"),
    [
        ("upsert", [("changed", "update", "upsert"), ("new", "create", "upsert")]),
        ("update_only", [("changed", "update", "update"), ("new", "update", "update")]),
        ("create_only", [("new", "create", "create")]),
        (
            "mirror",
            [
                ("lost", "delete", "remove"),
                ("changed", "update", "upsert"),
                ("new", "create", "upsert"),
            ],
        ),
        (
            "audience",
            [
                ("lost", "delete", "remove"),
                ("changed", "update", "upsert"),
                ("new", "create", "upsert"),
            ],
        ),
    ],
)
def test_a_mode_says_what_may_happen(
    tmp_path: Path, mode: str, planned: list[tuple[str, str, str]]
) -> None:
    """Each mode plans its own operations and verbs; deletions come first."""
    shop, plan = next_day(tmp_path, mode)

    actions = shop.actions(plan)

    assert [(a["sync_key"], a["operation"], a["verb"]) for a in actions] == planned
    assert plan.verbs == {
        verb: rows for verb in Verb if (rows := sum(v == verb for _, _, v in planned))
    }
    blast = plan.blast
    removed = sum(operation == "delete" for _, operation, _ in planned)
    assert (blast.created, blast.lost, blast.deleted) == (1, 1, removed)


def test_a_removal_knows_the_record_and_carries_no_value(tmp_path: Path) -> None:
    """The destination's id is told where it is known; nothing else of the row is."""
    shop, plan = next_day(tmp_path, "mirror")

    removal, change, new = shop.actions(plan)

    assert removal["destination_id"] == "00Q1"
    assert [removal[f] for f in ("Email", "Score__c", "City")] == [None, None, None]
    assert (change["destination_id"], new["destination_id"]) == ("00Q0", None)


def test_what_was_removed_is_forgotten_and_may_come_back(tmp_path: Path) -> None:
    """A delivered removal leaves no trace; the same key is created when it returns."""
    shop, plan = next_day(tmp_path, "mirror")
    shop.deliver(plan)
    assert shop.plan().rows() == 0
    keys = shop.sql("SELECT sync_key FROM activation.delivered_lead_scores ORDER BY 1")
    assert keys == [("changed",), ("new",), ("same",)]

    shop.add("lost")

    assert [(a["sync_key"], a["operation"]) for a in shop.actions(shop.plan())] == [
        ("lost", "create")
    ]


def test_folding_a_removal_again_changes_nothing(tmp_path: Path) -> None:
    """A removal that is folded twice, also after the key came back, leaves the state as it is."""
    shop, plan = next_day(tmp_path, "mirror")
    shop.deliver(plan)
    shop.deliver(plan)
    shop.add("lost", day=6)
    shop.deliver(shop.plan(), at=NOW + timedelta(hours=1))
    before = shop.sql("FROM activation.delivered_lead_scores ORDER BY 1")

    shop.deliver(plan)

    assert shop.sql("FROM activation.delivered_lead_scores ORDER BY 1") == before


def test_a_removal_that_was_not_acknowledged_is_planned_again(tmp_path: Path) -> None:
    """What the receipts leave out is still ours to remove."""
    shop, plan = next_day(tmp_path, "mirror")
    shop.deliver(plan, but=[0])

    again = shop.plan()

    assert [a["operation"] for a in shop.actions(again)] == ["delete"]


def test_a_removal_needs_no_consent(tmp_path: Path) -> None:
    """Who said no is removed all the same; who said no and is still there is not written."""
    shop, _ = next_day(tmp_path, "mirror")
    shop.sql("UPDATE marts.consents SET status = 'denied'")

    assert shop.counted(shop.plan()) == {
        "create blocked denied": 1,
        "delete send lost": 1,
        "update blocked denied": 1,
    }


def test_a_row_that_is_repeated_or_outside_the_phase_is_not_removed(tmp_path: Path) -> None:
    """Only rows of the phase that the model has no more are removed."""
    shop = open_shop(tmp_path, destination=destination("mirror"), rollout=PHASES)
    for number in range(40):
        shop.add(f"k{number:02}")
    shop.deliver(shop.plan())
    shop.sql("DELETE FROM marts.lead_scores WHERE lead_id >= 'k20'")
    shop.sql("INSERT INTO marts.lead_scores FROM marts.lead_scores WHERE lead_id = 'k00'")

    narrow, wide = shop.plan(share="half", freeze=False), shop.plan(freeze=False)

    assert wide.verbs == {Verb.REMOVE: 20}
    assert 0 < narrow.verbs[Verb.REMOVE] == narrow.blast.deleted == narrow.blast.lost < 20


def test_a_model_without_a_mapped_column_removes_nothing(tmp_path: Path) -> None:
    """A model that cannot be read says nothing of who is gone."""
    shop, _ = next_day(tmp_path, "mirror")
    shop.sql("ALTER TABLE marts.lead_scores DROP COLUMN city")

    assert shop.plan().rows() == 0
