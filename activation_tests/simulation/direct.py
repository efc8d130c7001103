"""
A short way to the database: the ledger's own statements, without SQLAlchemy's connection.

SQLAlchemy compiles each statement once, types and all; what a connection of its does beside that,
for pools, threads, events and many kinds of result, costs more than the statement.
A test plays seeds both ways and compares their digests, ledger and all.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, cast
from weakref import WeakKeyDictionary

import sqlalchemy as sa

Values = Mapping[str, Any]
Processor = Callable[[Any], Any]


class Answered:
    """What came of a statement; as much of SQLAlchemy's result as the ledger asks for."""

    __slots__ = ("_names", "_rows", "rowcount")

    def __init__(self, names: Sequence[str], rows: list[Any], rowcount: int) -> None:
        self._names = names
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        """Return the rows."""
        return self._rows

    def one(self) -> Any:
        """Return the only row."""
        (row,) = self._rows
        return row

    def one_or_none(self) -> Any:
        """Return the only row, if there is one."""
        return self.one() if self._rows else None

    def first(self) -> Any:
        """Return the first row, if there is one."""
        return self._rows[0] if self._rows else None

    def scalars(self) -> list[Any]:
        """Return the first column."""
        return [row[0] for row in self._rows]

    def scalar(self) -> Any:
        """Return the first column of the first row, if there is one."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        """Return the only value."""
        return self.one()[0]

    def mappings(self) -> Answered:
        """Return the rows by the names of their columns."""
        rows = [dict(zip(self._names, row, strict=True)) for row in self._rows]
        return Answered(self._names, rows, self.rowcount)


class Prepared:
    """A statement as SQLAlchemy compiles it: text, the order of its values, and their types."""

    __slots__ = ("_fixed", "_incoming", "_outgoing", "_row", "_typed", "names", "text")

    def __init__(self, statement: Any, dialect: sa.Dialect, given: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=given)
        assert not compiled.insert_prefetch, "has defaults"
        self.text, order, types = (
            str(compiled),
            compiled.positiontup or (),
            compiled._bind_processors,
        )
        fixed = compiled.construct_params(_check=False, _no_postcompile=True)
        if compiled.post_compile_params:
            # A list of values in the statement itself comes out under names of its own.
            expanded = compiled._process_parameters_for_postcompile(fixed)
            self.text, order = expanded.statement, expanded.positiontup
            types = {**types, **expanded.processors}
            fixed = {**fixed, **expanded.additional_parameters}
        missing = {name for name, bound in compiled.binds.items() if bound.required}
        self._fixed = {name: value for name, value in fixed.items() if name not in missing}
        self._incoming = [(name, types.get(name)) for name in order]
        columns = compiled._result_columns
        self.names = tuple(column.keyname for column in columns)
        kinds = [column.type._cached_result_processor(dialect, None) for column in columns]
        self._outgoing = [(i, kind) for i, kind in enumerate(kinds) if kind is not None]
        row: Any = namedtuple("Row", self.names, rename=True)  # type: ignore[misc] # noqa: PYI024
        self._row = row._make if columns else None
        self._typed = any(kind is not None for _, kind in self._incoming)

    def bind(self, given: Values) -> list[Any]:
        """Return the values in their order, as the driver takes them."""
        values = {**self._fixed, **given} if self._fixed else given
        if not self._typed:
            return [values[name] for name, _ in self._incoming]
        return [
            values[name] if kind is None else kind(values[name]) for name, kind in self._incoming
        ]

    def rows(self, cursor: sqlite3.Cursor) -> list[Any]:
        """Return the rows as the ledger takes them."""
        if self._row is None:
            return []
        found = cursor.fetchall()
        if not self._outgoing:
            return list(map(self._row, found))
        made: list[Any] = []
        for one in found:
            row = list(one)
            for at, kind in self._outgoing:
                row[at] = kind(row[at])
            made.append(self._row(row))
        return made


class DirectConnection:
    """Runs the ledger's statements in one SQLite database; there is one transaction at a time."""

    def __init__(self, raw: sqlite3.Connection, dialect: sa.Dialect) -> None:
        self.dialect = dialect
        self._raw = raw
        self._known: WeakKeyDictionary[Any, dict[tuple[str, ...], Prepared]] = WeakKeyDictionary()

    def as_its(self) -> sa.Connection:
        """Return itself; the ledger's code says `sa.Connection` and asks for no more than this."""
        return cast("sa.Connection", self)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Hold the write lock from the start; commit at the end."""
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            yield self.as_its()
        except BaseException:
            self._raw.execute("ROLLBACK")
            raise
        self._raw.execute("COMMIT")

    def execute(self, statement: Any, values: Values | Sequence[Values] | None = None) -> Answered:
        """Run a statement, or the same one with many values."""
        cursor = self._raw.cursor()
        if values is None or type(values) is dict:
            given = values or {}
            prepared = self._prepared(statement, tuple(given))
            cursor.execute(prepared.text, prepared.bind(given))
        else:
            many = cast("Sequence[Values]", values)
            prepared = self._prepared(statement, tuple(many[0]))
            cursor.executemany(prepared.text, [prepared.bind(given) for given in many])
        return Answered(prepared.names, prepared.rows(cursor), cursor.rowcount)

    def scalar(self, statement: Any, values: Values | None = None) -> Any:
        """Return the first value that a statement finds."""
        return self.execute(statement, values).scalar()

    def scalars(self, statement: Any, values: Values | None = None) -> list[Any]:
        """Return the first column of what a statement finds."""
        return self.execute(statement, values).scalars()

    def exec_driver_sql(self, _text: str) -> NoReturn:
        """Refuse what SQLAlchemy does not compile."""
        message = "the short way knows compiled statements only"
        raise NotImplementedError(message)

    def _prepared(self, statement: Any, given: tuple[str, ...]) -> Prepared:
        by_given = self._known.get(statement)
        if by_given is None:
            by_given = self._known[statement] = {}
        if (prepared := by_given.get(given)) is None:
            prepared = by_given[given] = Prepared(statement, self.dialect, given)
        return prepared
