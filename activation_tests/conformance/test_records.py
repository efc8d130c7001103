"""Records that people have deleted, merged or brought back."""

from activation_tests.conformance.stage import Stage, delivered
from activation_tests.conformance.subject import Gone


def test_deleted_record(stage: Stage) -> None:
    """A write to a record that a person deleted does what the vendor is known to do."""
    (before,) = stage.carry(stage.rows(1))
    stage.subject.delete(stage.subject.key(0))
    assert stage.stored(stage.subject.key(0)) is None

    _holds(stage, stage.subject.deleted, before.destination_id)


def test_merged_record(stage: Stage) -> None:
    """A write to a record that a person merged away does what the vendor is known to do."""
    before, winner = stage.carry(stage.rows(2))
    stage.subject.merge(stage.subject.key(1), stage.subject.key(0))
    assert stage.count() == 1

    kind = stage.subject.merged
    _holds(stage, kind, before.destination_id, survivor=winner.destination_id)


def test_restored_record(stage: Stage) -> None:
    """A record that a person brings back is the one that was there."""
    (before,) = stage.carry(stage.rows(1))
    stage.subject.delete(stage.subject.key(0))

    stage.subject.restore(stage.subject.key(0))

    assert stage.stored(stage.subject.key(0)) is not None
    (after,) = stage.carry(stage.rows(1))
    assert after.error is None
    assert after.destination_id == before.destination_id
    assert stage.destination.object_traits(stage.target.object).restorable


def _holds(stage: Stage, gone: Gone, before: str | None, survivor: str | None = None) -> None:
    """Hold that a write to a record that is gone comes to what was declared."""
    records = stage.count()
    (after,) = stage.carry(stage.rows(1))
    if gone is Gone.REFUSED:
        assert delivered([after]) == [False]
        assert stage.count() == records
        return
    assert delivered([after]) == [True]
    match gone:
        case Gone.MADE_ANEW:
            assert after.created is not False
            assert after.destination_id is None or after.destination_id != before
            assert stage.count() == records + 1
        case Gone.REVIVED:
            assert after.destination_id == before
            assert stage.count() == records + 1
        case Gone.REDIRECTED:
            assert after.destination_id == survivor
            assert stage.count() == records
