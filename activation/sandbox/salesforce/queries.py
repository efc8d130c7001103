"""Run queries in pages; what a query found does not move while its pages are read."""

from __future__ import annotations

import re
from typing import Any

import orjson

from activation.sandbox.salesforce.errors import CallRefused
from activation.sandbox.salesforce.ids import QUERY_LOCATOR, make_id
from activation.sandbox.salesforce.records import quoted, shown
from activation.sandbox.salesforce.schema import Catalogue
from activation.sandbox.salesforce.soql import Output, Query, translate
from activation.sandbox.state import State

PAGE_ROWS = 2000
_SMALLEST_PAGE = 200
_OPEN_QUERIES = 10
"""A user has at most this many cursors open; the oldest is closed for a new one."""
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)")
_LOCATOR = re.compile(r"(?P<locator>[0-9A-Za-z]{18})-(?P<offset>\d+)")


def page_rows(options: str | None) -> int:
    """Return the page size that the header `Sforce-Query-Options` asks for."""
    found = _BATCH_SIZE.search(options or "")
    return min(PAGE_ROWS, max(_SMALLEST_PAGE, int(found[1]))) if found else PAGE_ROWS


class Queries:
    """Queries and their open cursors; a cursor's rows are kept on disk."""

    def __init__(self, state: State, catalogue: Catalogue) -> None:
        self._state = state
        self._catalogue = catalogue
        state.connection.execute(
            "CREATE TABLE IF NOT EXISTS salesforce_cursors (number INTEGER PRIMARY KEY"
            " AUTOINCREMENT, locator TEXT, object TEXT, outputs TEXT, parents TEXT,"
            " total INTEGER, page INTEGER)"
        )

    def run(self, text: str, root: str, page: int, *, includes_deleted: bool) -> dict[str, Any]:
        """
        Answer a query with its first page.

        Raises:
            CallRefused: the query cannot be understood.
        """
        query = translate(text, self._catalogue.get, includes_deleted=includes_deleted)
        if query.is_count:
            total = self._state.rows(query.count_sql, query.parameters)[0][0]
            return {"totalSize": total, "done": True, "records": []}
        cursor = self._state.connection.execute(query.sql, query.parameters)
        rows = cursor.fetchmany(page + 1)
        cursor.close()
        shape = _Shape(query.sobject.name, query.outputs, query.parents)
        if query.is_aggregate:
            return {"totalSize": 1, "done": True, "records": [shape.aggregate(rows[0])]}
        if len(rows) <= page:
            records = [shape.record(row, root) for row in rows]
            return {"totalSize": len(rows), "done": True, "records": records}
        locator = self._open(query, page)
        return self.next_page(f"{locator}-0", root)

    def next_page(self, place: str, root: str) -> dict[str, Any]:
        """
        Answer with the page that starts at `<locator>-<offset>`.

        Raises:
            CallRefused: the cursor is closed or never was.
        """
        match = _LOCATOR.fullmatch(place)
        found = match and self._state.rows(
            "SELECT object, outputs, parents, total, page FROM salesforce_cursors"
            " WHERE locator = ?",
            (match["locator"],),
        )
        if not match or not found:
            raise CallRefused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        name, outputs, parents, total, page = found[0]
        offset = int(match["offset"])
        shape = _Shape(
            name,
            tuple(Output(tuple(path), kind) for path, kind in orjson.loads(outputs)),
            tuple(orjson.loads(parents)),
        )
        rows = self._state.rows(
            f"SELECT * FROM {_table(match['locator'])} WHERE rowid > ? ORDER BY rowid LIMIT ?",  # noqa: S608
            (offset, page),
        )
        end = offset + len(rows)
        answer: dict[str, Any] = {"totalSize": total, "done": end >= total}
        if end < total:
            answer["nextRecordsUrl"] = f"{root}/query/{match['locator']}-{end}"
        answer["records"] = [shape.record(row, root) for row in rows]
        return answer

    def reset(self) -> None:
        """Close all cursors."""
        self._close(0)

    def _open(self, query: Query, page: int) -> str:
        """Keep the rows of a query in a table of their own; return its locator."""
        outputs = orjson.dumps([[output.path, output.type] for output in query.outputs]).decode()
        width = 1 + len(query.parents) + len(query.outputs)
        columns = ",".join(f"c{place}" for place in range(width))
        with self._state.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO salesforce_cursors (object, outputs, parents, page)"
                " VALUES (?, ?, ?, ?)",
                (query.sobject.name, outputs, orjson.dumps(query.parents).decode(), page),
            )
            number = int(cursor.lastrowid or 0)
            locator = make_id(QUERY_LOCATOR, number)
            connection.execute(f"CREATE TABLE {_table(locator)} ({columns})")
            filled = connection.execute(
                f"INSERT INTO {_table(locator)} {query.sql}",
                query.parameters,
            )
            connection.execute(
                "UPDATE salesforce_cursors SET locator = ?, total = ? WHERE number = ?",
                (locator, filled.rowcount, number),
            )
        self._close(_OPEN_QUERIES)
        return locator

    def _close(self, kept: int) -> None:
        old = self._state.rows(
            "SELECT number, locator FROM salesforce_cursors ORDER BY number DESC LIMIT -1 OFFSET ?",
            (kept,),
        )
        if not old:
            return
        with self._state.transaction() as connection:
            for number, locator in old:
                connection.execute(f"DROP TABLE IF EXISTS {_table(locator)}")
                connection.execute("DELETE FROM salesforce_cursors WHERE number = ?", (number,))


class _Shape:
    """How a row of a query becomes a record of the answer."""

    def __init__(self, name: str, outputs: tuple[Output, ...], parents: tuple[str, ...]) -> None:
        self._name = name
        self._outputs = outputs
        self._parents = parents

    def record(self, row: tuple[Any, ...], root: str) -> dict[str, Any]:
        name = self._name
        record: dict[str, Any] = {
            "attributes": {"type": name, "url": f"{root}/sobjects/{name}/{row[0]}"}
        }
        linked = dict(zip(self._parents, row[1:], strict=False))
        values = row[1 + len(self._parents) :]
        for output, value in zip(self._outputs, values, strict=True):
            if len(output.path) == 1:
                record[output.path[0]] = shown(output.type, value)
                continue
            relationship, field = output.path
            parent = record.setdefault(relationship, None)
            if linked[relationship] is None:
                continue
            if parent is None:
                url = f"{root}/sobjects/{relationship}/{linked[relationship]}"
                parent = {"attributes": {"type": relationship, "url": url}}
                record[relationship] = parent
            parent[field] = shown(output.type, value)
        return record

    def aggregate(self, row: tuple[Any, ...]) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        for output, value in zip(self._outputs, row, strict=True):
            record[output.path[0]] = shown(output.type, value)
        return record


def _table(locator: str) -> str:
    return quoted(f"salesforce_cursor_{locator}")
