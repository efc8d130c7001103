"""The endpoints that write records: upsert, update and create, a hundred rows a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pyarrow as pa

from activation.destinations.base import Answer, RowResult, Target
from activation.destinations.hubspot import encode
from activation.destinations.hubspot.decode import decode, is_new
from activation.destinations.hubspot.errors import garbled
from activation.destinations.hubspot.names import check_target
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.traits import CREATE, UPDATE, UPSERT, paced
from activation.destinations.traits import Traits
from activation.errors import Applied, Transient


class _Batch:
    """One batch call about records that a property holds the key of."""

    def __init__(self, session: Session, key: str, traits: Traits) -> None:
        self.traits = paced(traits, session.account.burst)
        self._session = session
        self._key = key

    def _post(self, target: Target, act: str, payload: bytes, *, seconds: float) -> Answer:
        """Send one body; an answer that cannot be read is a doubt about the whole batch."""
        path = self._session.paths.crm("objects", f"{check_target(target).name}/batch/{act}")
        answer = self._session.call("POST", path, seconds=seconds, data=payload)
        # Read here as well as in decode, because only here is it a doubt about the batch.
        if _document(answer) is None:
            raise garbled(f"POST {path}")
        return answer


class Upserts(_Batch):
    """Upserts by a unique property."""

    def __init__(self, session: Session, key: str) -> None:
        """Send through that session, and tell records by that property."""
        super().__init__(session, key, UPSERT)

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the request body for at most 100 rows; the same rows give the same bytes."""
        check_target(target)
        return encode.upserts(target, rows, most=self.traits.batch_rows)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Upsert a payload that `encode` made, and return the answer.

        May be called from several threads at once.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request as a whole was refused.
            QuotaRefused: the requests of the day are used up.
            AccessRefused: credentials or permission.
        """
        return self._post(target, "upsert", payload, seconds=seconds)

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; only a row whose result names its record was delivered."""
        return decode(answer, keys, self._key, is_new)


class Updates(_Batch):
    """Updates by record id where it is known, else by the unique property; creates nothing."""

    def __init__(self, session: Session, key: str) -> None:
        """Send through that session, and tell records by that property."""
        super().__init__(session, key, UPDATE)

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the request bodies for at most 100 rows, one a line."""
        check_target(target)
        return encode.updates(target, rows, most=self.traits.batch_rows)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """Update a payload that `encode` made; raises what `Upserts.send` raises."""
        deadline = self._session.clock.monotonic() + seconds
        answers: list[Answer] = []
        for body in payload.splitlines():
            left = deadline - self._session.clock.monotonic()
            try:
                answers.append(self._post(target, "update", body, seconds=left))
            except Transient as error:
                if answers:
                    raise error.with_applied(Applied.UNKNOWN) from None
                raise
        return answers[0] if len(answers) == 1 else _joined(answers)

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; a row without a record is refused."""
        return decode(answer, keys, self._key, lambda _: False)


class Creates(_Batch):
    """Creates records; a row whose key a record has is refused."""

    def __init__(self, session: Session, key: str) -> None:
        """Send through that session, and tell records by that property."""
        super().__init__(session, key, CREATE)

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the request body for at most 100 rows; the same rows give the same bytes."""
        check_target(target)
        return encode.creates(target, rows, most=self.traits.batch_rows)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """Create a payload that `encode` made; raises what `Upserts.send` raises."""
        return self._post(target, "create", payload, seconds=seconds)

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; only a row whose result names its record was delivered."""
        return decode(answer, keys, self._key, lambda _: True)


def _document(answer: Answer) -> dict[str, Any] | None:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _joined(answers: Sequence[Answer]) -> Answer:
    """Return answers about parts of a batch as one: complete if each of them is."""
    documents: list[Mapping[str, Any]] = [_document(answer) or {} for answer in answers]
    complete = all(document.get("status") == "COMPLETE" for document in documents)
    lists = {
        name: [one for d in documents if isinstance(d.get(name), list) for one in d[name]]
        for name in ("results", "errors")
    }
    body = orjson.dumps({"status": "COMPLETE" if complete else "PENDING", **lists})
    return replace(answers[-1], body=body, requests=len(answers))
