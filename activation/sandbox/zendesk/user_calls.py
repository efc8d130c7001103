"""Calls about users, their addresses and tags, and those that were deleted."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from activation.sandbox.zendesk.bulk_calls import MOST_VALUES
from activation.sandbox.zendesk.call import Call, Table
from activation.sandbox.zendesk.errors import error, invalid_attribute, json_answer, not_found
from activation.sandbox.zendesk.limits import Limits
from activation.sandbox.zendesk.pages import listing, numbered
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.records import DELETED, Record
from activation.sandbox.zendesk.search import Search
from activation.sandbox.zendesk.user_rows import UserRows, Way, Written
from activation.sandbox.zendesk.users import OWNER_ID, Users

_MOST_COUNTED = 100_000


class UserCalls:
    """The calls below `users` and `deleted_users`."""

    def __init__(
        self, parts: Parts, limits: Limits, users: Users, rows: UserRows, search: Search
    ) -> None:
        self._parts = parts
        self._limits = limits
        self._users = users
        self._rows = rows
        self._search = search

    def table(self) -> Table:
        """Return the calls."""
        return {
            ("GET", "users"): self._list,
            ("POST", "users"): self._create,
            ("GET", "users/{}"): self._show,
            ("PUT", "users/{}"): self._update,
            ("DELETE", "users/{}"): self._delete,
            ("PUT", "users/{}/merge"): self._merge,
            ("GET", "users/me"): self._me,
            ("GET", "users/count"): self._count,
            ("GET", "users/show_many"): self._show_many,
            ("GET", "users/search"): self._find,
            ("POST", "users/create_or_update"): self._create_or_update,
            ("GET", "deleted_users"): self._list_deleted,
            ("GET", "deleted_users/count"): self._count_deleted,
            ("GET", "deleted_users/{}"): self._show_deleted,
            ("DELETE", "deleted_users/{}"): self._erase,
        }

    def _told(self, record: Record, status: int = 200) -> Response:
        user = self._users.shown(record)
        answer = json_answer({"user": user}, status)
        if status == 201:  # noqa: PLR2004
            answer.headers["Location"] = user["url"]
        return answer

    def _list(self, call: Call) -> Response:
        where, values = "state = 0", []
        if key := call.query.get("external_id"):
            where, values = "state = 0 AND key = ?", [key.casefold()]
        return json_answer(
            listing(
                call,
                "users",
                fetch=self._parts.users.select,
                count=lambda: self._parts.users.count(where, values),
                shown=self._users.shown,
                address=self._parts.address,
                where=where,
                values=values,
            )
        )

    def _written(self, row: dict[str, Any], way: Way, call: Call) -> Written:
        if row.get("external_id"):
            call.note.keys[:] = [str(row["external_id"])]
        (done,) = self._rows.write([row], way)
        if done.error is not None:
            raise done.error.as_call()
        return done

    def _create(self, call: Call) -> Response:
        done = self._written(call.one("user"), Way.CREATE, call)
        return self._told(_record(done), 201)

    def _create_or_update(self, call: Call) -> Response:
        row = call.one("user")
        self._limits.take("single_writes")
        known = self._rows.known(row)
        if known is not None:
            # Recorded: the request that creates a user does not count.
            self._limits.touch_user(known.id)
            self._users.refuse_shared(known)
        done = self._written(row, Way.UPSERT, call)
        return self._told(_record(done), 201 if done.created else 200)

    def _show(self, call: Call) -> Response:
        answer = self._told(self._users.found(call.ids[0]))
        answer.headers["Cache-Control"] = "max-age=5, private"
        return answer

    def _update(self, call: Call) -> Response:
        row = call.one("user")
        self._limits.take("single_writes")
        record = self._users.found(call.ids[0])
        self._limits.touch_user(record.id)
        self._users.refuse_shared(record)
        return self._told(_record(self._written({**row, "id": record.id}, Way.UPDATE, call)))

    def _delete(self, call: Call) -> Response:
        record = self._users.found(call.ids[0])
        if record.id == OWNER_ID:
            raise error(422, "RecordInvalid", "The account owner cannot be deleted")
        self._users.delete([record])
        return self._told(record)

    def _merge(self, call: Call) -> Response:
        given = call.one("user")
        loser = self._users.found(call.ids[0])
        winner = given.get("id")
        if winner is None and isinstance(given.get("email"), str):
            winner = self._parts.identities.owners([given["email"].lower()]).get(
                given["email"].lower()
            )
        if type(winner) is not int or winner == loser.id:
            raise not_found()
        found = self._users.found(winner)
        self._users.merge(loser, found)
        return self._told(found)

    def _me(self, _call: Call) -> Response:
        user = self._users.shown(self._users.found(OWNER_ID))
        return json_answer({"user": {**user, "authenticity_token": "sandbox"}})

    def _count(self, _call: Call) -> Response:
        return json_answer(counted(self._parts.users.count(), self._parts.now()))

    def _show_many(self, call: Call) -> Response:
        ids, keys = call.listed("ids"), call.listed("external_ids")
        if len(ids) + len(keys) > MOST_VALUES:
            text = f"Parameter ids cannot specify more than {MOST_VALUES} values"
            raise error(400, "TooManyValues", text, max_count=MOST_VALUES)
        if not ids and not keys:
            raise invalid_attribute("ids", "Invalid parameter: ids are required")
        users = list(self._parts.users.by_ids(int(i) for i in ids if i.isdecimal()).values())
        users += self._parts.users.by_keys(keys).values()
        call.note.rows = len(users)
        return json_answer(
            {
                "users": [self._users.shown(record) for record in users],
                "next_page": None,
                "previous_page": None,
                "count": len(users),
            }
        )

    def _find(self, call: Call) -> Response:
        if key := call.query.get("external_id"):
            # Recorded: what was just written is found by its external id.
            found = list(self._parts.users.by_keys([key]).values())
        elif query := call.query.get("query"):
            found = self._search.users(query)
        else:
            raise invalid_attribute("query", "Invalid parameter: query is required")
        page, size = call.whole("page", 1), min(call.whole("per_page", 100), 100)
        begin = (page - 1) * size
        shown = [self._users.shown(record) for record in found[begin : begin + size]]
        more = begin + size < len(found)
        url = f"{self._parts.address}/api/v2/users/search.json"
        call.note.rows = len(shown)
        told = numbered("users", shown, call, page=page, more=more, count=len(found), url=url)
        answer = json_answer(told)
        answer.headers["Cache-Control"] = "max-age=10, private"
        return answer

    def _list_deleted(self, call: Call) -> Response:
        return json_answer(
            listing(
                call,
                "deleted_users",
                fetch=self._parts.users.select,
                count=lambda: self._parts.users.count("state > 0"),
                shown=self._users.deleted,
                address=self._parts.address,
                where="state > 0",
            )
        )

    def _count_deleted(self, _call: Call) -> Response:
        return json_answer(counted(self._parts.users.count("state > 0"), self._parts.now()))

    def _deleted(self, call: Call) -> Record:
        record = self._parts.users.by_ids([call.ids[0]], state=DELETED).get(call.ids[0])
        if record is None:
            raise not_found()
        return record

    def _show_deleted(self, call: Call) -> Response:
        return json_answer({"deleted_user": self._users.deleted(self._deleted(call))})

    def _erase(self, call: Call) -> Response:
        self._limits.take("permanent_deletions")
        return json_answer({"deleted_user": self._users.erase(self._deleted(call))})


def counted(value: int, now: str) -> dict[str, Any]:
    """Return a count: above 100,000 it is capped, and not refreshed while it is asked for."""
    large = value > _MOST_COUNTED
    refreshed = None if large else now
    return {"count": {"value": min(value, _MOST_COUNTED), "refreshed_at": refreshed}}


def _record(written: Written) -> Record:
    if written.record is None:
        raise not_found()
    return written.record
