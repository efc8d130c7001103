"""Memberships out of Zendesk, with the external ids of both their ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from activation.contract.keys import compose_key, parts_of
from activation.destinations.base import ReadBack, Target
from activation.destinations.cells import arrow_values
from activation.destinations.zendesk.describe import pages
from activation.destinations.zendesk.errors import garbled
from activation.destinations.zendesk.lookups import Record, by_id, by_key, patiently, records_in
from activation.destinations.zendesk.names import (
    KEY,
    MEMBERSHIPS,
    ORGANIZATIONS,
    USERS,
    Kind,
    check_target,
)
from activation.destinations.zendesk.session import ROOT, Session
from activation.errors import Applied

_ENDS = {
    "user.external_id": (USERS, "user_id"),
    "organization.external_id": (ORGANIZATIONS, "organization_id"),
}


def read_memberships(
    session: Session, target: Target, keys: Sequence[str] | None
) -> Iterator[ReadBack]:
    """
    Yield the memberships with these keys, or all whose ends both have an external id.

    Raises:
        ConfigurationError: a name in the target is not one.
        Transient: also for a page that is not what was asked for.
        BatchRefused, AccessRefused: see `errors`.
    """
    check_target(target)
    reader = _Reader(session, target)
    if keys is None:
        for page in pages(session, MEMBERSHIPS.many):
            yield reader.table(page, None)
        return
    wanted = {key.casefold() for key in keys}
    ask = patiently(session)
    for users in by_key(ask, USERS, [parts_of(key)[0] for key in keys]):
        for user in users:
            path = f"users/{user['id']}/{MEMBERSHIPS.many}"
            reply = ask(path, {"page[size]": "100"})
            yield reader.table(records_in(reply, MEMBERSHIPS.many), wanted)


class _Reader:
    """Brings memberships into the shape of what was sent."""

    def __init__(self, session: Session, target: Target) -> None:
        self._session = session
        self._target = target
        self._known: dict[Kind, dict[int, str | None]] = {USERS: {}, ORGANIZATIONS: {}}

    def table(self, records: Sequence[Record], wanted: set[str] | None) -> ReadBack:
        """Return a page: `sync_key`, `destination_id` and one column a mapped field."""
        try:
            asked = sum(
                self._learn(kind, [r[field] for r in records]) for kind, field in _ENDS.values()
            )
            named = [(record, self._key(record)) for record in records]
            kept = [
                (record, key)
                for record, key in named
                if key is not None and (wanted is None or key.casefold() in wanted)
            ]
            columns: dict[str, pa.Array] = {
                "sync_key": pa.array([key for _, key in kept], pa.string()),
                "destination_id": pa.array([str(r["id"]) for r, _ in kept], pa.string()),
            }
            for mapping in self._target.fields:
                values = [self._value(record, mapping.to) for record, _ in kept]
                columns[mapping.to] = arrow_values(mapping, values)
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, pa.ArrowInvalid):
            raise garbled(f"GET {ROOT}{MEMBERSHIPS.many}", applied=Applied.NO) from None
        return ReadBack(pa.table(columns), requests=1 + asked)

    def _learn(self, kind: Kind, ids: Sequence[Any]) -> int:
        known = self._known[kind]
        new = sorted({i for i in ids if type(i) is int} - known.keys())
        known.update(dict.fromkeys(new))
        asked = 0
        for page in by_id(patiently(self._session), kind, new):
            asked += 1
            for record in page:
                known[record["id"]] = record.get(KEY)
        return asked

    def _key(self, record: Record) -> str | None:
        return compose_key(self._known[kind][record[field]] for kind, field in _ENDS.values())

    def _value(self, record: Record, name: str) -> Any:
        if name in _ENDS:
            kind, field = _ENDS[name]
            return self._known[kind][record[field]]
        return record.get(name)
