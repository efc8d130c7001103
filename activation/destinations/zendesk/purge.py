"""
Users erased for good: deleted first, then permanently, as the law asks for.

A user that is deleted loses its external id at once, so only the id finds it from then on.
"""

from __future__ import annotations

from http import HTTPStatus

from activation.destinations.base import Answer, Fate, Target
from activation.destinations.zendesk.bulk import NOT_FOUND, Bulk, answer_of
from activation.destinations.zendesk.decode import Report, decode
from activation.destinations.zendesk.encode import rows_of
from activation.destinations.zendesk.names import KEY, USERS
from activation.errors import DestinationError

_LABEL = "deleted_users/..."


class UserPurge(Bulk):
    """Deletes users permanently."""

    kind = USERS

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Erase the users of a payload that `encode` made, and say what became of them.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request as a whole was refused.
            AccessRefused: credentials or permission.
        """
        deadline = self._begin(target, seconds)
        rows = rows_of(payload)
        keys = [row[KEY] for row in rows]
        active, requests = self._found(self.kind, keys, deadline)
        report = Report()
        if active:
            removed = self._remove([row for row in rows if row[KEY].lower() in active], deadline)
            requests += removed.requests
            left = [key for key in keys if key.lower() in active]
            for key, result in zip(left, decode(removed, left), strict=True):
                if result.error is not None:
                    error = result.error
                    report.refuse(keys.index(key), error.code, error.text, error.fate)
        for place, row in enumerate(rows):
            known = active.get(row[KEY].lower()), row.get("id")
            ids = sorted({value for value in known if isinstance(value, int)})
            if str(place) in report.rows:
                continue
            if not ids:
                text = "no user has this key and its id is not known; look among deleted users"
                report.refuse(place, NOT_FOUND, text, Fate.PERMANENT)
            for user in ids:
                requests += self._erase(report, place, user, deadline)
        return answer_of(report, requests)

    def _erase(self, report: Report, place: int, user: int, deadline: float) -> int:
        """Delete a deleted user permanently; one that is not among them is done if it is gone."""
        clock = self._session.clock
        missing = frozenset({HTTPStatus.NOT_FOUND})
        try:
            reply = self._session.call(
                "DELETE",
                f"deleted_users/{user}",
                seconds=max(deadline - clock.monotonic(), 0.001),
                accept=missing,
                label=_LABEL,
            )
            if reply.status != HTTPStatus.NOT_FOUND:
                report.done(place, user)
                return 1
            reply = self._session.call(
                "GET",
                f"users/{user}",
                seconds=max(deadline - clock.monotonic(), 0.001),
                accept=missing,
                label="users/...",
            )
        except DestinationError as error:
            text = "the user is not erased yet"
            report.refuse(place, error.code, text, Fate.RETRYABLE)
            return 1
        if reply.status == HTTPStatus.NOT_FOUND:
            report.done(place, user)
        else:
            text = "the user is there and cannot be erased"
            report.refuse(place, "NOT_ERASED", text, Fate.RETRYABLE)
        return 2
