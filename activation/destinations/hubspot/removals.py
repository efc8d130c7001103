"""The endpoints that take records away: archived for a while, or erased for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa

from activation.destinations.base import Answer, RowResult, Target
from activation.destinations.hubspot import encode
from activation.destinations.hubspot.errors import document_of
from activation.destinations.hubspot.lookups import Post, Record, by_property, within
from activation.destinations.hubspot.names import check_target
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.traits import ARCHIVE, ERASE, paced
from activation.destinations.traits import Traits
from activation.destinations.unvouched import unvouched
from activation.errors import Applied, Transient


class _Removals:
    """
    Finds records by their keys, and lets a call of the subclass take them away.

    The answer is put together of several: `ids` holds what each key's record was, null where
    there was none, and `gone` the ids that HubSpot said it has taken away.
    """

    def __init__(self, session: Session, key: str, traits: Traits) -> None:
        self.traits = paced(traits, session.account.burst)
        self._session = session
        self._key = key

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the keys of these rows; the same rows give the same bytes."""
        check_target(target)
        return orjson.dumps(encode.keys_of(rows, most=self.traits.batch_rows))

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; a record that was not there is gone."""
        document = document_of(answer.body)
        ids, gone = document.get("ids"), document.get("gone")
        if not isinstance(ids, dict) or not isinstance(gone, list):
            return (_untold(),) * len(keys)
        return tuple(_result(ids, gone, key) for key in keys)

    def _find(
        self, target: Target, keys: Sequence[str], post: Post, *, archived: bool = False
    ) -> tuple[dict[str, Record], int]:
        name = check_target(target).name
        found: dict[str, Record] = {}
        requests = 0
        pages = by_property(self._session, post, name, self._key, keys, archived=archived)
        for page in pages:
            found |= page.records
            requests += page.requests
        return found, requests


class Archive(_Removals):
    """Archives records by key; they can be restored for 90 days."""

    def __init__(self, session: Session, key: str) -> None:
        """Send through that session, and tell records by that property."""
        super().__init__(session, key, ARCHIVE)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Archive the records with the keys of a payload; raises what `Upserts.send` raises.

        Ids that the delivered state knows are not used: after a merge the record has another one,
        and archiving an id that is not there is a success too.
        """
        deadline = self._session.clock.monotonic() + seconds
        keys: list[str] = orjson.loads(payload)
        found, requests = self._find(target, keys, within(self._session, deadline))
        ids = sorted({record["id"] for record in found.values()}, key=int)
        answer = Answer(204, b"", self._session.quota, requests)
        if ids:
            path = f"{check_target(target).name}/batch/archive"
            answer = self._session.call(
                "POST",
                self._session.paths.crm("objects", path),
                seconds=max(deadline - self._session.clock.monotonic(), 0.001),
                data=encode.inputs([{"id": identity} for identity in ids]),
            )
            requests += 1
        return _answer(keys, found, ids, answer, requests)


class Erasure(_Removals):
    """Erases a contact for good, living or archived; its address is kept out from then on."""

    def __init__(self, session: Session, key: str) -> None:
        """Send through that session, and tell records by that property."""
        super().__init__(session, key, ERASE)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """Erase the contact with the key of a payload; raises what `Upserts.send` raises."""
        deadline = self._session.clock.monotonic() + seconds
        keys: list[str] = orjson.loads(payload)
        post = within(self._session, deadline)
        living, requests = self._find(target, keys, post)
        archived, more = self._find(target, keys, post, archived=True)
        requests += more
        found = {**archived, **living}
        ids = sorted({r["id"] for r in (*living.values(), *archived.values())}, key=int)
        path = self._session.paths.crm("objects", f"{check_target(target).name}/gdpr-delete")
        answer = Answer(204, b"", self._session.quota, requests)
        for count, identity in enumerate(ids):
            try:
                answer = self._session.call(
                    "POST",
                    path,
                    seconds=max(deadline - self._session.clock.monotonic(), 0.001),
                    data=orjson.dumps({"objectId": identity}),
                )
            except Transient as error:
                applied = Applied.UNKNOWN if count else error.applied
                raise error.with_applied(applied) from None
            requests += 1
        return _answer(keys, found, ids, answer, requests)


def _answer(
    keys: Sequence[str], found: dict[str, Record], gone: list[str], last: Answer, requests: int
) -> Answer:
    ids: dict[str, Any] = {key: found[key]["id"] if key in found else None for key in keys}
    body = orjson.dumps({"ids": ids, "gone": gone})
    return Answer(last.status, body, last.quota, requests)


def _result(ids: dict[str, Any], gone: list[Any], key: str) -> RowResult:
    if key not in ids:
        return _untold()
    identity = ids[key]
    if identity is None:
        return RowResult()
    if isinstance(identity, str) and identity in gone:
        return RowResult(destination_id=identity, created=False)
    return _untold()


def _untold() -> RowResult:
    return unvouched("the answer does not say that the record is gone")
