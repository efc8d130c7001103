"""Lists and who is on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from activation.clock import Clock
from activation.sandbox.hubspot.catalogue import Catalogue, CrmObject
from activation.sandbox.hubspot.errors import CallRefused, invalid, lacking, not_found
from activation.sandbox.hubspot.records import Records
from activation.sandbox.hubspot.values import stamp
from activation.sandbox.state import State

MOST_A_PAGE, MOST_TO_EMPTY = 250, 100_000
AT_RISK = "1"
"""The list that the account begins with."""
_KINDS = ("MANUAL", "SNAPSHOT", "DYNAMIC")


class Lists:
    """Segments of records of one object, most of them kept by hand."""

    def __init__(self, state: State, clock: Clock, catalogue: Catalogue, records: Records) -> None:
        self._state = state
        self._clock = clock
        self._catalogue = catalogue
        self._records = records

    def prepare(self) -> None:
        """Create the tables, and the list that an account begins with."""
        with self._state.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS hubspot_lists (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                " name TEXT, object TEXT, kind TEXT, created TEXT, updated TEXT, deleted TEXT)"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS hubspot_members (list INTEGER, record INTEGER, at TEXT,"
                " PRIMARY KEY (list, record)) WITHOUT ROWID"
            )
        if not self._state.rows("SELECT id FROM hubspot_lists LIMIT 1"):
            self._insert("Customers at risk", "0-1", "MANUAL")

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a list."""
        absent = [n for n in ("name", "objectTypeId", "processingType") if not body.get(n)]
        if absent:
            raise lacking(*absent)
        of = self._catalogue.get(str(body["objectTypeId"]))
        if of is None or body["processingType"] not in _KINDS:
            raise invalid("The list's objectTypeId or processingType is not known")
        identity = self._insert(str(body["name"]), of.type.type_id, body["processingType"])
        return {"list": self._document(self._row(str(identity)))}

    def get(self, identity: str) -> dict[str, Any]:
        """Return a list."""
        return {"list": self._document(self._row(identity))}

    def delete(self, identity: str) -> None:
        """Delete a list; it can be restored."""
        self._touch(self._row(identity)[0], deleted=stamp(self._clock.now()))

    def restore(self, identity: str) -> None:
        """Bring a deleted list back."""
        self._touch(self._row(identity, deleted=True)[0], deleted=None)

    def search(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the lists whose names have a text in them."""
        query, offset = str(body.get("query") or "").lower(), int(body.get("offset") or 0)
        count = int(body.get("count") or 20)
        rows = self._state.rows("SELECT * FROM hubspot_lists WHERE deleted IS NULL ORDER BY id")
        found = [row for row in rows if query in row[1].lower()]
        shown = found[offset : offset + count]
        return {
            "lists": [{**self._document(row), "additionalProperties": {}} for row in shown],
            "offset": offset + len(shown),
            "hasMore": offset + len(shown) < len(found),
            "total": len(found),
        }

    def change(
        self, identity: str, add: Sequence[object], remove: Sequence[object]
    ) -> dict[str, list[str]]:
        """Add and remove records; those that are on the list already, or not, are ignored."""
        row = self._changeable(identity)
        of, number = self._object(row), row[0]
        members = self._members(number, [*add, *remove])
        joining = list(dict.fromkeys(_record_id(one) for one in add))
        alive = {
            record.id for record in self._records.get(of, joining).values() if not record.archived
        }
        joined = [one for one in joining if one in alive and one not in members]
        leaving = list(dict.fromkeys(_record_id(one) for one in remove))
        left = [one for one in leaving if one in members]
        now = stamp(self._clock.now())
        with self._state.transaction() as connection:
            connection.executemany(
                "INSERT INTO hubspot_members VALUES (?, ?, ?)",
                [(number, one, now) for one in joined],
            )
            connection.executemany(
                "DELETE FROM hubspot_members WHERE list = ? AND record = ?",
                [(number, one) for one in left],
            )
        return {
            # The first of these names is misspelt by HubSpot itself.
            "recordsIdsAdded": [str(one) for one in joined],
            "recordIdsRemoved": [str(one) for one in left],
            "recordIdsMissing": [str(one) for one in joining if one not in alive],
        }

    def empty(self, identity: str) -> None:
        """Remove everybody from a list that is not too long."""
        row = self._changeable(identity)
        (count,) = self._state.rows(
            "SELECT count(*) FROM hubspot_members WHERE list = ?", (row[0],)
        )[0]
        if count >= MOST_TO_EMPTY:
            raise invalid(f"A list of {MOST_TO_EMPTY} members or more cannot be emptied at once")
        self._state.connection.execute("DELETE FROM hubspot_members WHERE list = ?", (row[0],))

    def members(self, identity: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of the records on a list, by id."""
        row = self._row(identity)
        limit, after = query.get("limit", "100"), query.get("after", "0")
        if not limit.isdigit() or not 0 < int(limit) <= MOST_A_PAGE or not after.isdigit():
            raise invalid(f"limit must be between 1 and {MOST_A_PAGE}")
        found = self._state.rows(
            f"SELECT record, at {self._living(row)} AND record > ? ORDER BY record LIMIT ?",
            (row[0], int(after), int(limit) + 1),
        )
        shown = found[: int(limit)]
        (total,) = self._state.rows(f"SELECT count(*) {self._living(row)}", (row[0],))[0]
        answer: dict[str, Any] = {
            "results": [{"recordId": str(one), "membershipTimestamp": at} for one, at in shown],
            "total": total,
        }
        if len(found) > len(shown):
            answer["paging"] = {"next": {"after": str(shown[-1][0])}}
        return answer

    def of_records(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the lists that records are on."""
        inputs = body.get("inputs")
        if not isinstance(inputs, list):
            raise lacking("inputs")
        results = []
        for one in inputs:
            of = self._catalogue.get(str(one.get("objectTypeId")))
            if of is None:
                raise invalid("objectTypeId is not known")
            found = self._state.rows(
                "SELECT l.id, m.at FROM hubspot_members AS m JOIN hubspot_lists AS l"
                " ON l.id = m.list WHERE m.record = ? AND l.object = ? AND l.deleted IS NULL"
                " ORDER BY l.id",
                (_record_id(one.get("recordId")), of.type.type_id),
            )
            results.append(
                {
                    "objectTypeId": of.type.type_id,
                    "recordId": str(one.get("recordId")),
                    "recordListMemberships": [
                        {
                            "listId": str(number),
                            "listVersion": 1,
                            "firstAddedTimestamp": at,
                            "lastAddedTimestamp": at,
                            "isPublicList": False,
                        }
                        for number, at in found
                    ],
                }
            )
        return results

    def follow(self, of: CrmObject, gone: Sequence[int], survivor: int | None) -> None:
        """Let records that are gone for good leave every list, to the one that survives them."""
        lists = "list IN (SELECT id FROM hubspot_lists WHERE object = ?)"
        with self._state.transaction() as connection:
            for one in gone:
                if survivor is not None:
                    connection.execute(
                        f"UPDATE OR IGNORE hubspot_members SET record = ? WHERE record = ? AND {lists}",  # noqa: S608, E501
                        (survivor, one, of.type.type_id),
                    )
                connection.execute(
                    f"DELETE FROM hubspot_members WHERE record = ? AND {lists}",  # noqa: S608
                    (one, of.type.type_id),
                )

    def records_on(self, identity: str, limit: int) -> tuple[CrmObject, list[int], int]:
        """Return the object of a list, the ids of up to `limit` records on it, and how many."""
        row = self._row(identity)
        found = self._state.rows(f"SELECT record {self._living(row)} ORDER BY record", (row[0],))
        return self._object(row), [one for (one,) in found[:limit]], len(found)

    def _members(self, number: int, ids: Sequence[object]) -> set[int]:
        wanted = orjson.dumps([_record_id(one) for one in ids]).decode()
        return {
            one
            for (one,) in self._state.rows(
                "SELECT record FROM hubspot_members WHERE list = ?"
                " AND record IN (SELECT value FROM json_each(?))",
                (number, wanted),
            )
        }

    def _insert(self, name: str, object_type: str, kind: str) -> int:
        now = stamp(self._clock.now())
        cursor = self._state.connection.execute(
            "INSERT INTO hubspot_lists (name, object, kind, created, updated)"
            " VALUES (?, ?, ?, ?, ?)",
            (name, object_type, kind, now, now),
        )
        return int(cursor.lastrowid or 0)

    def _touch(self, number: int, *, deleted: str | None) -> None:
        self._state.connection.execute(
            "UPDATE hubspot_lists SET deleted = ?, updated = ? WHERE id = ?",
            (deleted, stamp(self._clock.now()), number),
        )

    def _row(self, identity: str, *, deleted: bool = False) -> tuple[Any, ...]:
        wanted = "IS NOT NULL" if deleted else "IS NULL"
        number = int(identity) if identity.isdigit() else 0
        found = self._state.rows(
            f"SELECT * FROM hubspot_lists WHERE id = ? AND deleted {wanted}",  # noqa: S608
            (number,),
        )
        if not found:
            raise not_found(f"List does not exist with ID {identity}.")
        return found[0]

    def _changeable(self, identity: str) -> tuple[Any, ...]:
        row = self._row(identity)
        if row[3] == "DYNAMIC":
            raise CallRefused(
                400,
                "Cannot modify the memberships of a list with processing type DYNAMIC.",
                "VALIDATION_ERROR",
            )
        return row

    def _object(self, row: tuple[Any, ...]) -> CrmObject:
        of = self._catalogue.get(row[2])
        if of is None:
            raise not_found()
        return of

    def _living(self, row: tuple[Any, ...]) -> str:
        """Return SQL for the records on a list; archived ones are not on it while they are."""
        table = f"hubspot_record_{self._object(row).name}"
        return (
            f"FROM hubspot_members JOIN {table} ON {table}.id = hubspot_members.record"
            " WHERE archived IS NULL AND list = ?"
        )

    def _document(self, row: tuple[Any, ...]) -> dict[str, Any]:
        number, name, object_type, kind, created, updated, _ = row
        (size,) = self._state.rows(f"SELECT count(*) {self._living(row)}", (number,))[0]
        return {
            "listId": str(number),
            "listVersion": 1,
            "name": name,
            "objectTypeId": object_type,
            "processingType": kind,
            "processingStatus": "COMPLETE",
            "createdAt": created,
            "updatedAt": updated,
            "filtersUpdatedAt": created,
            "createdById": "1",
            "updatedById": "1",
            "size": size,
        }


def _record_id(value: object) -> int:
    text = str(value)
    if not text.isascii() or not text.isdigit():
        raise invalid(f"Invalid input JSON on line 1, column 2: {text} is not a record id")
    return int(text)
