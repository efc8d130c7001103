"""Calls about what hangs on a user or an organization: addresses, tags, memberships."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from activation.sandbox.zendesk.call import Call, Handler, Table, missing
from activation.sandbox.zendesk.errors import RowRefused, json_answer, not_found
from activation.sandbox.zendesk.memberships import Membership
from activation.sandbox.zendesk.organizations import Organizations
from activation.sandbox.zendesk.pages import listing
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.tags import tidy
from activation.sandbox.zendesk.users import Users
from activation.sandbox.zendesk.work import Work


class ProfileCalls:
    """The calls one level below a user or an organization, and the memberships themselves."""

    def __init__(
        self, parts: Parts, users: Users, organizations: Organizations, work: Work
    ) -> None:
        self._parts = parts
        self._users = users
        self._organizations = organizations
        self._work = work

    def table(self) -> Table:
        """Return the calls."""
        member = "organization_memberships"
        calls: dict[tuple[str, str], Handler] = {
            ("GET", "users/{}/identities"): self._identities,
            ("POST", "users/{}/identities"): self._add_identity,
            ("GET", "users/{}/identities/{}"): self._identity,
            ("PUT", "users/{}/identities/{}/make_primary"): self._make_primary,
            ("GET", member): self._memberships,
            ("POST", member): self._join,
            ("GET", f"{member}/{{}}"): self._membership,
            ("DELETE", f"{member}/{{}}"): self._leave,
            ("GET", f"users/{{}}/{member}"): self._of_user,
            ("POST", f"users/{{}}/{member}"): self._join,
            ("PUT", f"users/{{}}/{member}/{{}}/make_default"): self._make_default,
            ("DELETE", f"users/{{}}/{member}/{{}}"): self._leave,
            ("DELETE", "users/{}/organizations/{}"): self._unassign,
            ("GET", f"organizations/{{}}/{member}"): self._of_organization,
        }
        for kind in ("users", "organizations"):
            for method in ("GET", "POST", "PUT", "DELETE"):
                calls[method, f"{kind}/{{}}/tags"] = self._tags
        return calls

    def _identities(self, call: Call) -> Response:
        user = self._users.found(call.ids[0])
        found = [one.document(self._parts.address) for one in self._parts.identities.of(user.id)]
        told = {"identities": found, "next_page": None, "previous_page": None}
        return json_answer({**told, "count": len(found)})

    def _identity(self, call: Call) -> Response:
        user = self._users.found(call.ids[0])
        for one in self._parts.identities.of(user.id):
            if one.id == call.ids[1]:
                return json_answer({"identity": one.document(self._parts.address)})
        raise not_found()

    def _add_identity(self, call: Call) -> Response:
        given = call.one("identity")
        user = self._users.found(call.ids[0])
        value = given.get("value")
        if given.get("type") != "email" or not isinstance(value, str):
            raise missing("identity")
        email = value.strip().lower()
        if self._parts.identities.owners([email]):
            text = f"Email: {email} is already being used by another user"
            raise RowRefused("email", text, error="DuplicateValue").as_call()
        primary = user.document.get("email") is None
        verified = given.get("verified") is True
        self._parts.identities.add([(user.id, email, primary, verified)], self._parts.now())
        if primary:
            user.document["email"] = email
            self._parts.users.save([user])
        (made,) = (one for one in self._parts.identities.of(user.id) if one.value == email)
        return json_answer({"identity": made.document(self._parts.address)}, 201)

    def _make_primary(self, call: Call) -> Response:
        user = self._users.found(call.ids[0])
        known = {one.id: one for one in self._parts.identities.of(user.id)}
        if call.ids[1] not in known:
            raise not_found()
        now = self._parts.clock.now()
        with self._parts.state.transaction():
            self._parts.identities.make_primary(user.id, call.ids[1], self._parts.now())
            user.document["email"] = known[call.ids[1]].value
            user.document["updated_at"] = self._parts.now()
            user.updated = now.timestamp()
            self._parts.users.save([user])
        return self._identities(call)

    def _tags(self, call: Call) -> Response:
        users = call.path.startswith("users/")
        store = self._parts.users if users else self._parts.organizations
        found = self._users if users else self._organizations
        record = found.found(call.ids[0])
        before = record.document.get("tags", [])
        if call.method != "GET":
            given = tidy(call.document().get("tags"))
            if call.method == "POST":
                record.document["tags"] = given
            elif call.method == "PUT":
                record.document["tags"] = list(dict.fromkeys([*before, *given]))
            else:
                record.document["tags"] = [tag for tag in before if tag not in given]
            record.document["updated_at"] = self._parts.now()
            record.updated = self._parts.clock.now().timestamp()
            store.save([record])
        status = 201 if call.method == "POST" else 200
        return json_answer({"tags": record.document.get("tags", [])}, status)

    def _told(self, memberships: Sequence[Membership]) -> list[dict[str, object]]:
        names = self._organizations.names({m.organization_id for m in memberships})
        return [m.document(self._parts.address, names) for m in memberships]

    def _memberships(self, call: Call) -> Response:
        told = listing(
            call,
            "organization_memberships",
            fetch=self._parts.memberships.select,
            count=self._parts.memberships.count,
            shown=lambda membership: self._told([membership])[0],
            address=self._parts.address,
            where="1 = 1",
        )
        return json_answer(told)

    def _of_user(self, call: Call) -> Response:
        user = self._users.found(call.ids[0])
        return self._page(call, "user_id", user.id)

    def _of_organization(self, call: Call) -> Response:
        organization = self._organizations.found(call.ids[0])
        return self._page(call, "organization_id", organization.id)

    def _page(self, call: Call, column: str, number: int) -> Response:
        where = f"{column} = ?"
        told = listing(
            call,
            "organization_memberships",
            fetch=self._parts.memberships.select,
            count=lambda: len(self._parts.memberships.select(where, [number])),
            shown=lambda membership: self._told([membership])[0],
            address=self._parts.address,
            where=where,
            values=[number],
        )
        return json_answer(told)

    def _found(self, number: int) -> Membership:
        found = self._parts.memberships.select("id = ?", (number,))
        if not found:
            raise not_found()
        return found[0]

    def _membership(self, call: Call) -> Response:
        (told,) = self._told([self._found(call.ids[0])])
        return json_answer({"organization_membership": told})

    def _join(self, call: Call) -> Response:
        given = call.one("organization_membership")
        user = call.ids[0] if call.ids else given.get("user_id")
        try:
            number = self._work.join(user, given.get("organization_id"))
        except RowRefused as refused:
            # "Returns an error with status 422 if the user is already assigned."
            raise refused.as_call() from None
        (told,) = self._told([self._found(number)])
        return json_answer({"organization_membership": told}, 201)

    def _leave(self, call: Call) -> Response:
        self._work.leave([self._found(call.ids[-1]).id])
        return Response(status_code=204)

    def _unassign(self, call: Call) -> Response:
        user = self._users.found(call.ids[0])
        for membership in self._parts.memberships.of(user.id):
            if membership.organization_id == call.ids[1]:
                self._work.leave([membership.id])
                return Response(status_code=204)
        raise not_found()

    def _make_default(self, call: Call) -> Response:
        membership = self._found(call.ids[1])
        self._parts.memberships.make_default(membership, self._parts.now())
        self._organizations.move_home({membership.user_id})
        return self._of_user(call)
