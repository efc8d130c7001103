"""What is asked for besides an upsert."""

from activation.destinations.traits import Verb
from activation_tests.conformance.stage import Stage, delivered


def test_update_only_creates_nothing(stage: Stage) -> None:
    """An update writes what is there and refuses what is not."""
    stage.carry(stage.rows(1))
    text = stage.subject.text

    results = stage.carry(stage.rows(2, values={text: ["changed", "changed"]}), Verb.UPDATE)

    assert delivered(results) == [True, False]
    assert stage.text_of(stage.subject.key(0)) == "changed"
    assert stage.count() == 1


def test_create_only_updates_nothing(stage: Stage) -> None:
    """A create makes what is not there and refuses what is."""
    stage.carry(stage.rows(1))
    text = stage.subject.text

    results = stage.carry(stage.rows(2, values={text: ["changed", "changed"]}), Verb.CREATE)

    assert delivered(results) == [False, True]
    assert stage.text_of(stage.subject.key(0)) == stage.subject.row(0)[text]
    assert stage.count() == 2


def test_remove(stage: Stage) -> None:
    """A removed record is gone, and its neighbour is not."""
    stage.carry(stage.rows(2))

    results = stage.carry(stage.rows(1), Verb.REMOVE)

    assert delivered(results) == [True]
    assert stage.stored(stage.subject.key(0)) is None
    assert stage.stored(stage.subject.key(1)) is not None


def test_remove_what_is_not_there(stage: Stage) -> None:
    """Removing what is gone already is done, not an error."""
    stage.carry(stage.rows(1))

    results = [*stage.carry(stage.rows(2), Verb.REMOVE), *stage.carry(stage.rows(2), Verb.REMOVE)]

    assert delivered(results) == [True] * 4
    assert stage.count() == 0
