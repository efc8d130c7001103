"""Rows into the vendor, one batch at a time."""

import pytest

from activation.contract.model import NullPolicy
from activation.destinations.base import Fate, RowError
from activation.errors import BatchRefused
from activation_tests.conformance.stage import Stage, delivered
from activation_tests.conformance.subject import Repeated, Trouble


def test_upsert_creates(stage: Stage) -> None:
    """Rows that are not there are created, each vouched for."""
    results = stage.carry(stage.rows(3))

    assert delivered(results) == [True] * 3
    assert all(result.created is not False for result in results)
    assert stage.count() == 3
    assert [stage.text_of(key) for key in stage.keys(3)] == [
        stage.subject.row(number)[stage.subject.text] for number in range(3)
    ]


def test_upsert_updates(stage: Stage) -> None:
    """Rows that are there are updated under the ids they have."""
    first = stage.carry(stage.rows(2))

    second = stage.carry(stage.rows(2, values={stage.subject.text: ["changed", "changed too"]}))

    assert delivered(second) == [True] * 2
    assert all(result.created is not True for result in second)
    assert [r.destination_id for r in second] == [r.destination_id for r in first]
    assert [stage.text_of(key) for key in stage.keys(2)] == ["changed", "changed too"]


def test_upsert_is_idempotent(stage: Stage) -> None:
    """The same rows, sent twice, are the same bytes and the same records."""
    once, twice = stage.attempt(stage.rows(3)), stage.attempt(stage.rows(3))
    assert once.payload == twice.payload

    results = [*once.run(), *twice.run()]

    assert delivered(results) == [True] * 6
    assert stage.count() == 3


def test_partial_failure(stage: Stage) -> None:
    """A row that the vendor refuses for good costs its neighbours nothing."""
    results = stage.carry(stage.spoilt(5, bad=2))

    assert delivered(results) == [True, True, False, True, True]
    error = results[2].error
    assert error is not None
    assert error.fate is Fate.PERMANENT
    assert error.code
    assert stage.stored(stage.subject.key(2)) is None
    assert stage.count() == 4


def test_duplicate_key(stage: Stage) -> None:
    """Two rows with the same key in one batch never make two records."""
    rows = stage.rows(3)
    rows = rows.set_column(0, "sync_key", [[*stage.keys(2), stage.subject.key(0)]])

    if stage.subject.repeated is Repeated.BATCH_FAILS:
        with pytest.raises(BatchRefused):
            stage.carry(rows)
        assert stage.count() == 0
        return

    fails = stage.subject.repeated is Repeated.ROWS_FAIL
    assert delivered(stage.carry(rows)) == ([False, True, False] if fails else [True] * 3)
    assert stage.count() == (1 if fails else 2)


def test_oversize_batch(stage: Stage) -> None:
    """A batch of more rows than the vendor takes is refused before it is sent."""
    most = stage.traits.batch_rows
    rows = stage.rows(1).take([0] * (most + 1))

    with pytest.raises(ValueError, match=f"{most + 1}"):
        stage.attempt(rows)


def test_oversize_payload(stage: Stage) -> None:
    """Rows that are too many bytes for one request travel in several."""
    rows = stage.rows(8)
    size = len(stage.attempt(rows).payload)
    rig, pinned = stage.rig(rows, batch_bytes=size // 2)

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == 8
    assert outcomes.requests > 1
    assert pinned.edges
    assert stage.count() == 8


def test_refused_batch(stage: Stage) -> None:
    """A request that the vendor refuses as a whole writes nothing."""
    stage.subject.arrange(Trouble.REFUSED)

    with pytest.raises(BatchRefused) as caught:
        stage.carry(stage.rows(3))

    assert caught.value.code
    assert stage.count() == 0


def test_bisection(stage: Stage) -> None:
    """A row that gets every batch refused which carries it is found, and alone rejected."""
    stage.subject.poison(stage.subject.key(5))
    rig, _ = stage.rig(stage.rows(8))

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["rejected"]) == (7, 1)
    assert stage.count() == 7
    assert stage.stored(stage.subject.key(5)) is None


def test_null_clears_a_field(stage: Stage) -> None:
    """An empty value empties a field that the contract clears."""
    stage.carry(stage.rows(1))

    results = stage.carry(stage.rows(1, values={stage.subject.text: [None]}))

    assert delivered(results) == [True]
    assert not stage.text_of(stage.subject.key(0))


def test_null_keeps_a_field(stage: Stage) -> None:
    """An empty value leaves a field alone that the contract keeps."""
    kept = stage.subject.kept
    (policy,) = (m.nulls for m in stage.target.fields if m.to == kept)
    assert policy is NullPolicy.KEEP
    stage.carry(stage.rows(1))

    results = stage.carry(stage.rows(1, values={kept: [None]}))

    assert delivered(results) == [True]
    assert stage.stored(stage.subject.key(0))[kept] == stage.subject.row(0)[kept]


def test_unknown_field(stage: Stage) -> None:
    """A field that is gone is refused with a reason, and shows in the description."""
    stage.subject.lose_field(stage.subject.text)

    assert _refusal(stage).code
    assert stage.subject.text not in stage.destination.describe(stage.target.object).fields


def test_shortened_field(stage: Stage) -> None:
    """A value that has become too long costs its own row only."""
    stage.subject.shorten_field(stage.subject.text, 10)
    values = ["short", "much longer than ten characters", "short"]

    results = stage.carry(stage.rows(3, values={stage.subject.text: values}))

    assert delivered(results) == [True, False, True]
    error = results[1].error
    assert error is not None
    assert error.fate is Fate.PERMANENT
    assert stage.count() == 2


def _refusal(stage: Stage) -> RowError | BatchRefused:
    """Return why a batch, or every row of it, is refused."""
    try:
        results = stage.carry(stage.rows(2))
    except BatchRefused as refused:
        return refused
    errors = [result.error for result in results if result.error is not None]
    assert len(errors) == 2
    return errors[0]
