from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from activation.errors import ContractError
from activation.hash_keys import NO_KEY
from activation.planning.model import ActionRange, PlanInputs
from activation.reconciliation.comparison import compare
from activation.reconciliation.parity import Discrepancy, Parity
from activation.reconciliation.read_keys import sample_keys
from activation_tests.planning.shop import (
    MODELS,
    NOW,
    Shop,
    facts,
    field,
    open_shop,
    update,
)

DESTINATION = {"connection": "crm", "object": "Lead", "key": "Lead_Key__c"}


def record(key: str, **values: Any) -> dict[str, Any]:
    """Return a record of the destination that holds what `Shop.add` adds."""
    fields = {"Email": "a@example.com", "Score__c": Decimal("1.00"), "City": "Ulm"}
    return {"sync_key": key, "destination_id": f"id-{key}", **fields, **values}


def parity(  # noqa: PLR0913 - each is named
    shop: Shop,
    records: Iterable[dict[str, Any]],
    *,
    inputs: PlanInputs | None = None,
    keys: list[str] | None = None,
    phase: str = "full",
    now: datetime = NOW,
    plan_digest: str | None = None,
) -> Parity:
    """Compare the shop with these records."""
    found = shop.contract.rollout.phase(phase)
    assert found is not None
    with shop.session() as session:
        return compare(
            session,
            shop.contract,
            MODELS,
            shop.facts,
            phase=found,
            inputs=inputs or PlanInputs(),
            read_back=(pa.Table.from_pylist([r]) for r in records),
            keys=keys,
            now=now,
            plan_digest=plan_digest,
        )


def classes(found: Parity) -> dict[str, int]:
    """Return the classes that have keys, after checking that they sum up."""
    assert sum(found.classes.values()) == found.keys
    assert set(found.classes) == set(Discrepancy)
    return {c.value: n for c, n in found.classes.items() if n}


def delivered(folder: Path, keys: str, **changes: Any) -> Shop:
    """Return a shop whose leads of these keys were delivered."""
    shop = open_shop(folder, **changes)
    for key in keys:
        shop.add(key)
    shop.deliver(shop.plan())
    return shop


def test_what_was_delivered_matches(tmp_path: Path) -> None:
    """Records that hold what was sent match, however the vendor spells them."""
    shop = delivered(tmp_path, "ab")
    spelled = record("b", Email=" A@EXAMPLE.COM", Score__c=Decimal("1.0000"))
    found = parity(shop, [record("a"), spelled])
    assert classes(found) == {"matched": 2}
    assert found.matched_share == 1
    assert found.statement == (
        "All 2 keys were compared: 0 (0.00%) differ without a reason we know."
    )


def test_each_way_to_differ_has_its_class(tmp_path: Path) -> None:
    """Every class is told, each key once, and the unexplained ones add up."""
    shop = delivered(tmp_path, "abcdef")
    shop.sql("DELETE FROM marts.lead_scores WHERE lead_id IN ('c', 'd')")
    shop.sql("UPDATE marts.lead_scores SET score = '9' WHERE lead_id = 'e'")
    shop.add("new")
    shop.add("no", consent=("denied",))
    shop.add("bad", score="x")
    found = parity(
        shop,
        [record("a"), record("b", City="Bonn"), record("c"), record("e"), record("who")],
    )
    assert classes(found) == {
        "matched": 1,
        "drifted": 1,
        "lost": 2,
        "missing": 1,
        "pending": 2,
        "blocked": 1,
        "held": 1,
        "unexpected": 1,
    }
    assert (found.unexplained, found.keys, found.fields) == (3, 10, {"City": 1})
    told = {(s.key_hash, s.discrepancy, s.fields) for s in found.samples}
    sync = shop.contract.sync
    assert (NO_KEY.current.row(sync, "b"), Discrepancy.DRIFTED, ("City",)) in told
    assert (NO_KEY.current.row(sync, "e"), Discrepancy.PENDING, ("Score__c",)) in told
    assert (NO_KEY.current.row(sync, "f"), Discrepancy.MISSING, ()) in told
    assert "Bonn" not in repr(found)


def test_members_are_compared_by_their_keys_alone(tmp_path: Path) -> None:
    """An audience has no fields: who is on it, who should be, and who left are all told."""
    shop = open_shop(tmp_path, fields=[], destination={**DESTINATION, "mode": "audience"})
    for key in "abc":
        shop.add(key)
    shop.deliver(shop.plan())
    shop.sql("DELETE FROM marts.lead_scores WHERE lead_id = 'c'")
    members = [{"sync_key": key, "destination_id": f"id-{key}"} for key in "ac"]

    found = parity(shop, members)

    assert classes(found) == {"matched": 1, "lost": 1, "missing": 1}
    assert found.fields == {}
    assert {s.key_hash for s in found.samples} == {
        NO_KEY.current.row(shop.contract.sync, key) for key in "bc"
    }


def test_a_rejected_change_is_told_as_such(tmp_path: Path) -> None:
    """A key whose present payload is a dead letter is rejected, not pending."""
    shop = delivered(tmp_path, "a")
    shop.sql("UPDATE marts.lead_scores SET score = '9'")
    row = shop.actions(shop.plan())[0]
    inputs = PlanInputs(
        rejected=pa.table(
            {"key_hash": [NO_KEY.current.row("lead_scores", "a")], "row_hash": [row["row_hash"]]}
        )
    )
    assert classes(parity(shop, [record("a")], inputs=inputs)) == {"rejected": 1}


def test_an_attempt_in_doubt_is_not_unexpected(tmp_path: Path) -> None:
    """A record that an unsettled attempt may have made is held."""
    shop = open_shop(tmp_path)
    shop.add("a")
    plan = shop.plan()
    doubt = PlanInputs(in_doubt=(ActionRange(plan.table, 0, 0),))
    assert classes(parity(shop, [record("a")], inputs=doubt)) == {"held": 1}
    assert classes(parity(shop, [record("a")])) == {"unexpected": 1}


def test_a_change_that_is_already_there_matches(tmp_path: Path) -> None:
    """The destination may hold the new values before the state says so."""
    shop = delivered(tmp_path, "a")
    shop.sql("UPDATE marts.lead_scores SET score = '9'")
    assert classes(parity(shop, [record("a", Score__c=Decimal(9))])) == {"matched": 1}


def test_a_field_that_is_left_alone_does_not_differ(tmp_path: Path) -> None:
    """Where an empty value keeps the field, the destination may hold anything there."""
    shop = open_shop(tmp_path)
    shop.add("a", email=None)
    shop.add("b", email=None, city=None)
    shop.deliver(shop.plan())
    found = parity(shop, [record("a", Email="kept@example.com"), record("b")])
    assert classes(found) == {"matched": 1, "drifted": 1}
    assert found.fields == {"City": 1}


def test_two_records_of_one_key_drift(tmp_path: Path) -> None:
    """A second record under our key is a difference, and counted once."""
    shop = delivered(tmp_path, "a")
    assert classes(parity(shop, [record("a"), record("a", destination_id="x")])) == {"drifted": 1}


def test_only_the_phase_is_compared(tmp_path: Path) -> None:
    """Keys outside of the phase are not counted, neither ours nor strange ones."""
    phases = [{"name": "some", "share": "40%"}, {"name": "full", "share": "100%"}]
    shop = open_shop(tmp_path, key_type="BIGINT", rollout={"salt": "s", "phases": phases})
    shop.sql(
        "INSERT INTO marts.lead_scores "
        "SELECT i, 'a@example.com', '1', 'Ulm', '2026-01-01' FROM range(200) r(i);"
        "INSERT INTO marts.consents "
        "SELECT i, 'sales', 'email', 'granted', '2026-01-10' FROM range(200) r(i)"
    )
    shop.deliver(shop.plan())
    table = pa.Table.from_pylist([record(str(i)) for i in range(400)])
    some, full = (_compare_table(shop, table, phase) for phase in ("some", "full"))
    assert classes(full) == {"matched": 200, "unexpected": 200}
    assert 0 < some.keys < 250
    assert set(classes(some)) == {"matched", "unexpected"}


def _compare_table(shop: Shop, table: pa.Table, phase: str) -> Parity:
    found = shop.contract.rollout.phase(phase)
    assert found is not None
    with shop.session() as session:
        return compare(
            session,
            shop.contract,
            MODELS,
            shop.facts,
            phase=found,
            inputs=PlanInputs(),
            read_back=table,
            keys=None,
            now=NOW,
        )


def test_a_sample_states_its_bound(tmp_path: Path) -> None:
    """Only the sampled keys are compared, and the statement says what that means for all."""
    shop = delivered(tmp_path, "abcd")
    shop.add("new")
    found = parity(shop, [record("a"), record("b")], keys=["a", "b"])
    assert classes(found) == {"matched": 2}
    assert (found.full, round(found.bound, 4)) == (False, 0.7764)
    assert "at most 77.64% of all differ" in found.statement


def test_samples_are_drawn_by_the_seed(tmp_path: Path) -> None:
    """The same seed draws the same keys, another seed others."""
    shop = delivered(tmp_path, "abcdefghijklmnop")
    phase = shop.contract.rollout.phases[0]
    with shop.session() as session:
        one, same, other = (
            sample_keys(session, shop.contract, phase, rows=5, seed=s) for s in (1, 1, 2)
        )
    assert one == same
    assert len(set(one)) == 5
    assert set(one) != set(other)


def test_keys_are_compared_as_the_vendor_tells_them_apart(tmp_path: Path) -> None:
    """A vendor that ignores case may give the key back in another one."""
    shop = open_shop(tmp_path)
    shop.facts = facts(key_is_case_sensitive=False)
    shop.add("Ab")
    shop.deliver(shop.plan())
    assert classes(parity(shop, [record("aB")])) == {"matched": 1}


def test_times_and_texts_of_other_types_compare(tmp_path: Path) -> None:
    """Zoned times and numbers as text are brought into the contract's types first."""
    shop = open_shop(
        tmp_path,
        fields=[field("At", "updated_at", "timestamp"), field("Score__c", "score", "integer")],
    )
    shop.add("a", score="3")
    shop.deliver(shop.plan())
    at = datetime(2026, 1, 1, tzinfo=UTC)
    row = {"sync_key": "a", "destination_id": "1", "At": at, "Score__c": "3"}
    assert classes(parity(shop, [row])) == {"matched": 1}


def test_a_model_without_a_mapped_column_cannot_be_compared(tmp_path: Path) -> None:
    """The column that is missing is named."""
    shop = delivered(tmp_path, "a")
    shop.sql("ALTER TABLE marts.lead_scores DROP COLUMN city")
    with pytest.raises(ContractError, match="lacks city"):
        parity(shop, [])


def test_a_record_that_is_only_created_belongs_to_others_afterwards(tmp_path: Path) -> None:
    """With create_only, later changes on either side stay where they are, and are explained."""
    shop = open_shop(tmp_path, destination={**DESTINATION, "mode": "create_only"})
    for key in "abc":
        shop.add(key)
    shop.deliver(shop.plan())
    update(shop, "b", city="Bonn", updated_at="2026-01-05")

    found = parity(shop, [record("a"), record("b"), record("c", City="Kiel")])

    assert found.classes[Discrepancy.MATCHED] == 2
    assert found.classes[Discrepancy.KEPT] == 1
    assert found.unexplained == 0


def test_what_a_mirror_has_removed_is_no_longer_compared(tmp_path: Path) -> None:
    """A removed row is neither lost nor missing; if its record is still there, that is told."""
    shop = open_shop(tmp_path, destination={**DESTINATION, "mode": "mirror"})
    for key in "ab":
        shop.add(key)
    shop.deliver(shop.plan())
    shop.sql("DELETE FROM marts.lead_scores WHERE lead_id = 'b'")
    assert parity(shop, [record("a"), record("b")]).classes[Discrepancy.LOST] == 1
    shop.deliver(shop.plan())

    gone, still_there = parity(shop, [record("a")]), parity(shop, [record("a"), record("b")])

    assert (gone.keys, gone.classes[Discrepancy.MATCHED]) == (1, 1)
    assert still_there.classes[Discrepancy.UNEXPECTED] == 1
