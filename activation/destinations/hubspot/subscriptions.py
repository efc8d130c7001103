"""
The endpoint of subscription types: who opted out of which e-mails, by address.

It only ever writes an opt-out: nothing brings back who has opted out, and consent is no property.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from activation.destinations.base import Answer, RowResult, Target
from activation.destinations.hubspot import encode
from activation.destinations.hubspot.decode import NOT_TOLD, row_error
from activation.destinations.hubspot.errors import document_of, garbled
from activation.destinations.hubspot.names import EMAIL, STATUS, check_target, normal_key
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.traits import SUBSCRIPTIONS, paced
from activation.destinations.unvouched import unvouched

OPTED_OUT = "UNSUBSCRIBED"
BASIS, EXPLANATION = "legalBasis", "legalBasisExplanation"


class Subscriptions:
    """Writes opt-outs."""

    def __init__(self, session: Session) -> None:
        """Send through that session."""
        self.traits = paced(SUBSCRIPTIONS, session.account.burst)
        self._session = session

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """
        Return the request body for at most 100 rows; the same rows give the same bytes.

        Raises:
            ValueError: more rows, a row without an address, or a status that is no opt-out.
        """
        number = int(check_target(target).name)
        keys = encode.keys_of(rows, most=self.traits.batch_rows)
        columns: dict[str, list[Any]] = {
            "subscriberIdString": [normal_key(EMAIL, key) for key in keys],
            "subscriptionId": [number] * len(keys),
            "channel": ["EMAIL"] * len(keys),
            "statusState": [OPTED_OUT] * len(keys),
        }
        for mapping in target.fields:
            values = encode.field_values(mapping, rows.column(mapping.to), None)
            if mapping.to != STATUS:
                columns[mapping.to] = values
            elif any(value != OPTED_OUT for value in values):
                message = f"a row's status is not {OPTED_OUT}"
                raise ValueError(message)
        entries = encode.records(columns)
        told = [{n: v for n, v in entry.items() if v != encode.CLEARED} for entry in entries]
        return encode.inputs(told)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """Write the statuses of a payload; raises what `Upserts.send` raises."""
        check_target(target)
        path = self._session.paths.preferences("statuses/batch/write")
        answer = self._session.call("POST", path, seconds=seconds, data=payload)
        if not document_of(answer.body):
            raise garbled(f"POST {path}")
        return answer

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; only an address that is told to have opted out has."""
        document = document_of(answer.body)
        if document.get("status") != "COMPLETE":
            return (unvouched("the batch is not complete"),) * len(keys)
        verdicts: dict[str, RowResult] = {}
        for result in _listed(document, "results"):
            email = result.get("subscriberIdString")
            if isinstance(email, str) and result.get("status") == OPTED_OUT:
                verdicts[normal_key(EMAIL, email)] = RowResult()
        for error in _listed(document, "errors"):
            for email in _addresses(error):
                verdicts[normal_key(EMAIL, email)] = RowResult(error=row_error(error))
        text = "HubSpot's answer does not say that the address has opted out"
        missing = unvouched(text, code=NOT_TOLD)
        return tuple(verdicts.get(normal_key(EMAIL, key), missing) for key in keys)


def _listed(document: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    listed = document.get(name)
    yield from (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def _addresses(error: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses that an error is about; what the list is called is not documented."""
    context = error.get("context")
    lists = context.values() if isinstance(context, dict) else ()
    for listed in lists:
        yield from (v for v in listed if isinstance(v, str)) if isinstance(listed, list) else ()
