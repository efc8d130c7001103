"""
A user's primary e-mail address.

An address that is written to an existing user becomes a secondary one; the primary stays until
it is replaced.  A contract that maps `email` means the one that Zendesk shows and writes to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson

from activation.destinations.base import Answer, Fate
from activation.destinations.zendesk.decode import Report, decode
from activation.destinations.zendesk.lookups import Record
from activation.destinations.zendesk.names import KEY
from activation.destinations.zendesk.session import Session
from activation.errors import DestinationError

NOT_PRIMARY = "EMAIL_NOT_PRIMARY"
_TEXT = "the row is written, but its e-mail address is not the primary one yet"


class Addresses:
    """The primary addresses of the users of one answer."""

    def __init__(self, session: Session, report: Report, deadline: float) -> None:
        """Say in that report of which rows the address is not the primary one."""
        self._session = session
        self._report = report
        self._deadline = deadline

    def mend(self, rows: Sequence[Mapping[str, Any]], users: Mapping[int, Record]) -> int:
        """
        Make the addresses of users that were there primary; return the requests.

        `users` are those of them that could be read, by id.
        """
        answer = Answer(HTTPStatus.OK, self._report.body())
        results = decode(answer, [row[KEY] for row in rows])
        requests = 0
        for place, (row, result) in enumerate(zip(rows, results, strict=True)):
            wanted = row.get("email")
            if not wanted or result.destination_id is None or result.created is True:
                continue
            user = users.get(int(result.destination_id))
            if user is None:
                self._report.refuse(place, NOT_PRIMARY, _TEXT, Fate.RETRYABLE)
            elif not same(user.get("email"), wanted):
                requests += self.make_primary(place, user["id"], wanted)
        return requests

    def make_primary(self, place: int, user: int, email: str) -> int:
        """Make an address the user's primary one, or say that it is not; return requests."""
        requests = 1
        try:
            identity = self._identity(user, email)
            if identity is None:
                self._report.refuse(place, NOT_PRIMARY, _TEXT, Fate.RETRYABLE)
                return requests
            requests += 1
            self._session.call(
                "PUT",
                f"users/{user}/identities/{identity}/make_primary",
                seconds=self._left(),
                data=b"{}",
                label="users/.../identities/.../make_primary",
            )
        except DestinationError as error:
            self._report.refuse(place, NOT_PRIMARY, f"{_TEXT} ({error.code})", Fate.RETRYABLE)
        return requests

    def _identity(self, user: int, email: str) -> int | None:
        reply = self._session.call(
            "GET",
            f"users/{user}/identities",
            seconds=self._left(),
            params={"page[size]": "100"},
            label="users/.../identities",
        )
        try:
            identities = orjson.loads(reply.body)["identities"]
            found = [
                one["id"]
                for one in identities
                if one.get("type") == "email" and same(one.get("value"), email)
            ]
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return None
        return found[0] if found and type(found[0]) is int else None

    def _left(self) -> float:
        return max(self._deadline - self._session.clock.monotonic(), 0.001)


def same(address: object, wanted: str) -> bool:
    """Tell whether an address is the one wanted."""
    return isinstance(address, str) and address.lower() == wanted
