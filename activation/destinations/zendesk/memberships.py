"""
Which user belongs to which organization.

A membership has no external id; its key is made of the two ends'.  Joining does not end other
memberships, which writing a user's organization does.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from activation.contract.keys import parts_of
from activation.destinations.base import Answer, Fate, Target
from activation.destinations.traits import Verb
from activation.destinations.zendesk.bulk import Bulk, Rows, answer_of
from activation.destinations.zendesk.decode import Report, decode
from activation.destinations.zendesk.encode import body_of, rows_of
from activation.destinations.zendesk.lookups import records_in, within
from activation.destinations.zendesk.names import KEY, MEMBERSHIPS, ORGANIZATIONS, USERS
from activation.errors import Applied, DestinationError, Throttled

Pair = tuple[int, int]


class MembershipJobs(Bulk):
    """Lets users join and leave organizations."""

    kind = MEMBERSHIPS

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Let the rows of a payload join or leave, and say what became of them.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request as a whole was refused.
            AccessRefused: credentials or permission.
        """
        deadline = self._begin(target, seconds)
        rows = rows_of(payload)
        report = Report()
        leaves = target.verb is Verb.REMOVE
        pairs, requests = self._pairs(rows, report, deadline, leaves=leaves)
        if leaves:
            return answer_of(report, requests + self._leave(pairs, report, deadline))
        return answer_of(report, requests + self._join(rows, pairs, report, deadline))

    def _pairs(
        self, rows: Rows, report: Report, deadline: float, *, leaves: bool
    ) -> tuple[dict[int, Pair], int]:
        """Return the ids of both ends by place, and the requests."""
        named: dict[int, tuple[str, str]] = {}
        for place, row in enumerate(rows):
            parts = parts_of(row[KEY])
            if len(parts) == 2:  # noqa: PLR2004 - a user and an organization
                named[place] = (parts[0], parts[1])
            else:
                text = "the key is not a user and an organization"
                report.refuse(place, "NO_PAIR", text, Fate.PERMANENT)
        users, asked = self._directories[USERS].ids(
            [user for user, _ in named.values()], deadline=deadline
        )
        organizations, more = self._directories[ORGANIZATIONS].ids(
            [organization for _, organization in named.values()], deadline=deadline
        )
        pairs: dict[int, Pair] = {}
        for place, (user, organization) in named.items():
            ends = users.get(user.lower()), organizations.get(organization.lower())
            if ends[0] is not None and ends[1] is not None:
                pairs[place] = (ends[0], ends[1])
            elif leaves:
                report.done(place)  # who is not there belongs to nothing
            else:
                missing = "USER_NOT_FOUND" if ends[0] is None else "ORGANIZATION_NOT_FOUND"
                text = "one end of the membership is not there"
                report.refuse(place, missing, text, Fate.LATER)
        return pairs, asked + more

    def _join(self, rows: Rows, pairs: dict[int, Pair], report: Report, deadline: float) -> int:
        if not pairs:
            return 0
        bodies = [
            {"user_id": user, "organization_id": organization, **_others(rows[place])}
            for place, (user, organization) in pairs.items()
        ]
        done = self._jobs.run(
            "POST",
            f"{self.kind.many}/create_many",
            deadline=deadline,
            data=body_of(self.kind.many, bodies),
        )
        report.job(done.status, list(pairs))
        results = decode(answer_of(report, 0), [row[KEY] for row in rows])
        refused = [place for place in pairs if results[place].error is not None]
        told = done.status.get("results")
        entries = told if isinstance(told, list) else []
        if refused and any("index" not in e for e in entries if isinstance(e, dict)):
            # Which of them were refused is told by nothing but the order; so each is looked at.
            for place in pairs:
                text = "Zendesk does not say which rows it refused"
                report.refuse(place, "REFUSED", text, Fate.RETRYABLE)
            refused = list(pairs)
        return done.requests + self._held(refused, pairs, report, deadline)

    def _held(
        self, places: Sequence[int], pairs: dict[int, Pair], report: Report, deadline: float
    ) -> int:
        """See whether refused rows belong already, which is what they are refused for."""
        requests = 0
        ask = within(self._session, deadline)
        for place in places:
            user, organization = pairs[place]
            requests += 1
            try:
                reply = ask(f"users/{user}/{self.kind.many}", {"page[size]": "100"})
                memberships = records_in(reply, self.kind.many)
            except DestinationError:
                continue  # the row stays refused, and comes again
            for membership in memberships:
                if membership.get("organization_id") == organization:
                    report.done(place, membership["id"])
        return requests

    def _leave(self, pairs: dict[int, Pair], report: Report, deadline: float) -> int:
        gone = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY})
        for place, (user, organization) in pairs.items():
            try:
                reply = self._session.call(
                    "DELETE",
                    f"users/{user}/organizations/{organization}",
                    seconds=max(deadline - self._session.clock.monotonic(), 0.001),
                    accept=gone,
                    label="users/.../organizations/...",
                )
            except Throttled as error:
                # The others would be turned away as well; to end a membership twice does no harm.
                raise error.with_applied(Applied.UNKNOWN) from None
            except DestinationError as error:
                text = "the membership did not end"
                report.refuse(place, error.code, text, Fate.RETRYABLE)
                continue
            if reply.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                text = "the membership cannot be ended"
                report.refuse(place, "RecordInvalid", text, Fate.PERMANENT)
            else:
                report.done(place)
        return len(pairs)


def _others(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in (KEY, "id")}
