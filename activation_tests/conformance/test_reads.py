"""What the vendor tells of records, fields and permissions."""

import pyarrow as pa

from activation_tests.conformance.stage import Stage, delivered
from activation_tests.conformance.subject import arrow_type


def test_read_back_by_key(stage: Stage) -> None:
    """Records come back by their keys as they were sent, and no others."""
    stage.carry(stage.rows(4))
    stage.catch_up()

    pages = list(stage.destination.read_back(stage.target, [*stage.keys(3), "k-unknown"]))

    read = pa.concat_tables([page.rows for page in pages]).sort_by("sync_key")
    sent = stage.rows(3)
    assert read["sync_key"].to_pylist() == stage.keys(3)
    for mapped in stage.target.fields:
        assert read[mapped.to].cast(arrow_type(mapped)).to_pylist() == sent[mapped.to].to_pylist()
    assert sum(page.requests for page in pages) >= 1


def test_read_back_all(stage: Stage) -> None:
    """Every record that has a key of ours comes back once."""
    stage.carry(stage.rows(5))
    stage.catch_up()

    pages = list(stage.destination.read_back(stage.target, None))

    read = pa.concat_tables([page.rows for page in pages])
    assert sorted(read["sync_key"].to_pylist()) == stage.keys(5)


def test_find(stage: Stage) -> None:
    """Records are found by another field than the key, with the key and the id they have."""
    results = stage.carry(stage.rows(3))
    stage.catch_up()
    by = stage.subject.sought
    wanted = [stage.subject.row(1)[by], "nobody-1@example.com"]

    pages = list(stage.destination.find(stage.target, by, wanted))

    found = [row for page in pages for row in page.rows.to_pylist()]
    assert [row["value"] for row in found] == wanted[:1]
    assert [row["sync_key"] for row in found] == stage.keys(1, first=1)
    assert results[1].destination_id in (None, found[0]["destination_id"])


def test_find_several(stage: Stage) -> None:
    """A value that several records have comes as often as there are records."""
    by = stage.subject.sought
    shared = stage.subject.row(7)[by]
    stage.carry(stage.rows(2, values={by: [shared, shared]}))
    stage.catch_up()

    pages = list(stage.destination.find(stage.target, by, [shared]))

    found = [row for page in pages for row in page.rows.to_pylist()]
    assert [row["value"] for row in found] == [shared] * 2
    assert sorted(row["sync_key"] for row in found) == stage.keys(2)


def test_describe(stage: Stage) -> None:
    """Every mapped field and the key are described, writable and of the kind that is sent."""
    schema = stage.destination.describe(stage.target.object)

    assert stage.target.key in schema.fields
    for mapped in stage.target.fields:
        if "." in mapped.to:
            continue  # another object's field, by which that object is found
        field = schema.fields[mapped.to]
        assert field.writable
        assert field.kind is mapped.type.kind


def test_preflight(stage: Stage) -> None:
    """Credentials that suffice hold all that is needed."""
    grants = stage.destination.preflight(stage.target)

    assert [g.permission for g in grants if g.needed and not g.held] == []
    assert any(g.needed for g in grants)


def test_preflight_misses_a_permission(stage: Stage) -> None:
    """A permission that was taken away is named before anything is sent."""
    permission = next(g.permission for g in stage.destination.preflight(stage.target) if g.needed)

    stage.subject.withdraw(permission)

    grants = stage.destination.preflight(stage.target)
    assert permission in [g.permission for g in grants if g.needed and not g.held]


def test_preflight_tells_what_is_too_much(stage: Stage) -> None:
    """Credentials that can do more than the contract needs are told of."""
    grants = stage.destination.preflight(stage.target)

    assert [g.permission for g in grants if g.held and not g.needed]


def test_quota_reading(stage: Stage) -> None:
    """What the account says of its day, if it says anything, is no less than what was used."""
    assert delivered(stage.carry(stage.rows(1))) == [True]

    reading = stage.destination.quota()

    if reading is not None:
        assert 0 < reading.used <= reading.limit
