"""One database behind the ledger: SQLite or Postgres, its transactions, its failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from activation.clock import Clock
from activation.errors import ConfigurationError, Unavailable

_BUSY_SECONDS = 10
_WRITES = "activation_writes"
_ADVISORY_LOCK = 7_221_046


@dataclass(frozen=True, slots=True)
class Store:
    """A pool of connections and the clock that stamps what is written through them."""

    engine: sa.Engine
    clock: Clock
    kill_file: Path | None = field(default=None, kw_only=True)
    """While it is there, nothing is sent; see `switches`."""

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """
        Open a consistent view.

        Raises:
            Unavailable: the database cannot be read.
        """
        with _failures(self.engine), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """
        Open a transaction that holds the write lock from its start; commit at the end.

        There is one writer at a time, on either database, so that what a transaction reads
        still holds when it writes.

        Raises:
            Unavailable: the database is locked, full, corrupt or gone; nothing was written.
        """
        writer = self.engine.execution_options(**{_WRITES: True})
        with _failures(self.engine), writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            yield connection


def open_store(url: str, clock: Clock) -> Store:
    """
    Return the store behind a SQLAlchemy URL; a missing SQLite file is made.

    Raises:
        ConfigurationError: the URL cannot be understood.
    """
    try:
        parsed = sa.make_url(url)
        dialect = parsed.get_dialect()
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError):
        raise ConfigurationError(
            "The ledger's URL cannot be understood.",
            hint="Write sqlite:///path/to/ledger.db or postgresql+psycopg2://user@host/database.",
        ) from None
    options: dict[str, Any] = {"json_serializer": _dumps, "json_deserializer": orjson.loads}
    if dialect.name != "sqlite":
        return Store(sa.create_engine(parsed, pool_pre_ping=True, **options), clock)
    options["connect_args"] = {"timeout": _BUSY_SECONDS}
    if not parsed.database or parsed.database == ":memory:":
        # One connection, or every one of them would have a memory of its own.
        options["poolclass"] = sa.StaticPool
        options["connect_args"]["check_same_thread"] = False
    else:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(parsed, **options)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return Store(engine, clock)


def insert(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insertion that can say what to do about keys that are there already."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def insert_or_ignore(
    connection: sa.Connection, table: sa.Table, values: Mapping[str, Any] | Sequence[Any]
) -> int:
    """Insert rows, leaving those alone whose key is there already; return how many went in."""
    statement = _inserting_or_ignoring(connection.dialect.name, table)
    return connection.execute(statement, values).rowcount


@cache
def _inserting_or_ignoring(dialect: str, table: sa.Table) -> sa.Insert:
    return insert(dialect, table).on_conflict_do_nothing()


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, each in place of the one that has its key already; all have the same columns."""
    if rows:
        connection.execute(_upserting(connection.dialect.name, table, tuple(rows[0])), rows)


@cache
def _upserting(dialect: str, table: sa.Table, columns: tuple[str, ...]) -> sa.Executable:
    inserting = insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    return inserting.values({name: sa.bindparam(name) for name in columns}).on_conflict_do_update(
        index_elements=keys,
        set_={name: inserting.excluded[name] for name in columns if name not in keys},
    )


def _dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own idea of when to begin would hold the lock too late; see _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later fails at once if another wrote between.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _failures(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except sa.exc.IntegrityError:
        raise  # our own mistake, which no waiting repairs
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        cause = getattr(error, "orig", None) or type(error).__name__
        where = engine.url.render_as_string(hide_password=True)
        raise Unavailable(
            f"The ledger {where} cannot be used: {str(cause).strip()}.",
            hint="Nothing is sent without it; see that it can be reached, then repeat.",
        ) from None
