"""Build the raw data of the demo company: a customer base with a history, and its dirt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from activation.errors import Unavailable, UsageError

if TYPE_CHECKING:
    import duckdb

RAW_TABLES = (
    "accounts",
    "customers",
    "product_events",
    "support_tickets",
    "consent_events",
    "company",
)


@dataclass(frozen=True, slots=True)
class CompanySummary:
    """What was built."""

    day: int
    as_of: datetime
    """The moment at which the last company day ends; aware, in UTC, to the minute."""
    customers: int
    """Distinct customers."""
    tables: dict[str, int]
    """Rows by table of the schema `raw`, duplicates included."""
    active_in_last_day: int
    """Customers that used the product on the last company day."""


def generate(  # noqa: PLR0913 - what makes a company, each named
    database: Path,
    *,
    rows: int = 10_000,
    day: int = 1,
    seed: int = 7,
    now: datetime,
    weekly: bool = False,
) -> CompanySummary:
    """
    Replace the schema `raw` of a DuckDB file by the company as it stands on that day.

    The same rows, day and seed give the same company in all but its times, which are `now` minus
    a fixed offset. A later day repeats the days before and adds to them. Day 1 has 90 days of
    history. Other schemas of the file are left alone.

    Args:
        database: the DuckDB file; made, with its folder, if it is missing.
        rows: distinct customers on day 1.
        day: the day of the demo, from 1.
        seed: which company.
        now: the end of that day, aware; seconds are dropped.
        weekly: two days of each week are quiet.

    Raises:
        UsageError: `rows` or `day` is below 1, `seed` is negative, or `now` has no time zone.
        Unavailable: the file cannot be opened, for instance because a process holds it.

    """
    if rows < 1 or day < 1 or seed < 0:
        raise UsageError(
            f"A company of {rows} rows on day {day} with seed {seed} cannot be built.",
            hint="Give at least 1 row, day 1 or later, and a seed that is not negative.",
        )
    if now.tzinfo is None:
        raise UsageError(
            "The time of the company has no time zone.", hint="Give an aware datetime, in UTC."
        )
    as_of = now.astimezone(UTC).replace(second=0, microsecond=0)
    connection = _connect(database)
    try:
        _set_variables(connection, rows=rows, day=day, seed=seed, as_of=as_of)
        connection.execute("set variable weekly = ?", [weekly])
        connection.execute(_statements("draws"))
        connection.execute("begin")
        connection.execute("create schema if not exists raw")
        connection.execute(_statements("people"))
        for table in RAW_TABLES:
            connection.execute(_statements(table))
        connection.execute("commit")
        return _summarise(connection, day=day, as_of=as_of)
    finally:
        connection.close()


def _connect(database: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        return duckdb.connect(database)
    except duckdb.IOException as error:
        raise Unavailable(
            f"The warehouse file {database} cannot be opened.",
            hint="Close the process that holds it, then repeat.",
        ) from error


def _set_variables(
    connection: duckdb.DuckDBPyConnection, *, rows: int, day: int, seed: int, as_of: datetime
) -> None:
    connection.execute("set variable rows = ?", [rows])
    connection.execute("set variable day = ?", [day])
    connection.execute("set variable seed = ?", [seed])
    # The warehouse keeps times in UTC without a zone.
    connection.execute("set variable as_of = ?", [as_of.replace(tzinfo=None)])


def _statements(name: str) -> str:
    return files(__package__).joinpath("tables", f"{name}.sql").read_text(encoding="utf-8")


def _summarise(
    connection: duckdb.DuckDBPyConnection, *, day: int, as_of: datetime
) -> CompanySummary:
    tables = {
        table: connection.table(f"raw.{table}").count("*").fetchall()[0][0] for table in RAW_TABLES
    }
    customers, active = connection.execute(
        """
        select
            (select count(*) from people),
            (
                select count(*) from raw.product_events
                where activity_date = getvariable('as_of')::date
            )
        """
    ).fetchall()[0]
    return CompanySummary(
        day=day, as_of=as_of, customers=customers, tables=tables, active_in_last_day=active
    )
