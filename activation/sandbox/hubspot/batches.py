"""Batches of up to 100 records: read, create, update, upsert, archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from activation.sandbox.faults import Fault
from activation.sandbox.hubspot.catalogue import CrmObject
from activation.sandbox.hubspot.errors import (
    RowRefused,
    invalid,
    lacking,
    missing_records,
    not_unique,
    repeated,
    too_many,
    with_status,
)
from activation.sandbox.hubspot.records import Record, Records
from activation.sandbox.hubspot.row_faults import LOCKED
from activation.sandbox.hubspot.shapes import as_read, as_written, batch
from activation.sandbox.hubspot.writes import Draft, Writes
from activation.sandbox.quirks import Quirks
from activation.sandbox.requests_log import Note

MOST = 100
Input = Mapping[str, Any]


@dataclass(slots=True)
class Answer:
    """What a batch comes to."""

    status: int
    body: dict[str, Any] | None


@dataclass(slots=True)
class _Row:
    """One input of a batch that writes."""

    given: Input
    draft: Draft
    missing: bool = False
    """There is no record of that id."""
    silent: bool = False
    """HubSpot says nothing of it at all."""


@dataclass(frozen=True, slots=True)
class Call:
    """A batch as it came."""

    of: CrmObject
    body: Mapping[str, Any]
    faults: Sequence[Fault] = ()
    note: Note = field(default_factory=Note)
    tells_errors_in_200: bool = False
    """The newest version of the API knows no 207."""


class Batches:
    """The batch calls of all objects."""

    def __init__(self, records: Records, writes: Writes, quirks: Quirks) -> None:
        self._records = records
        self._writes = writes
        self._quirks = quirks
        self._random = Random(0)  # noqa: S311

    def read(self, call: Call, *, archived: bool) -> Answer:
        """Return records by id, or by a unique property."""
        began = self._writes.now()
        inputs = self._inputs(call)
        if inputs is None:
            return self._nothing()
        of, name = call.of, call.body.get("idProperty")
        asked = [_id(one) for one in inputs]
        call.note.rows, call.note.keys[:] = len(asked), asked
        found = self.find(of, asked, str(name) if name else None, archived=archived)
        records = {record.id: record for record in found.values()}
        names = _names(call.body.get("properties"))
        history = _names(call.body.get("propertiesWithHistory")) or ()
        results = [as_read(of, r, names, history=history) for r in records.values()]
        lost = [identity for identity in dict.fromkeys(asked) if identity not in found]
        errors = []
        if lost:
            errors = [missing_records(of.type.legacy).entry({"ids": lost})]
        return self._answer(call, 200, results, errors, began)

    def create(self, call: Call) -> Answer:
        """Make records; a contact whose address is taken is a conflict."""
        inputs = self._inputs(call)
        if inputs is None:
            return self._nothing(201)
        rows = [_Row(one, self._draft(call, one)) for one in inputs]
        self._take_conflicts(call.of, rows)
        return self._write(call, rows, 201)

    def update(self, call: Call) -> Answer:
        """Change records that are there."""
        inputs = self._inputs(call)
        if inputs is None:
            return self._nothing()
        rows = [_Row(one, self._draft(call, one)) for one in inputs]
        self._check_repeated(call.of, inputs)
        for name, group in _by_property(rows).items():
            if name == "email" and self._quirks.on("refuses_updates_by_email"):
                raise not_unique(call.of.type.type_id, name)
            asked = [_id(row.given) for row in group]
            found = self.find(call.of, asked, name, archived=False)
            for row, identity in zip(group, asked, strict=True):
                row.draft.record = found.get(identity)
                row.missing = row.draft.record is None
                row.silent = row.missing and name is None and self._says_nothing(call.of, identity)
        return self._write(call, rows, 200)

    def upsert(self, call: Call) -> Answer:
        """Change records that are there, make those that are not."""
        inputs = self._inputs(call)
        if inputs is None:
            return self._nothing()
        rows = [_Row(one, self._draft(call, one)) for one in inputs]
        self._check_repeated(call.of, inputs)
        for name, group in _by_property(rows).items():
            asked = [_id(row.given) for row in group]
            found = self.find(call.of, asked, name, archived=False)
            for row, identity in zip(group, asked, strict=True):
                row.draft.record = found.get(identity)
                if name is None:
                    row.missing = row.draft.record is None
                    continue
                if name == "email" and self._quirks.on("email_upsert_clears_the_rest"):
                    row.draft.replaces = True
                if row.draft.record is None and not row.draft.values.get(name):
                    row.draft.values[name] = _normal(call.of, name, identity)
        return self._write(call, rows, 200, tells_new=True)

    def archive(self, call: Call) -> Answer:
        """Hide records; those that are not there are none the less gone."""
        inputs = self._inputs(call)
        asked = [_id(one) for one in inputs or ()]
        call.note.rows, call.note.keys[:] = len(asked), asked
        ids = [int(identity) for identity in asked if identity.isdigit()]
        self._records.archive(call.of, ids, self._writes.now())
        return Answer(204, None)

    def _draft(self, call: Call, given: Input) -> Draft:
        properties = given.get("properties")
        if not isinstance(properties, dict):
            raise lacking("properties")
        return self._writes.draft(call.of, properties, call.faults)

    def _inputs(self, call: Call) -> list[Input] | None:
        """Return the inputs; None for a body without them, which is taken for an empty batch."""
        inputs = call.body.get("inputs")
        if inputs is None:
            if self._quirks.on("takes_a_body_without_inputs"):
                return None
            raise lacking("inputs")
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise invalid(
                "Invalid input JSON on line 1, column 2: inputs must be a list of objects"
            )
        if len(inputs) > MOST:
            raise too_many(len(inputs), MOST)
        return inputs

    def _nothing(self, status: int = 200) -> Answer:
        now = self._writes.now()
        return Answer(status, batch((), (), now, now))

    def _check_repeated(self, of: CrmObject, inputs: Sequence[Input]) -> None:
        seen: set[tuple[str | None, str]] = set()
        twice: dict[str, None] = {}
        for one in inputs:
            name = one.get("idProperty") or None
            identity = _normal(of, name, _id(one)) if name else _id(one)
            if (name, identity) in seen:
                twice[identity] = None
            seen.add((name, identity))
        if twice:
            raise repeated(list(twice))

    def find(
        self, of: CrmObject, asked: Sequence[str], name: str | None, *, archived: bool
    ) -> dict[str, Record]:
        """Return the records by what they were asked for with."""
        if name:
            if not of.matches_by(name):
                raise not_unique(of.type.type_id, name)
            normal = {identity: _normal(of, name, identity) for identity in asked}
            holders = self._records.holders(of, name, list(set(normal.values())))
            ids = {i: holders[value] for i, value in normal.items() if value in holders}
        else:
            ids = {i: int(i) for i in asked if i.isascii() and i.isdigit() and len(i) <= 18}  # noqa: PLR2004
        found = self._records.get(of, list(set(ids.values())))
        return {
            identity: found[number]
            for identity, number in ids.items()
            if number in found and (found[number].archived is not None) == archived
        }

    def _says_nothing(self, of: CrmObject, identity: str) -> bool:
        """Tell whether an update by this id is taken without a word, and changes nothing."""
        if not identity.isdigit():
            return self._quirks.on("ignores_an_update_without_id_property")
        gone = self._records.get(of, [int(identity)]).get(int(identity))
        merged = gone is not None and gone.merged_into is not None
        return merged and self._quirks.on("leaves_merged_records_out")

    def _take_conflicts(self, of: CrmObject, rows: Sequence[_Row]) -> None:
        if of.name != "contacts":
            return
        emails = [row.draft.values.get("email", "") for row in rows]
        holders = self._records.holders(of, "email", [e for e in emails if e])
        for row, email in zip(rows, emails, strict=True):
            holder = holders.get(email)
            if holder is not None and row.draft.error is None:
                message = f"Contact already exists. Existing ID: {holder}"
                row.draft.error = RowRefused(message, category="CONFLICT")

    def _write(
        self, call: Call, rows: Sequence[_Row], status: int, *, tells_new: bool = False
    ) -> Answer:
        began = self._writes.now()
        call.note.rows = len(rows)
        call.note.keys[:] = [str(row.given.get("id", "")) for row in rows]
        going = [row.draft for row in rows if not row.missing]
        self._writes.settle(call.of, going)
        if not self._is_partial(rows):
            _refuse_whole(going)
        self._writes.store(call.of, going)
        results, errors = self._told(call, rows, tells_new=tells_new)
        return self._answer(call, status, results, errors, began)

    def _is_partial(self, rows: Sequence[_Row]) -> bool:
        """Tell whether good rows are written although others are bad."""
        if self._quirks.value("multi_status") == "always":
            return True
        traces = [row.given.get("objectWriteTraceId") for row in rows]
        return all(isinstance(t, str) and t for t in traces) and len(set(traces)) == len(traces)

    def _told(
        self, call: Call, rows: Sequence[_Row], *, tells_new: bool
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        lost: list[_Row] = []
        traces = self._quirks.on("returns_trace_ids")
        for row in rows:
            draft, trace = row.draft, row.given.get("objectWriteTraceId")
            if row.missing:
                lost += [] if row.silent else [row]
            elif draft.error is not None:
                errors.append(draft.error.entry({"objectWriteTraceId": [trace]} if trace else {}))
            elif draft.record is not None:
                entry = as_written(call.of, draft.record, draft.values, created=draft.created)
                if tells_new:
                    entry["new"] = draft.created
                if trace and traces:
                    entry["objectWriteTraceId"] = trace
                results.append(entry)
        if lost:
            told = {"ids": [_id(row.given) for row in lost]}
            found = [str(t) for row in lost if (t := row.given.get("objectWriteTraceId"))]
            context = {**told, "objectWriteTraceId": found} if found else told
            errors.append(missing_records(call.of.type.legacy).entry(context))
        return results, errors

    def _answer(
        self,
        call: Call,
        status: int,
        results: list[dict[str, Any]],
        errors: list[dict[str, Any]],
        began: str,
    ) -> Answer:
        if self._quirks.on("shuffles_results"):
            self._random.shuffle(results)
        if errors and not call.tells_errors_in_200:
            status = 207
        return Answer(status, batch(results, errors, began, self._writes.now()))


def _refuse_whole(drafts: Iterable[Draft]) -> None:
    """Refuse the whole call for the first row that is refused."""
    error = next((draft.error for draft in drafts if draft.error), None)
    if error is None:
        return
    if error.category == LOCKED:
        raise with_status(423, None, None)
    raise error.as_call(409 if error.category == "CONFLICT" else 400)


def _by_property(rows: Sequence[_Row]) -> dict[str | None, list[_Row]]:
    """Return the rows by the property that their ids are values of."""
    found: dict[str | None, list[_Row]] = {}
    for row in rows:
        found.setdefault(row.given.get("idProperty") or None, []).append(row)
    return found


def _normal(of: CrmObject, name: str, value: str) -> str:
    """Return a value as the property keeps it."""
    check = of.normalise.get(name)
    kept = value if check is None else check(value)
    return kept if isinstance(kept, str) else value


def _id(given: Input) -> str:
    identity = given.get("id")
    if isinstance(identity, int) and not isinstance(identity, bool):
        return str(identity)
    if not isinstance(identity, str):
        raise lacking("id")
    return identity


def _names(value: object) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise invalid("Invalid input JSON on line 1, column 2: properties must be a list")
    return [str(name) for name in value]
