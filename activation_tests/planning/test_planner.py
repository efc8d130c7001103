from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from activation.errors import ConfigurationError, ContractError, Refused
from activation.hash_keys import NO_KEY
from activation.planning.actions import drop_plans
from activation.planning.model import ActionRange, Disposition, Plan, PlanInputs
from activation.planning.withdrawals import withdrawn
from activation_tests.planning.shop import (
    MODELS,
    NOW,
    PHASES,
    Shop,
    contract,
    facts,
    field,
    open_shop,
    update,
)


def rejected(shop: Shop, plan: Plan, key: str) -> PlanInputs:
    """Return the inputs that say that the vendor refused this key's planned payload."""
    row = next(a for a in shop.actions(plan) if a["sync_key"] == key)
    return PlanInputs(
        rejected=pa.table(
            {"key_hash": [NO_KEY.current.row(plan.sync, key)], "row_hash": [row["row_hash"]]}
        )
    )


def test_what_was_delivered_is_not_planned_again(tmp_path: Path) -> None:
    """After the fold, a second plan has nothing to do."""
    shop = open_shop(tmp_path)
    shop.add("a", email=" A@Example.com ", score="1.005")
    shop.add("b", city=" ")
    first = shop.plan()
    assert shop.counted(first) == {"create send": 2}
    assert [(a["sync_key"], a["Email"], a["City"]) for a in shop.actions(first)] == [
        ("a", "a@example.com", "Ulm"),
        ("b", "a@example.com", None),
    ]
    assert shop.actions(first)[1]["Score__c"] == Decimal("1.00")
    shop.deliver(first)
    second = shop.plan()
    assert (second.rows(), second.blast.delivered_before) == (0, 2)
    assert shop.actions(second) == []


def test_folding_again_changes_nothing(tmp_path: Path) -> None:
    """Receipts that are folded twice, or after newer ones, leave the state as it is."""
    shop = open_shop(tmp_path)
    shop.add("a")
    first = shop.plan()
    shop.deliver(first)
    update(shop, "a", score="2", updated_at=datetime(2026, 1, 1, tzinfo=UTC))
    second = shop.plan()
    shop.deliver(second, at=NOW + timedelta(hours=1))
    before = shop.sql("FROM activation.delivered_lead_scores")
    shop.deliver(second, at=NOW + timedelta(hours=1))
    shop.deliver(first)
    assert shop.sql("FROM activation.delivered_lead_scores") == before
    assert shop.plan().rows() == 0


def test_an_undelivered_action_is_planned_again(tmp_path: Path) -> None:
    """What the receipts leave out comes back in the next plan."""
    shop = open_shop(tmp_path)
    shop.add("a")
    shop.add("b")
    shop.deliver(shop.plan(), but=[0])
    assert [a["sync_key"] for a in shop.actions(shop.plan())] == ["a"]


def test_a_late_row_never_comes_back(tmp_path: Path) -> None:
    """An older version of a delivered key is dropped and counted."""
    shop = open_shop(tmp_path)
    shop.add("a", day=5)
    shop.deliver(shop.plan())
    update(shop, "a", score="9", updated_at="2026-01-04")
    plan = shop.plan()
    assert (plan.rows(), plan.blast.late) == (0, 1)


def test_a_newer_version_without_a_change_is_remembered(tmp_path: Path) -> None:
    """A row that is only newer moves the delivered version on, so that a late one is known."""
    shop = open_shop(tmp_path)
    shop.add("a", day=2)
    shop.deliver(shop.plan())
    update(shop, "a", updated_at="2026-01-06")
    assert shop.plan(freeze=False).rows() == 0
    assert shop.plan().rows() == 0
    update(shop, "a", score="9", updated_at="2026-01-05")
    assert shop.plan().blast.late == 1


def test_a_preview_writes_nothing(tmp_path: Path) -> None:
    """Without freezing, neither a plan nor a state table comes to stand."""
    shop = open_shop(tmp_path)
    shop.add("a")
    plan = shop.plan(freeze=False)
    assert plan.rows(Disposition.SEND) == 1
    found = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'activation'"
    assert shop.sql(found) == [(0,)]


def test_every_action_has_one_disposition(tmp_path: Path) -> None:
    """Consent, unfit and empty values each keep their row back; sent rows alone have a payload."""
    shop = open_shop(
        tmp_path,
        fields=[
            field("Score__c", "score", "decimal(5,2)", nulls="clear"),
            field("City", "city", "text(40)", nulls="hold"),
        ],
    )
    shop.add("sent")
    shop.add("denied", consent=("granted", "DENIED "))
    shop.add("missing", consent=())
    shop.add("unknown", consent=("granted", "maybe"))
    shop.add("unfit", score="many")
    shop.add("large", score="1000000")
    shop.add("empty", city=None)
    shop.add("both", city=None, consent=("denied",))
    plan = shop.plan()
    assert shop.counted(plan) == {
        "create send": 1,
        "create blocked denied": 2,
        "create blocked missing": 1,
        "create blocked unmapped": 1,
        "create held invalid": 2,
        "create held null": 1,
    }
    assert plan.rows() == sum(plan.rows(d) for d in Disposition) == 8
    payload = f"FROM activation.{plan.table} SELECT sync_key WHERE field_0_City IS NOT NULL"
    assert shop.sql(payload) == [("sent",)]


def test_consent_of_another_purpose_does_not_count(tmp_path: Path) -> None:
    """Who agreed to something else has not agreed."""
    shop = open_shop(tmp_path)
    shop.add("a")
    shop.sql("UPDATE marts.consents SET purpose = 'research'")
    assert shop.counted(shop.plan()) == {"create blocked missing": 1}


def test_old_consent_data_blocks_every_row(tmp_path: Path) -> None:
    """Consent that is older than the contract allows is no consent."""
    shop = open_shop(tmp_path)
    shop.add("a")
    plan = shop.plan(now=NOW + timedelta(days=3))
    assert shop.counted(plan) == {"create blocked stale": 1}
    assert plan.source.consents == {"consents": datetime(2026, 1, 10, tzinfo=UTC)}


def test_consent_that_was_withdrawn_is_seen_before_sending(tmp_path: Path) -> None:
    """The second look names the actions whose consent is gone, or all if it became too old."""
    shop = open_shop(tmp_path)
    for key in "abc":
        shop.add(key)
    plan = shop.plan()
    shop.sql("UPDATE marts.consents SET status = 'denied' WHERE lead_id = 'b'")
    shop.sql("DELETE FROM marts.consents WHERE lead_id = 'c'")
    with shop.session() as session:
        assert withdrawn(session, shop.contract, MODELS.consents, plan.table, NOW) == {1, 2}
        later = NOW + timedelta(days=9)
        assert withdrawn(session, shop.contract, MODELS.consents, plan.table, later) == {0, 1, 2}


def test_a_rejected_payload_waits_until_it_changes(tmp_path: Path) -> None:
    """The very payload that was refused is held; a corrected one goes out."""
    shop = open_shop(tmp_path)
    shop.add("a")
    inputs = rejected(shop, shop.plan(), "a")
    assert shop.counted(shop.plan(inputs=inputs)) == {"create held rejected_before": 1}
    update(shop, "a", score="2")
    assert shop.counted(shop.plan(inputs=inputs)) == {"create send": 1}


def test_keys_in_doubt_wait(tmp_path: Path) -> None:
    """A key with an unsettled attempt is held, before any lesser reason."""
    shop = open_shop(tmp_path)
    shop.add("a")
    shop.add("b")
    first = shop.plan()
    doubt = ActionRange(first.table, 0, 0)
    inputs = replace(rejected(shop, first, "a"), in_doubt=(doubt,))
    plan = shop.plan(inputs=inputs)
    assert shop.counted(plan) == {"create held in_doubt": 1, "create send": 1}
    with shop.session() as session:
        drop_plans(session, "lead_scores", keep=set())
    with pytest.raises(Refused, match="in doubt"):
        shop.plan(inputs=inputs)


def test_unusable_keys_are_taken_out(tmp_path: Path) -> None:
    """Rows without a key, and all rows of a key that comes twice, are counted and left out."""
    shop = open_shop(tmp_path)
    for key in ("a", "b", " b", None, "  ", "C"):
        shop.add(key)
    plan = shop.plan()
    source = plan.source
    assert (source.rows, source.keys, source.null_keys, source.repeated_keys) == (6, 2, 2, 2)
    assert [a["sync_key"] for a in shop.actions(plan)] == ["C", "a"]


def test_a_delivered_key_that_now_comes_twice_is_not_lost(tmp_path: Path) -> None:
    """Also where both rows are as delivered, the repeated key is found."""
    shop = open_shop(tmp_path)
    shop.add("a")
    shop.add("b")
    shop.deliver(shop.plan())
    shop.add("a", consent=())
    plan = shop.plan()
    assert (plan.source.repeated_keys, plan.source.keys, plan.blast.lost) == (2, 1, 0)
    update(shop, "a", score="3")
    assert shop.plan().rows() == 0


def test_keys_are_told_apart_as_the_vendor_does(tmp_path: Path) -> None:
    """Where case does not count, two spellings are one key, under the spelling first delivered."""
    shop = open_shop(tmp_path)
    shop.facts = facts(key_is_case_sensitive=False)
    shop.add("Ab")
    shop.add("x")
    shop.add("X")
    first = shop.plan()
    assert first.source.repeated_keys == 2
    shop.deliver(first)
    update(shop, "Ab", score="5")
    shop.sql("UPDATE marts.lead_scores SET lead_id = 'aB' WHERE lead_id = 'Ab'")
    shop.sql("UPDATE marts.consents SET lead_id = 'aB' WHERE lead_id = 'Ab'")
    second = shop.plan()
    assert [(a["sync_key"], a["operation"]) for a in shop.actions(second)] == [("Ab", "update")]
    shop.deliver(second)
    assert shop.plan().rows() == 0


def test_phases_are_nested_and_blast_is_of_the_phase(tmp_path: Path) -> None:
    """A wider phase plans what the narrower did not reach, and counts what it holds."""
    shop = open_shop(tmp_path, key_type="BIGINT", rollout=PHASES)
    shop.sql(
        "INSERT INTO marts.lead_scores "
        "SELECT i, NULL, '1', 'Ulm', '2026-01-01' FROM range(500) r(i);"
        "INSERT INTO marts.consents "
        "SELECT i, 'sales', 'email', 'granted', '2026-01-10' FROM range(500) r(i)"
    )
    canary = shop.plan(share="canary")
    shop.deliver(canary)
    reached = {a["sync_key"] for a in shop.actions(canary)}
    assert 25 <= len(reached) <= 75
    half = shop.plan(share="half", inputs=PlanInputs(loaded_phases=frozenset({"canary"})))
    assert half.blast.delivered_before == len(reached)
    assert half.blast.created == half.rows(Disposition.SEND)
    assert half.blast.created_in_loaded_phases == 0
    assert not reached & {a["sync_key"] for a in shop.actions(half)}
    shop.deliver(half)
    shop.sql("DELETE FROM marts.lead_scores")
    assert shop.plan(share="canary").blast.lost == len(reached)
    assert shop.plan(share="full").blast.lost == len(reached) + half.blast.created


def test_new_rows_in_a_loaded_phase_are_counted(tmp_path: Path) -> None:
    """Once a phase is loaded, a key that newly belongs to it counts as created there."""
    shop = open_shop(tmp_path)
    shop.add("a")
    plan = shop.plan(inputs=PlanInputs(loaded_phases=frozenset({"full"})))
    assert plan.blast.created_in_loaded_phases == 1


def test_losing_a_value_is_counted_where_it_is_cleared(tmp_path: Path) -> None:
    """An emptied field counts as cleared, but not one that is kept or that was empty before."""
    shop = open_shop(tmp_path)
    shop.add("cleared")
    shop.add("kept")
    shop.add("empty", city=None)
    shop.deliver(shop.plan())
    update(shop, "cleared", city=None)
    update(shop, "kept", email=None)
    update(shop, "empty", score="7")
    blast = shop.plan().blast
    assert (blast.changed, blast.cleared) == (3, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: {**f, "to": "Town"},
        lambda f: {**f, "nulls": "clear"},
        lambda f: {**f, "column": "email"},
    ],
)
def test_another_mapping_is_told(
    tmp_path: Path, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    """Another field, column or null policy sends the rows again, and the plan says why."""
    kept = field("City", "city", "text(40)", nulls="keep")
    shop = open_shop(tmp_path, fields=[kept])
    shop.add("a", city=None)
    shop.deliver(shop.plan())
    shop.contract = contract(fields=[change(kept)])
    plan = shop.plan()
    assert plan.mapping_changed
    assert plan.blast.changed == 1


def test_a_mapping_that_pays_out_the_same_sends_nothing(tmp_path: Path) -> None:
    """A longer text type changes no payload, and is told only once."""
    shop = open_shop(tmp_path, fields=[field("City", "city", "text(40)")])
    shop.add("a")
    shop.deliver(shop.plan())
    shop.contract = contract(fields=[field("City", "city", "text(80)")])
    assert (shop.plan().rows(), shop.plan().mapping_changed) == (0, False)


def test_an_engine_whose_hash_moved_sends_nothing(tmp_path: Path) -> None:
    """When every fast hash differs, the plan looks closer and finds nothing changed."""
    shop = open_shop(tmp_path)
    shop.add("a")
    shop.deliver(shop.plan())
    shop.sql("UPDATE activation.delivered_lead_scores SET source_hash = source_hash // 2")
    plan = shop.plan()
    assert (plan.rows(), plan.mapping_changed, plan.hash_changed) == (0, False, False)


def test_rows_hashed_by_another_method_are_told(tmp_path: Path) -> None:
    """A state whose row hashes are of another method is one sentence for the gate."""
    shop = open_shop(tmp_path)
    shop.add("a")
    shop.deliver(shop.plan())
    shop.sql("UPDATE activation.delivered_lead_scores SET hash_version = 'x', row_hash = 1")
    shop.sql("UPDATE activation.delivered_lead_scores SET source_hash = 1")
    assert shop.plan().hash_changed


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """A model that lost a mapped column makes an empty plan that says so."""
    shop = open_shop(tmp_path)
    shop.add("a")
    shop.sql("ALTER TABLE marts.lead_scores DROP COLUMN city")
    plan = shop.plan()
    assert (plan.rows(), plan.source.missing_columns, plan.source.rows) == (0, ("city",), 1)
    assert shop.actions(plan) == []


def test_what_cannot_be_planned_is_refused(tmp_path: Path) -> None:
    """A model that is not there, a version that is no time, a consent model without status."""
    shop = open_shop(tmp_path)
    shop.contract = contract(
        source={"model": "lead_scores", "grain": ["lead_id"], "version": "city"}
    )
    with pytest.raises(ContractError, match="not a date or timestamp"):
        shop.plan()
    shop.contract = contract()
    shop.sql("ALTER TABLE marts.consents DROP COLUMN status")
    with pytest.raises(ContractError, match="lacks status"):
        shop.plan()
    shop.sql("DROP TABLE marts.lead_scores")
    with pytest.raises(ConfigurationError, match="dbt build"):
        shop.plan()


def test_gates_get_values_and_lengths(tmp_path: Path) -> None:
    """The plan tells the values of picklists and the longest texts of what it sends."""
    shop = open_shop(tmp_path)
    shop.add("a", city="Bonn")
    shop.add("b", city="Ulm")
    shop.add("c", city="Kept back", consent=())
    shop.facts = replace(shop.facts, picklists=frozenset({"City"}))
    plan = shop.plan()
    assert plan.values == {"City": ("Bonn", "Ulm")}
    assert plan.longest == {"City": 4, "Email": 13, "Lead_Key__c": 1}


def test_odd_names_and_values_stay_data(tmp_path: Path) -> None:
    """Quotes and semicolons in columns, fields, keys and values are never read as SQL."""
    nasty = 'a"; DROP TABLE marts.lead_scores; --'
    shop = open_shop(tmp_path, fields=[field(nasty, nasty, "text(80)")])
    quoted = nasty.replace('"', '""')
    shop.sql(f'ALTER TABLE marts.lead_scores RENAME COLUMN city TO "{quoted}"')
    shop.add("k'; --", city="v'; DROP TABLE x; --")
    plan = shop.plan()
    action = shop.actions(plan)[0]
    assert (action["sync_key"], action[nasty]) == ("k'; --", "v'; DROP TABLE x; --")
    shop.deliver(plan)
    assert shop.plan().rows() == 0
