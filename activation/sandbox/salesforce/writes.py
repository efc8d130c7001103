"""Write records: the checks of `drafts`, then one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activation.clock import Clock
from activation.sandbox.faults import Fault
from activation.sandbox.salesforce.drafts import Draft, Drafting
from activation.sandbox.salesforce.errors import RowRefused, rolled_back
from activation.sandbox.salesforce.ids import INTEGRATION_USER, parse_id
from activation.sandbox.salesforce.records import Records
from activation.sandbox.salesforce.row_faults import strike
from activation.sandbox.salesforce.schema import Catalogue, Field, SObject
from activation.sandbox.state import State

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one row."""

    id: str | None
    created: bool
    error: RowRefused | None
    more_errors: tuple[RowRefused, ...] = ()

    def result(self, *, tells_created: bool) -> dict[str, Any]:
        """Return the row's entry in the answer."""
        if self.error is not None:
            errors = [e.in_collection() for e in (self.error, *self.more_errors)]
            return {"success": False, "errors": errors}
        entry: dict[str, Any] = {"id": self.id, "success": True, "errors": []}
        if tells_created:
            entry["created"] = self.created
        return entry


class Writes:
    """Creates, updates, upserts and deletes records."""

    def __init__(self, state: State, clock: Clock, catalogue: Catalogue, records: Records) -> None:
        self._state = state
        self._clock = clock
        self._catalogue = catalogue
        self._records = records
        self._drafting = Drafting(catalogue, records)

    def upsert(  # noqa: PLR0913
        self,
        sobject: SObject,
        key: Field,
        rows: Sequence[Record],
        *,
        all_or_none: bool = False,
        faults: Sequence[Fault] = (),
        by_row: bool = False,
    ) -> tuple[list[Written], list[str]]:
        """
        Create or update by external id; return what became of each row, and the keys.

        A value of the wrong type costs the call, or only its row if `by_row`.

        Raises:
            CallRefused: the call as a whole is refused.
        """
        drafts = [self._drafting.read(sobject, row, by_row=by_row) for row in rows]
        keys = self._drafting.match(drafts, key)
        self._check(drafts, rows, faults, key)
        written = self._apply(drafts, all_or_none=all_or_none)
        return written, [str(value) for value in keys if value is not None]

    def create(
        self,
        rows: Sequence[tuple[SObject, Record]],
        *,
        all_or_none: bool = False,
        faults: Sequence[Fault] = (),
        user: str = INTEGRATION_USER,
        by_row: bool = False,
    ) -> list[Written]:
        """
        Create records, of several objects if need be.

        Raises:
            CallRefused: the call as a whole is refused.
        """
        drafts = [self._drafting.read(sobject, row, by_row=by_row) for sobject, row in rows]
        self._check(drafts, [row for _, row in rows], faults)
        return self._apply(drafts, all_or_none=all_or_none, user=user)

    def update(
        self,
        rows: Sequence[tuple[SObject, object, Record]],
        *,
        all_or_none: bool = False,
        faults: Sequence[Fault] = (),
        user: str = INTEGRATION_USER,
        by_row: bool = False,
    ) -> list[Written]:
        """
        Update records by id: object, id, fields.

        Raises:
            CallRefused: the call as a whole is refused.
        """
        drafts = [self._drafting.read(sobject, row, by_row=by_row) for sobject, _, row in rows]
        for draft, (sobject, identity, _) in zip(drafts, rows, strict=True):
            found = self._locate(sobject, identity)
            if isinstance(found, RowRefused):
                draft.errors.append(found)
                # A draft without a record would be created.
                draft.row = 0
            else:
                draft.row, draft.id = found
        self._check(drafts, [row for _, _, row in rows], faults)
        return self._apply(drafts, all_or_none=all_or_none, user=user)

    def delete(
        self, ids: Sequence[object], *, all_or_none: bool = False, faults: Sequence[Fault] = ()
    ) -> list[Written]:
        """Delete records of any object, told by the prefix of their ids."""
        written: list[Written] = []
        going: dict[str, tuple[SObject, list[int]]] = {}
        for identity in ids:
            sobject = self._of_id(identity)
            found = self._locate(sobject, identity)
            refused = found if isinstance(found, RowRefused) else strike(faults, {"Id": identity})
            if sobject is not None and not sobject.document["deletable"]:
                text = "insufficient access rights on object id"
                refused = RowRefused("INSUFFICIENT_ACCESS_OR_READONLY", text)
            if refused is not None or isinstance(found, RowRefused):
                written.append(Written(None, created=False, error=refused))
                continue
            written.append(Written(found[1], created=False, error=None))
            if sobject is not None:
                going.setdefault(sobject.name, (sobject, []))[1].append(found[0])
        if all_or_none and any(w.error for w in written):
            return [w if w.error else Written(None, False, rolled_back()) for w in written]  # noqa: FBT003
        with self._state.transaction():
            for sobject, numbers in going.values():
                self._records.delete(sobject, numbers, self._clock.now())
        return written

    def _of_id(self, identity: object) -> SObject | None:
        prefix = str(identity)[:3]
        objects = (self._catalogue.get(name) for name in self._catalogue.names())
        return next((o for o in objects if o is not None and o.prefix == prefix), None)

    def _locate(self, sobject: SObject | None, identity: object) -> tuple[int, str] | RowRefused:
        known = parse_id(identity)
        if known is None:
            return RowRefused("MALFORMED_ID", f"malformed id {identity}")
        key = sobject and sobject.field("Id")
        found = self._records.find(sobject, key, [known]) if sobject and key else []
        if not found:
            return RowRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found[0].is_deleted:
            return RowRefused("ENTITY_IS_DELETED", "entity is deleted")
        return found[0].row, found[0].id

    def _check(
        self,
        drafts: Sequence[Draft],
        rows: Sequence[Record],
        faults: Sequence[Fault],
        matched_by: Field | None = None,
    ) -> None:
        self._drafting.link(drafts)
        self._drafting.check(drafts, matched_by)
        if not faults:
            return
        for draft, row in zip(drafts, rows, strict=True):
            if not draft.errors and (refused := strike(faults, row)):
                draft.errors.append(refused)

    def _apply(
        self, drafts: Sequence[Draft], *, all_or_none: bool, user: str = INTEGRATION_USER
    ) -> list[Written]:
        """Write the healthy drafts in one transaction, or none if one is not and all must be."""
        if all_or_none and any(draft.errors for draft in drafts):
            for draft in drafts:
                if not draft.errors:
                    draft.errors.append(rolled_back())
        fresh: dict[str, list[Draft]] = {}
        changed: dict[str, list[Draft]] = {}
        for draft in drafts:
            if not draft.errors:
                group = fresh if draft.row is None else changed
                group.setdefault(draft.sobject.name, []).append(draft)
        now = self._clock.now()
        with self._state.transaction():
            for new in fresh.values():
                rows = [draft.values for draft in new]
                ids = self._records.insert(new[0].sobject, rows, now, user)
                for draft, identity in zip(new, ids, strict=True):
                    draft.id = identity
            for same in changed.values():
                pairs = [(draft.row or 0, draft.values) for draft in same]
                self._records.update(same[0].sobject, pairs, now, user)
        return [
            Written(None, False, draft.errors[0], tuple(draft.errors[1:]))  # noqa: FBT003
            if draft.errors
            else Written(draft.id, draft.row is None, None)
            for draft in drafts
        ]
