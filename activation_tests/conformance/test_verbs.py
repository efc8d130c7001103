"""What is asked for besides an upsert."""

import pyarrow as pa

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


def test_only_changed_fields_are_written(stage: Stage) -> None:
    """Fields that `changed` does not name stay, and a null among those it names empties."""
    text, kept = stage.subject.text, stage.subject.kept
    first = stage.rows(3)
    stage.carry(first)
    values = {text: ["new", None, "new"], kept: [None, None, "new"]}
    rows = stage.rows(3, values=values)
    changed = pa.array([[text], [text, kept], None], pa.list_(pa.string()))

    results = stage.carry(rows.append_column("changed", changed))

    assert delivered(results) == [True] * 3
    stored = [stage.stored(key) or {} for key in stage.keys(3)]
    assert [record.get(text) or None for record in stored] == ["new", None, "new"]
    assert [record.get(kept) or None for record in stored] == [
        first[kept][0].as_py(),
        None,
        "new",
    ]


def test_a_record_without_our_key_is_adopted(stage: Stage) -> None:
    """An update that names a record by its id gives it our key, and makes no other."""
    identity = stage.subject.make_keyless(0)
    before = stage.count()
    ids = pa.array([identity], pa.string())

    results = stage.carry(stage.rows(1).append_column("destination_id", ids), Verb.UPDATE)

    assert delivered(results) == [True]
    assert results[0].destination_id in (None, identity)
    assert stage.count() == before
    assert stage.text_of(stage.subject.key(0)) == stage.subject.row(0)[stage.subject.text]
    assert delivered(stage.carry(stage.rows(1))) == [True]
    assert stage.count() == before
