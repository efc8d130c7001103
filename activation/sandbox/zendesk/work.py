"""What each kind of job does with its tasks, and what it tells of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from activation.sandbox.faults import Fault, FaultName
from activation.sandbox.zendesk.errors import RowRefused
from activation.sandbox.zendesk.jobs import Results
from activation.sandbox.zendesk.organizations import Organizations
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.quirks import RESULTS
from activation.sandbox.zendesk.user_rows import UserRows, Way, Written
from activation.sandbox.zendesk.users import Users

_WAYS = {
    "users/create_or_update_many": Way.UPSERT,
    "users/update_many": Way.UPDATE,
    "users/create_many": Way.CREATE,
    "organizations/update_many": Way.UPDATE,
    "organizations/create_many": Way.CREATE,
}
TITLES = {
    "users/create_or_update_many": "Bulk Create Or Update User",
    "users/update_many": "Bulk Update User",
    "users/create_many": "Bulk Create User",
    "users/destroy_many": "Bulk Delete User",
    "organizations/update_many": "Bulk Update Organization",
    "organizations/create_many": "Bulk Create Organization",
    "organizations/destroy_many": "Bulk Delete Organization",
    "organization_memberships/create_many": "Bulk Create OrganizationMembership",
    "organization_memberships/destroy_many": "Bulk Delete OrganizationMembership",
}
"""By kind; "Bulk Create User" is the one that is known."""


class Work:
    """Carries out jobs."""

    def __init__(
        self, parts: Parts, users: Users, user_rows: UserRows, organizations: Organizations
    ) -> None:
        self._parts = parts
        self._users = users
        self._user_rows = user_rows
        self._organizations = organizations

    def carry(self, kind: str, tasks: Sequence[Any], faults: Sequence[Fault]) -> Results:
        """Carry out the tasks of a job, and tell of each."""
        if kind in _WAYS:
            write: Callable[..., list[Written]] = self._organizations.write
            if kind.startswith("users/"):
                write = self._user_rows.write
            refused = {i: error for i, task in enumerate(tasks) if (error := strike(faults, task))}
            written = write(tasks, _WAYS[kind], refused=refused)
            return self._told(kind, written)
        if kind == "organization_memberships/create_many":
            return [self._join(place, task) for place, task in enumerate(tasks)]
        return self._delete(kind, tasks)

    def _told(self, kind: str, written: Sequence[Written]) -> Results:
        shape = self._parts.quirks.value(RESULTS)
        users = kind.startswith("users/")
        creates = _WAYS[kind] is Way.CREATE
        results: Results = []
        for place, one in enumerate(written):
            if one.error is not None:
                result = _failed(place, one.error, users=users, creates=creates)
            else:
                result = _done(place, one)
            if shape == "observed" and users:
                result = _observed(result, one)
            elif shape == "indexed":
                result["index"] = place
            results.append(result)
        return results

    def _join(self, place: int, task: Mapping[str, Any]) -> dict[str, Any]:
        try:
            number = self.join(task.get("user_id"), task.get("organization_id"))
        except RowRefused as refused:
            return {
                "id": place,
                "action": "create",
                "success": False,
                "error": "OrganizationMembershipCreateError",
                "details": refused.text,
            }
        # The published example of this very job.
        return {"action": "create", "id": number, "status": "Created", "success": True}

    def join(self, user_id: object, organization_id: object) -> int:
        """
        Let a user join an organization; return the membership's id.

        Raises:
            RowRefused: one of them is not there, or the user belongs to it already.
        """
        users = self._parts.users.by_ids([user_id] if type(user_id) is int else [])
        homes = self._parts.organizations.by_ids(
            [organization_id] if type(organization_id) is int else []
        )
        if not users or not homes:
            missing = "User" if not users else "Organization"
            raise RowRefused("base", f"{missing} does not exist")
        (user,), (home,) = users.values(), homes.values()
        held = self._parts.memberships.of(user.id)
        if any(membership.organization_id == home.id for membership in held):
            text = f"User {user.document['name']} has already been taken"
            raise RowRefused("user_id", text, error="DuplicateValue")
        (number,) = self._parts.memberships.add([(user.id, home.id, not held)], self._parts.now())
        if not held:
            user.document["organization_id"] = home.id
            self._parts.users.save([user])
        return number

    def leave(self, memberships: Sequence[int]) -> set[int]:
        """End memberships; return the ids of those that there were."""
        marks = ",".join("?" * len(memberships))
        found = self._parts.memberships.select(f"id IN ({marks})", memberships)
        self._parts.memberships.drop(found)
        self._organizations.move_home({membership.user_id for membership in found})
        return {membership.id for membership in found}

    def _delete(self, kind: str, ids: Sequence[int]) -> Results:
        if kind.startswith("users/"):
            users = self._parts.users.by_ids(ids)
            self._users.delete(list(users.values()))
            gone = set(users)
        elif kind.startswith("organizations/"):
            organizations = self._parts.organizations.by_ids(ids)
            self._organizations.delete(list(organizations.values()))
            gone = set(organizations)
        else:
            gone = self.leave(ids)
        return [
            {"action": "delete", "id": number, "status": "Deleted", "success": True}
            if number in gone
            else {
                "action": "delete",
                "id": number,
                "success": False,
                "error": "RecordNotFound",
                "details": "Not found",
            }
            for number in ids
        ]


def _failed(place: int, refused: RowRefused, *, users: bool, creates: bool) -> dict[str, Any]:
    """Return the reference's "failed result"."""
    return {
        # Observed: where there is no record to name, the id is the row's index.
        "id": place,
        "action": "create" if creates else "update",
        "success": False,
        "error": "UserUpdateError" if users else "OrganizationUpdateError",
        "details": refused.text,
    }


def _done(place: int, written: Written) -> dict[str, Any]:
    """Return the reference's results of a creation and of an update."""
    number = None if written.record is None else written.record.id
    if written.created:
        return {"id": number, "index": place}
    return {"action": "update", "id": number, "status": "Updated", "success": True}


def _observed(result: dict[str, Any], written: Written) -> dict[str, Any]:
    """Return a result as a user of create_or_update_many showed it."""
    if written.error is not None:
        kept = {name: result[name] for name in ("id", "error", "details")}
        return {**kept, "status": "Failed"}
    email = None if written.record is None else written.record.document.get("email")
    status = "Created" if written.created else "Updated"
    return {"id": result["id"], "status": status, "email": email}


def strike(faults: Sequence[Fault], row: object) -> RowRefused | None:
    """Return why a row is refused by one of the faults, or None."""
    if not isinstance(row, dict):
        return None
    for fault in faults:
        if fault.name is FaultName.ROW_LOCKED:
            if fault.random.random() < float(fault.options.get("share", 1.0)):
                return RowRefused("base", "Database collision", error="DatabaseConflict")
        elif _holds(fault.options, row):
            field = str(fault.options["field"])
            text = str(fault.options.get("message", "This value is not valid"))
            return RowRefused(field, text, error=fault.options.get("code"))
    return None


def _holds(options: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    name = str(options["field"])
    folder, _, key = name.rpartition(".")
    inside = row.get(folder) if folder else row
    value = inside.get(key if folder else name) if isinstance(inside, dict) else None
    return value is not None if "value" not in options else bool(value == options["value"])
