"""Frozen plans: their names, their retention, and what a preview shows of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from activation.errors import Refused
from activation.planning.actions import drop_plans, sample, verify
from activation_tests.planning.shop import NOW, PHASES, open_shop, update


def test_a_frozen_plan_that_was_touched_is_refused(tmp_path: Path) -> None:
    """Any value that changes after freezing is found, and so is a table that is gone."""
    shop = open_shop(tmp_path)
    shop.add("a")
    plan = shop.plan()
    with shop.session() as session:
        verify(session, plan)
    shop.sql(f"UPDATE activation.{plan.table} SET field_0_City = 'Bonn'")  # noqa: S608
    with shop.session() as session, pytest.raises(Refused, match="changed after it was frozen"):
        verify(session, plan)
    with shop.session() as session:
        assert drop_plans(session, "lead_scores", keep=set()) == [plan.table]
        with pytest.raises(Refused, match="no actions any more"):
            verify(session, plan)


def test_the_digest_names_what_is_in_the_plan(tmp_path: Path) -> None:
    """The same contents make the same digest, other contents, phase or time another."""
    shop = open_shop(tmp_path, rollout=PHASES)
    shop.add("a")
    digest = shop.plan().digest
    assert shop.plan().digest == digest
    assert shop.plan(now=NOW + timedelta(seconds=1)).digest != digest
    assert shop.plan(share="half").digest != digest
    update(shop, "a", score="2")
    assert shop.plan().digest != digest


def test_retention_keeps_what_is_named_and_other_syncs(tmp_path: Path) -> None:
    """Only this sync's plans are dropped, and not those that are kept."""
    shop = open_shop(tmp_path)
    shop.add("a")
    kept, dropped = shop.plan(), shop.plan(now=NOW + timedelta(hours=1))
    other = "plan_lead_scores_x_0123456789ab"
    shop.sql(f"CREATE TABLE activation.{other} (x INT)")
    with shop.session() as session:
        assert drop_plans(session, "lead_scores", keep={kept.table}) == [dropped.table]
        assert session.tables("activation") == sorted(["delivered_lead_scores", kept.table, other])


def test_a_preview_shows_its_first_actions(tmp_path: Path) -> None:
    """A sample is told in plan order, updates before creations."""
    shop = open_shop(tmp_path)
    shop.add("z")
    shop.deliver(shop.plan())
    update(shop, "z", score="2")
    shop.add("a")
    plan = shop.plan()
    with shop.session() as session:
        rows = sample(session, plan, 1).to_pylist()
    assert [(r["sync_key"], r["operation"]) for r in rows] == [("z", "update")]
    assert [a["sync_key"] for a in shop.actions(plan)] == ["z", "a"]
