"""
A DuckDB file as the warehouse.

Only one process can hold the file, so sessions are short, and a held file is waited for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from activation.errors import ConfigurationError, Unavailable
from activation.warehouse.functions import DuckDbFunctions, Functions
from activation.warehouse.sql import name, table

if TYPE_CHECKING:
    import duckdb

_POLL = 0.25
_DEFAULTS = {"memory_limit": "650MB"}
"""
Larger joins go to disk.

With this, the process peaked at 935 MiB in a plan over 10 M rows; with 750MB at 1,064 MiB, and a
tenth faster. The profile's `settings` say otherwise where there is memory to spare.
"""

_INTERRUPTED = "Query interrupted"
"""What DuckDB says in place of the exception that a signal's handler has raised."""


class DuckDbSession:
    """One connection to the file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.functions: Functions = DuckDbFunctions()

    def execute(self, statement: exp.Expr, params: Mapping[str, object] | None = None) -> None:
        """Run a statement that returns nothing."""
        self._connection.execute(statement.sql("duckdb"), _used(statement, params))

    def fetch(self, query: exp.Expr, params: Mapping[str, object] | None = None) -> pa.Table:
        """Return all rows of a query."""
        return self._relation(query, params).to_arrow_table()

    def stream(
        self,
        query: exp.Expr,
        params: Mapping[str, object] | None = None,
        *,
        rows: int,
    ) -> Iterator[pa.Table]:
        """Yield the rows of a query, at most `rows` at a time."""
        for batch in self._relation(query, params).to_arrow_reader(rows):
            yield pa.Table.from_batches([batch])

    def load(self, table_name: str, rows: pa.Table, *, append: bool = False) -> None:
        """Make (or add to) the temporary table of that name from Arrow."""
        view = f"{table_name}_arrow"
        target, source = table(table_name).sql("duckdb"), table(view).sql("duckdb")
        verb = f"INSERT INTO {target}" if append else f"CREATE OR REPLACE TEMP TABLE {target} AS"
        self._connection.register(view, rows)
        try:
            self._connection.execute(f"{verb} FROM {source}")
        finally:
            self._connection.unregister(view)

    def columns(self, schema: str | None, table: str) -> dict[str, str]:
        """Return the columns of a relation and their types, in order; empty if there is none."""
        found = self._connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_catalog = CASE WHEN $schema IS NULL THEN 'temp' "
            "ELSE current_database() END "
            "AND table_schema = COALESCE($schema, 'main') AND table_name = $table "
            "ORDER BY ordinal_position",
            {"schema": schema, "table": table},
        ).fetchall()
        return dict(found)

    def tables(self, schema: str) -> list[str]:
        """Return the names of the relations in a schema, sorted."""
        found = self._connection.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_catalog = current_database() AND table_schema = ? ORDER BY 1",
            [schema],
        ).fetchall()
        return [row[0] for row in found]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let all that is written inside stand together, or not at all."""
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def _relation(
        self, query: exp.Expr, params: Mapping[str, object] | None
    ) -> duckdb.DuckDBPyRelation:
        return self._connection.sql(query.sql("duckdb"), params=_used(query, params))


@contextmanager
def in_memory() -> Iterator[DuckDbSession]:
    """Open a database without a file, for what needs the engine and no data."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield DuckDbSession(connection)


class DuckDbFile:
    """The file, opened for each session anew."""

    def __init__(
        self,
        path: Path,
        *,
        settings: Mapping[str, str] | None = None,
        lock_wait: float = 30,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keep the file, DuckDB settings, and how many seconds a held file is waited for."""
        self.path = path
        self._settings = {**_DEFAULTS, **(settings or {})}
        self._lock_wait = lock_wait
        self._sleep = sleep

    @contextmanager
    def session(self) -> Iterator[DuckDbSession]:
        """
        Open the file for the time of a `with` block.

        Raises:
            Unavailable: the file does not exist, or another process holds it for too long.
            ConfigurationError: it is no DuckDB file, or a setting is unknown.
            KeyboardInterrupt: a query was interrupted.
        """
        import duckdb

        connection = self._connect()
        try:
            self._prepare(connection)
            yield DuckDbSession(connection)
        except duckdb.Error as error:
            # DuckDB's own message may quote a value, so it is shown to nobody but a debugger.
            raise Unavailable(
                f"The warehouse could not carry out a query on {self.path.name} "
                f"({type(error).__name__}).",
                hint="`dbt build` tells whether the models are sound; "
                "ACTIVATION_DEBUG=1 shows where it happened.",
            ) from error
        except RuntimeError as error:
            if str(error) == _INTERRUPTED:
                raise KeyboardInterrupt from None
            raise
        finally:
            connection.close()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        if not self.path.exists():
            raise Unavailable(
                f"The warehouse file {self.path} does not exist.",
                hint="Build it with `dbt build`, or try `activation demo`.",
            )
        waited = 0.0
        while True:
            try:
                return duckdb.connect(str(self.path))
            except duckdb.IOException as error:
                if "lock" not in str(error).lower():
                    raise ConfigurationError(
                        f"{self.path} cannot be opened as a DuckDB file: {error}",
                        hint="Check the path in profiles.yml.",
                    ) from error
                if waited >= self._lock_wait:
                    raise Unavailable(
                        f"The warehouse file {self.path} is held by {_holder(str(error))}.",
                        hint="Wait until it is done or close it, then run this again.",
                    ) from error
            self._sleep(_POLL)
            waited += _POLL

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        import duckdb

        # Row order costs memory in large joins, and every ordered query here says so.
        settings = {**self._settings, "preserve_insertion_order": "false", "TimeZone": "UTC"}
        for key, value in settings.items():
            statement = exp.Set(
                expressions=[
                    exp.SetItem(this=exp.EQ(this=name(key), expression=exp.Literal.string(value)))
                ]
            )
            try:
                connection.execute(statement.sql("duckdb"))
            except duckdb.Error as error:
                raise ConfigurationError(
                    f"DuckDB does not take the setting {key}: {error}",
                    hint="Correct `settings` of the output in profiles.yml.",
                ) from error


def _used(expression: exp.Expr, params: Mapping[str, object] | None) -> dict[str, object] | None:
    names = {found.name for found in expression.find_all(exp.Placeholder)}
    return {key: (params or {})[key] for key in names} or None


def _holder(message: str) -> str:
    """Return who holds the file, as far as DuckDB says."""
    found = re.search(r"PID (\d+)", message)
    return f"process {found[1]}" if found else "another process"
