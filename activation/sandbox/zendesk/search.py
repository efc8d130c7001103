"""The search index, which lags; the exports, which leave the latest minute out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from activation.sandbox.zendesk.call import Call, Table
from activation.sandbox.zendesk.errors import error, invalid_attribute, json_answer
from activation.sandbox.zendesk.limits import Limits
from activation.sandbox.zendesk.organizations import Organizations
from activation.sandbox.zendesk.pages import MOST, cursor_of, numbered, values_in
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.quirks import SEARCH_LAG
from activation.sandbox.zendesk.records import Record, Records
from activation.sandbox.zendesk.users import Users

_MOST_FOUND = 1_000
_EXPORT_LAG = 60.0
""""Data isn't provided for the most recent minute." """
_LONGEST_EXPORT = 1_000
_WORDS = ("name", "email", "external_id", "notes", "details", "phone")


class Search:
    """Finds and exports users and organizations."""

    def __init__(
        self, parts: Parts, limits: Limits, users: Users, organizations: Organizations
    ) -> None:
        self._parts = parts
        self._limits = limits
        self._users = users
        self._organizations = organizations

    def table(self) -> Table:
        """Return the calls."""
        return {
            ("GET", "search"): self._search,
            ("GET", "search/count"): self._count,
            ("GET", "search/export"): self._export,
            ("GET", "incremental/users/cursor"): self._users_by_cursor,
            ("GET", "incremental/users"): self._users_by_time,
            ("GET", "incremental/organizations"): self._organizations_by_time,
        }

    def users(self, query: str) -> list[Record]:
        """Return the users that a query finds, as the index knows them."""
        return self._find(self._parts.users, query)

    def _find(self, records: Records, query: str) -> list[Record]:
        before = self._parts.clock.now().timestamp() - self._parts.quirks.number(SEARCH_LAG)
        terms = _terms(query)
        # Recorded: an address is found as a whole, not as a part of a longer one.
        owners = self._parts.identities.owners(v for n, v in terms if not n and "@" in v)
        return [
            record
            for record in records.select("state = 0 AND updated <= ? ORDER BY id", (before,))
            if all(
                owners[value] == record.id if value in owners else _matches(record, name, value)
                for name, value in terms
            )
        ]

    def _all(self, call: Call, wanted: str | None = None) -> list[dict[str, Any]]:
        query = call.query.get("query")
        if query is None:
            raise invalid_attribute("query", "Invalid parameter: query is required")
        kinds = {value for name, value in _terms(query) if name == "type"}
        if wanted is not None:
            kinds = {wanted}
        found: list[dict[str, Any]] = []
        if not kinds or "user" in kinds:
            found += [
                {**self._users.shown(record), "result_type": "user"}
                for record in self._find(self._parts.users, query)
            ]
        if not kinds or "organization" in kinds:
            found += [
                {**self._organizations.shown(record), "result_type": "organization"}
                for record in self._find(self._parts.organizations, query)
            ]
        return found

    def _search(self, call: Call) -> Response:
        page, size = call.whole("page", 1), min(call.whole("per_page", MOST), MOST)
        if page * size > _MOST_FOUND:
            # The status is documented, and a client of the vendor's tells it by "invalid".
            text = "Insufficient Resource Error: requested response size was greater than Search "
            raise error(422, "invalid", f"{text}Response Limits")
        found = self._all(call)
        begin = (page - 1) * size
        more = begin + size < min(len(found), _MOST_FOUND)
        url = f"{self._parts.address}/api/v2/search.json"
        told = numbered(
            "results",
            found[begin : begin + size],
            call,
            page=page,
            more=more,
            count=len(found),
            url=url,
        )
        return json_answer({**told, "facets": None})

    def _count(self, call: Call) -> Response:
        return json_answer({"count": len(self._all(call))})

    def _export(self, call: Call) -> Response:
        call.limit = "search_exports"
        self._limits.take(call.limit)
        wanted = call.query.get("filter[type]")
        if wanted not in ("user", "organization"):
            raise invalid_attribute("filter[type]", "Invalid parameter: filter[type]")
        size = min(call.whole("page[size]", MOST), _LONGEST_EXPORT)
        after = call.query.get("page[after]")
        last = values_in(after)[0] if after else -1
        found = [one for one in self._all(call, wanted) if one["id"] > last]
        page, more = found[:size], len(found) > size
        cursor = cursor_of(page[-1]["id"]) if page else None
        return json_answer(
            {
                "results": page,
                "facets": None,
                "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": after},
                "links": {"prev": None, "next": None},
            }
        )

    def _begin(self, call: Call) -> tuple[float, float, int]:
        """Return from when and until when records are exported, and how many at once."""
        call.limit = "exports"
        self._limits.take(call.limit)
        until = self._parts.clock.now().timestamp() - _EXPORT_LAG
        if call.query.get("cursor"):
            return -1.0, until, _LONGEST_EXPORT
        start = call.query.get("start_time", "")
        if not start.isdecimal():
            raise invalid_attribute("start_time", "Invalid parameter: start_time is required")
        if int(start) > until:
            # The published description: at least one minute in the past.
            text = "Too recent start_time. Use a start_time older than 60 seconds"
            raise error(422, "InvalidValue", text)
        return float(start), until, min(call.whole("per_page", _LONGEST_EXPORT), _LONGEST_EXPORT)

    def _users_by_cursor(self, call: Call) -> Response:
        start, until, size = self._begin(call)
        cursor = call.query.get("cursor")
        moment, last = values_in(cursor) if cursor else (start, 0.0)
        found = self._parts.users.select(
            "(updated > ? OR (updated = ? AND id > ?)) AND updated <= ?"
            " ORDER BY updated, id LIMIT ?",
            (moment, moment, last, until, size + 1),
        )
        page, more = found[:size], len(found) > size
        after = cursor_of(page[-1].updated, page[-1].id) if page else cursor
        url = f"{self._parts.address}/api/v2/incremental/users/cursor.json?cursor={after}"
        call.note.rows = len(page)
        return json_answer(
            {
                "users": [self._users.shown(record) for record in page],
                "after_url": url if after else None,
                "before_url": None,
                "after_cursor": after,
                "before_cursor": None,
                "end_of_stream": not more,
            }
        )

    def _users_by_time(self, call: Call) -> Response:
        return self._by_time(call, "users", self._parts.users, self._users.shown)

    def _organizations_by_time(self, call: Call) -> Response:
        shown = self._organizations.shown
        return self._by_time(call, "organizations", self._parts.organizations, shown)

    def _by_time(self, call: Call, name: str, records: Records, shown: Any) -> Response:
        start, until, size = self._begin(call)
        where = "updated >= ? AND updated <= ? ORDER BY updated, id LIMIT ?"
        found = records.select(where, (start, until, size + 1))
        page, more = found[:size], len(found) > size
        end = int(page[-1].updated) if page else int(start)
        url = f"{self._parts.address}/api/v2/incremental/{name}.json?start_time={end}"
        call.note.rows = len(page)
        return json_answer(
            {
                name: [shown(record) for record in page],
                "next_page": url,
                "count": len(page),
                "end_of_stream": not more,
                "end_time": end,
            }
        )


def _terms(query: str) -> list[tuple[str, str]]:
    """Return the terms of a query: a property and what it is to be, or nothing and a word."""
    try:
        words = shlex.split(query)
    except ValueError:
        words = query.split()
    found = []
    for word in words:
        name, colon, value = word.partition(":")
        found.append((name, value.lower()) if colon and name.isidentifier() else ("", word.lower()))
    return found


def _matches(record: Record, name: str, value: str) -> bool:
    stored: Mapping[str, Any] = record.document
    if name == "type":
        return True
    if not name and "@" in value:
        return False
    if not name:
        return any(value in str(stored.get(word) or "").lower() for word in _WORDS)
    if name == "tags":
        return value in stored.get("tags", ())
    held = stored.get(name, stored.get("user_fields", {}).get(name))
    return held is not None and str(held).lower() == value
