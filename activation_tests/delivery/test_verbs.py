"""Rows of different verbs: never in one request, and what takes away goes first."""

from dataclasses import replace

import orjson
import pytest

from activation.destinations.memory import MEMORY
from activation.destinations.traits import Verb
from activation.errors import QuotaExhausted
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import actions, contract, with_removals


def verbs(requests: list[bytes]) -> list[str]:
    """Return what each request asked for."""
    return [orjson.loads(request)["verb"] for request in requests]


def test_removals_go_first_and_alone(make_rig: MakeRig) -> None:
    """Each request asks for one thing, removals before anything else, and none more than needed."""
    rig = make_rig(500)
    rig.frozen.rows = with_removals(actions(500), 250)
    rig.contract = contract(quota={"requests_per_day": 1000, "concurrency": 1})
    rig.plan(digest="d" * 64)
    rig.destination.records = {f"r{n:05d}": {} for n in range(250)}

    outcomes = rig.deliver()

    assert verbs(rig.destination.requests) == ["remove"] * 2 + ["upsert"] * 3
    assert outcomes.tallies["delete"].delivered == 250
    assert sorted(rig.destination.records) == sorted(rig.frozen.rows["sync_key"].to_pylist()[250:])


def test_removals_may_use_what_is_kept_for_people(make_rig: MakeRig) -> None:
    """When a fifth of the day is left, updates wait for tomorrow and removals go on."""
    rig = make_rig(400, daily_limit=100)
    rig.frozen.rows = with_removals(actions(400), 400)
    rig.plan(digest="d" * 64)
    rig.destination.used = 90

    with pytest.raises(QuotaExhausted, match="20% are kept"):
        rig.deliver()

    assert verbs(rig.destination.requests) == ["remove"] * 2
    tallies = rig.ledger.outcomes(rig.digest)
    assert (tallies["delete"].delivered, tallies["update"].held_by) == (400, {"quota": 320})


def test_removals_leave_people_something(make_rig: MakeRig) -> None:
    """Not even removals take the last twentieth of the day."""
    rig = make_rig(10, daily_limit=100, traits=replace(MEMORY, batch_rows=10))
    rig.frozen.rows = with_removals(actions(10), 100)
    rig.plan(digest="d" * 64)
    rig.destination.used = 90

    with pytest.raises(QuotaExhausted, match="5% are kept"):
        rig.deliver()

    assert rig.destination.used == 95


def test_an_update_makes_no_record(make_rig: MakeRig) -> None:
    """A row that is only to be updated becomes a dead letter where there is no record."""
    rig = make_rig(3)
    rows = actions(3)
    rig.frozen.rows = rows.append_column("verb", [[Verb.UPDATE] * 3])
    rig.destination.records = {"k00001": {}}
    rig.destination.ids = {"k00001": "m1"}

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["rejected"]) == (1, 2)
    assert list(rig.destination.records) == ["k00001"]
