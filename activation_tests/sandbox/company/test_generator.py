"""The raw data of the demo company: the same every time, growing by the day, and dirty."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from activation.errors import Unavailable, UsageError
from activation.sandbox.company import CompanySummary, generate

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
ROWS = 3000
TABLES = ("accounts", "customers", "product_events", "support_tickets", "consent_events")


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, CompanySummary]]:
    """Return the same company on day 1 and on day 3: the file and the summary."""
    folder = tmp_path_factory.mktemp("companies")
    built = {}
    for day in (1, 3):
        database = folder / f"day_{day}.duckdb"
        built[day] = (database, generate(database, rows=ROWS, day=day, now=NOW))
    return built


def _query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _ages(database: Path, table: str, *, beyond_day: int = 0) -> set[tuple[Any, ...]]:
    """Return the rows of a table with times as ages, on the day so many days before the last."""
    with duckdb.connect(database, read_only=True) as connection:
        as_of = connection.execute("select as_of from raw.company").fetchall()[0][0]
        as_of -= timedelta(days=beyond_day)
        relation = connection.table(f"raw.{table}")
        kinds = [str(kind) for kind in relation.types]
        rows = relation.fetchall()
    return {
        tuple(
            as_of - value
            if kind == "TIMESTAMP"
            else (as_of.date() - value if kind == "DATE" else value)
            for kind, value in zip(kinds, row, strict=True)
        )
        for row in rows
    }


@pytest.mark.parametrize(
    "later", [timedelta(seconds=20), timedelta(hours=8, minutes=51), timedelta(days=400)]
)
def test_only_times_follow_now(
    companies: dict[int, tuple[Path, CompanySummary]], tmp_path: Path, later: timedelta
) -> None:
    """The same rows, day and seed give the same company, however much later it is built."""
    generate(tmp_path / "again.duckdb", rows=ROWS, day=1, now=NOW + later)
    for table in TABLES:
        assert _ages(tmp_path / "again.duckdb", table) == _ages(companies[1][0], table)


def test_another_seed_is_another_company(
    companies: dict[int, tuple[Path, CompanySummary]], tmp_path: Path
) -> None:
    """The seed decides who the customers are and what they do."""
    generate(tmp_path / "other.duckdb", rows=ROWS, day=1, seed=8, now=NOW)
    for table in TABLES:
        assert _ages(tmp_path / "other.duckdb", table) != _ages(companies[1][0], table)


@pytest.mark.parametrize("table", TABLES)
def test_a_later_day_repeats_the_days_before(
    companies: dict[int, tuple[Path, CompanySummary]], table: str
) -> None:
    """What was known on day 1 is known on day 3, two days older and otherwise the same."""
    on_day_1 = _ages(companies[1][0], table)
    on_day_3 = _ages(companies[3][0], table, beyond_day=2)
    if table == "accounts":
        assert on_day_1 == on_day_3
    else:
        assert on_day_1 < on_day_3


def test_new_customers_join_and_none_leaves(
    companies: dict[int, tuple[Path, CompanySummary]],
) -> None:
    """A two-hundredth of the company joins each day, and nobody is lost."""
    before, after = (
        {row[0] for row in _query(companies[day][0], "select customer_id from raw.customers")}
        for day in (1, 3)
    )
    assert len(before) == ROWS
    assert before < after
    assert len(after - before) == 2 * ROWS // 200


def test_summary_counts_what_stands_in_the_file(
    companies: dict[int, tuple[Path, CompanySummary]],
) -> None:
    """The summary tells rows by table, distinct customers and those active on the last day."""
    database, summary = companies[3]
    assert summary.day == 3
    assert summary.as_of == NOW.replace(second=0)
    for table, rows in summary.tables.items():
        assert _query(database, f"select count(*) from raw.{table}") == [(rows,)]  # noqa: S608
    assert _query(
        database,
        """
        select
            (select count(distinct customer_id) from raw.customers),
            (
                select count(distinct customer_id) from raw.product_events, raw.company
                where activity_date = as_of::date
            )
        """,
    ) == [(summary.customers, summary.active_in_last_day)]
    assert 0.05 < summary.active_in_last_day / summary.customers < 0.20


def test_nothing_happens_after_the_snapshot(
    companies: dict[int, tuple[Path, CompanySummary]],
) -> None:
    """No time in the raw data lies after the moment up to which it reaches."""
    assert _query(
        companies[3][0],
        """
        select as_of >= greatest(
            (select max(updated_at) from raw.customers),
            (select max(activity_date) from raw.product_events),
            (select max(opened_at) from raw.support_tickets),
            (select max(event_at) from raw.consent_events),
            (select max(received_at) from raw.consent_events)
        ) from raw.company
        """,
    ) == [(True,)]


def test_addresses_lead_nowhere(companies: dict[int, tuple[Path, CompanySummary]]) -> None:
    """Every domain in the data is one that is reserved for examples."""
    emails = [row[0] for row in _query(companies[3][0], "select email from raw.customers")]
    harmless = re.compile(r".*(@|\(at\))example\.(com|org|net)|[^@]*@|n/a|")
    assert [email for email in emails if not harmless.fullmatch(email.strip().lower())] == []
    whole = re.findall(r"[^@\s]@(example\.\w+)", " ".join(emails).lower())
    assert set(whole) == {"example.com", "example.org", "example.net"}


def test_names_are_nobodys(companies: dict[int, tuple[Path, CompanySummary]]) -> None:
    """Every surname that is not blank carries a number."""
    names = _query(
        companies[1][0], "select distinct last_name from raw.customers where trim(last_name) <> ''"
    )
    assert len(names) > ROWS / 2
    assert all(re.fullmatch(r"[A-Z][a-z]+-\d{4} ?", name) for (name,) in names)


@pytest.mark.parametrize(
    ("dirt", "least", "most"),
    [
        (
            "customer_id in (select customer_id from raw.customers group by 1 having count(*) > 1)",
            0.03,
            0.10,
        ),
        ("not regexp_matches(lower(trim(email)), '^[^@ ]+@[a-z]+[.][a-z]+$')", 0.005, 0.02),
        ("email <> trim(email)", 0.02, 0.10),
        ("email <> lower(email)", 0.10, 0.30),
        ("email like '%+%'", 0.03, 0.08),
        ("trim(first_name) = '' or trim(last_name) = ''", 0.0005, 0.005),
        ("customer_id not in (select customer_id from raw.consent_events)", 0.04, 0.08),
    ],
    ids=["repeated", "malformed", "padded", "mixed case", "plus", "blank name", "never asked"],
)
def test_customers_are_dirty(
    companies: dict[int, tuple[Path, CompanySummary]], dirt: str, least: float, most: float
) -> None:
    """Each kind of dirt is there, in about its share of the customers."""
    sql = f"select count(distinct customer_id) from raw.customers where {dirt}"  # noqa: S608
    assert least < _query(companies[1][0], sql)[0][0] / ROWS < most


def test_consent_events_are_late_and_contradictory(
    companies: dict[int, tuple[Path, CompanySummary]],
) -> None:
    """Some decisions arrive after a newer one, and some systems disagree about one instant."""
    late, contradictory = _query(
        companies[1][0],
        """
        select
            count(*) filter (a.event_at < b.event_at and a.received_at > b.received_at),
            count(*) filter (a.event_at = b.event_at and a.event_id < b.event_id)
        from raw.consent_events as a
        inner join raw.consent_events as b using (customer_id, purpose, channel)
        """,
    )[0]
    assert late > 0.01 * ROWS
    assert contradictory > 0.001 * ROWS


def test_other_schemas_are_left_alone(tmp_path: Path) -> None:
    """Building the raw data again keeps what else stands in the file."""
    database = tmp_path / "new folder" / "warehouse.duckdb"
    generate(database, rows=10, now=NOW)
    with duckdb.connect(database) as connection:
        connection.execute("create schema delivered; create table delivered.state as select 1 as a")
    generate(database, rows=20, day=2, now=NOW)
    assert _query(database, "from delivered.state") == [(1,)]
    assert _query(database, "select count(distinct customer_id) from raw.customers") == [(21,)]


@pytest.mark.parametrize(("rows", "day", "seed"), [(0, 1, 7), (10, 0, 7), (10, 1, -1)])
def test_impossible_companies_are_refused(tmp_path: Path, rows: int, day: int, seed: int) -> None:
    """A company needs a customer, a day and a seed, or nothing is written."""
    with pytest.raises(UsageError):
        generate(tmp_path / "warehouse.duckdb", rows=rows, day=day, seed=seed, now=NOW)
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    """A naive time could be anybody's, so it is not taken."""
    with pytest.raises(UsageError, match="time zone"):
        generate(tmp_path / "warehouse.duckdb", rows=10, now=NOW.replace(tzinfo=None))


def test_a_file_that_is_no_warehouse_is_unavailable(tmp_path: Path) -> None:
    """A path that cannot be opened as a database ends in a sentence that says what to do."""
    (tmp_path / "warehouse.duckdb").mkdir()
    with pytest.raises(Unavailable, match="cannot be opened"):
        generate(tmp_path / "warehouse.duckdb", rows=10, now=NOW)
