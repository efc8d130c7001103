"""Users in jobs of a hundred, matched by external id."""

from __future__ import annotations

from activation.destinations.base import Answer, Target
from activation.destinations.traits import Verb
from activation.destinations.zendesk.addresses import Addresses
from activation.destinations.zendesk.bulk import Bulk, Rows, answer_of, linked
from activation.destinations.zendesk.decode import Report
from activation.destinations.zendesk.encode import body_of, rows_of
from activation.destinations.zendesk.lookups import by_id, within
from activation.destinations.zendesk.names import KEY, ORGANIZATIONS, REFERENCE, USERS
from activation.errors import DestinationError

_CALLS = {
    Verb.UPSERT: ("POST", "users/create_or_update_many"),
    Verb.UPDATE: ("PUT", "users/update_many"),
    Verb.CREATE: ("POST", "users/create_many"),
}


class UserJobs(Bulk):
    """Creates, updates and deletes users."""

    kind = USERS

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Run a payload that `encode` made as a job, and return what became of its rows.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request as a whole was refused.
            AccessRefused: credentials, permission, or imports that are not enabled.
        """
        deadline = self._begin(target, seconds)
        rows = rows_of(payload)
        if target.verb is Verb.REMOVE:
            return self._remove(rows, deadline)
        report = Report()
        places = list(range(len(rows)))
        requests = 0
        if any(mapping.to == REFERENCE for mapping in target.fields):
            organizations = self._directories[ORGANIZATIONS]
            places, requests = linked(organizations, rows, report, places, deadline)
            payload = body_of(USERS.many, [rows[place] for place in places])
        if places:
            method, path = _CALLS[target.verb]
            done = self._jobs.run(method, path, deadline=deadline, data=payload)
            requests += done.requests
            report.job(done.status, places)
            requests += self._look_again(target, rows, report, deadline)
        return answer_of(report, requests)

    def _look_again(self, target: Target, rows: Rows, report: Report, deadline: float) -> int:
        """
        Read the users that a job wrote, where its answer leaves something open.

        That is whose result is whose, where results carry no index, and whether an address that
        was written to a user who was there is the primary one.  Return the requests.
        """
        results = report.jobs[-1]["job_status"].get("results")
        listed = results if isinstance(results, list) else []
        unplaced = [entry for entry in listed if _is_unplaced(entry)]
        with_email = any(mapping.to == "email" for mapping in target.fields)
        wanted = [entry["id"] for entry in listed if _is_written(entry, with_email=with_email)]
        wanted += [entry["id"] for entry in unplaced]
        if not wanted:
            return 0
        requests, users = 0, {}
        try:
            for page in by_id(within(self._session, deadline), USERS, wanted):
                requests += 1
                users.update({user["id"]: user for user in page})
        except DestinationError:
            # The job's own answer stands; an address that could not be seen is not vouched for.
            requests += 1
        for entry in unplaced:
            if entry["id"] in users:
                entry["external_id"] = users[entry["id"]].get(KEY)
        if with_email:
            requests += Addresses(self._session, report, deadline).mend(rows, users)
        return requests


def _is_unplaced(entry: object) -> bool:
    """Tell whether a result is a success that names neither its place nor its row's key."""
    return (
        isinstance(entry, dict)
        and type(entry.get("id")) is int
        and "error" not in entry
        and "index" not in entry
        and entry.get(KEY) is None
    )


def _is_written(entry: object, *, with_email: bool) -> bool:
    """Tell whether a result is of a user who was there, and whose address may be another."""
    return (
        with_email
        and isinstance(entry, dict)
        and type(entry.get("id")) is int
        and "error" not in entry
        and entry.get("status") != "Created"
    )
