"""Cells into writes: what each column means, and what the four operations do with a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from activation.sandbox.faults import Fault
from activation.sandbox.salesforce.bulk.csv_data import JobFailed, Line
from activation.sandbox.salesforce.bulk.jobs import Job
from activation.sandbox.salesforce.errors import RowRefused
from activation.sandbox.salesforce.schema import Catalogue, SObject
from activation.sandbox.salesforce.writes import Writes, Written

NULL = "#N/A"
"""The cell that empties a field; an empty cell leaves it alone."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a file are."""

    names: tuple[tuple[str, str | None], ...]
    """For each column a field, or a relationship and the parent's key field."""
    known: tuple[int, ...]
    """Columns that come back in result files: those that match a field."""


def columns_of(sobject: SObject, header: Sequence[str], job: Job, catalogue: Catalogue) -> Columns:
    """
    Return what the columns of a file are.

    Raises:
        JobFailed: a column is not a field, or one that the operation needs is not there.
    """
    names: list[tuple[str, str | None]] = []
    for column in header:
        relationship, dot, key = column.rpartition(".")
        if not dot:
            known = sobject.field(column)
            if known is None:
                raise _not_found(column)
            names.append((known.name, None))
            continue
        lookup = sobject.parents.get(relationship.rpartition(":")[2].lower())
        parent = None if lookup is None else catalogue.get(lookup.target)
        field = None if parent is None else parent.field(key)
        if lookup is None or field is None or not field.is_key:
            raise _not_found(column)
        names.append((str(lookup.document["relationshipName"]), field.name))
    fields = {name for name, key in names if key is None}
    if job.operation in ("delete", "hardDelete") and header != ["Id"]:
        raise JobFailed("InvalidBatch", "The file of a delete has one column, Id")
    needed = {"update": "Id", "upsert": job.key}.get(job.operation)
    if needed and needed not in fields:
        raise _not_found(needed)
    return Columns(tuple(names), tuple(range(len(header))))


def _not_found(column: str) -> JobFailed:
    return JobFailed("InvalidBatch", f"Field name not found : {column}")


class Write:
    """Carries out the rows of one internal batch."""

    def __init__(self, catalogue: Catalogue, writes: Writes) -> None:
        self._catalogue = catalogue
        self._writes = writes

    def rows(
        self, job: Job, columns: Columns, lines: Sequence[Line], faults: Sequence[Fault]
    ) -> list[Written]:
        """Return what became of each row, in the order of the file."""
        sobject = self._catalogue.get(job.object)
        if sobject is None:
            gone = RowRefused("INVALID_TYPE", f"sObject type '{job.object}' is not supported.")
            return [Written(None, created=False, error=gone)] * len(lines)
        readable = [line for line in lines if line.error is None]
        records = [_record(columns, line) for line in readable]
        done = iter(self._carry_out(job, sobject, records, faults))
        return [
            Written(None, created=False, error=line.error) if line.error else next(done)
            for line in lines
        ]

    def _carry_out(
        self, job: Job, sobject: SObject, records: list[dict[str, Any]], faults: Sequence[Fault]
    ) -> list[Written]:
        match job.operation:
            case "insert":
                rows = [(sobject, record) for record in records]
                return self._writes.create(rows, faults=faults, by_row=True)
            case "update":
                told = [(sobject, record.pop("Id", None), record) for record in records]
                return self._writes.update(told, faults=faults, by_row=True)
            case "upsert":
                key = sobject.field(str(job.key))
                if key is not None:
                    return self._writes.upsert(sobject, key, records, faults=faults, by_row=True)[0]
                refused = RowRefused("INVALID_FIELD", f"There is no field {job.key}")
                return [Written(None, created=False, error=refused)] * len(records)
            case _:
                return self._delete(sobject, [record.get("Id") for record in records], faults)

    def _delete(
        self, sobject: SObject, ids: Sequence[Any], faults: Sequence[Fault]
    ) -> list[Written]:
        """Delete records of the job's object; another object's id is no record of it."""
        own = [identity for identity in ids if str(identity).startswith(sobject.prefix)]
        done = iter(self._writes.delete(own, faults=faults))
        foreign = RowRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return [
            next(done)
            if str(identity).startswith(sobject.prefix)
            else Written(None, created=False, error=foreign)
            for identity in ids
        ]


def _record(columns: Columns, line: Line) -> dict[str, Any]:
    """Return the fields of a row: an empty cell is none, `#N/A` is null."""
    record: dict[str, Any] = {}
    for (name, key), cell in zip(columns.names, line.cells, strict=False):
        if cell == "":
            continue
        value = None if cell == NULL else cell
        record[name] = value if key is None else {key: value}
    return record
