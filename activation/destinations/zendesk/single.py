"""
Users one at a time, for accounts whose bulk imports are not enabled.

Zendesk takes one such request a second, and five a minute for the same user.
"""

from __future__ import annotations

from http import HTTPStatus

import orjson

from activation.destinations.base import Answer, Target
from activation.destinations.zendesk.addresses import Addresses, same
from activation.destinations.zendesk.bulk import Bulk, answer_of, linked
from activation.destinations.zendesk.decode import Report
from activation.destinations.zendesk.encode import rows_of
from activation.destinations.zendesk.errors import garbled
from activation.destinations.zendesk.names import ORGANIZATIONS, USERS
from activation.destinations.zendesk.session import ROOT

_PATH = "users/create_or_update"


class SingleUsers(Bulk):
    """Upserts a user."""

    kind = USERS

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Upsert the one row of a payload that `encode` made, and return the answer.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request was refused for another reason than its values.
            AccessRefused: credentials or permission.
        """
        deadline = self._begin(target, seconds)
        rows, report = rows_of(payload), Report()
        places, requests = linked(
            self._directories[ORGANIZATIONS], rows, report, range(len(rows)), deadline
        )
        if not places:
            return answer_of(report, requests)
        (row,) = rows
        reply = self._session.call(
            "POST",
            _PATH,
            seconds=max(deadline - self._session.clock.monotonic(), 0.001),
            data=orjson.dumps({USERS.one: row}),
            accept=frozenset({HTTPStatus.UNPROCESSABLE_ENTITY}),
        )
        try:
            told = orjson.loads(reply.body)
            refused = reply.status == HTTPStatus.UNPROCESSABLE_ENTITY
            user = {} if refused else told[USERS.one]
            email = user.get("email")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise garbled(f"POST {ROOT}{_PATH}") from None
        answer = Answer(reply.status, reply.body, requests=requests + 1)
        (result,) = self.decode(answer, [row["external_id"]])
        wanted = row.get("email")
        if result.destination_id is None or not wanted or same(email, wanted):
            return answer
        report.done(0, int(result.destination_id))
        addresses = Addresses(self._session, report, deadline)
        more = addresses.make_primary(0, int(result.destination_id), wanted)
        return answer_of(report, answer.requests + more)
