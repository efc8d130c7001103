"""The marts of the demo company, built by dbt from raw data with known cases added."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from activation.sandbox.company import generate

PROJECT = Path(__file__).parents[2] / "dbt_project"
NOW = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)
ROWS = 2000
PAYLOAD = (
    "first_name, last_name, email, churn_score, churn_band, churn_reason, monthly_value,"
    " account_name"
)

LEAD = "first_name, last_name, email, lifecycle_stage, lead_score, lead_grade, lead_reason, seats"
STAGES = ("lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer")

# Status in a system's words, hour of the decision, hour of its receipt; and what must hold.
CONSENTS: dict[str, tuple[list[tuple[str, float, float]], str]] = {
    "a late decision does not outrank a newer one": (
        [("granted", 10, 10.1), ("denied", 9, 12)],
        "granted",
    ),
    "a newer decision outranks an older one": (
        [("granted", 9, 9.1), ("Opt-Out", 10, 10)],
        "denied",
    ),
    "a person may return": ([("NO ", 9, 9.1), ("YES", 10, 10)], "granted"),
    "denied outranks granted at the same instant": (
        [("granted", 10, 10.1), ("Opt-Out", 10, 11)],
        "denied",
    ),
    "unknown outranks granted at the same instant": (
        [("Opt-In", 10, 10.1), ("?", 10, 11)],
        "unknown",
    ),
    "denied outranks unknown at the same instant": ([("", 10, 10.1), ("NO", 10, 11)], "denied"),
    "a word that nobody knows is no consent": ([("granted", 9, 9), ("perhaps", 10, 10)], "unknown"),
    "a clock that runs ahead does not pin a decision": (
        [("granted", 5000, 8), ("denied", 10, 10)],
        "denied",
    ),
}

# The address as it was typed, and as it must stand in the mart.
ADDRESSES = {
    "  Mixed.Case@Example.COM ": "mixed.case@example.com",
    "with+plus@example.org": "with+plus@example.org",
    "two@@example.com": None,
    "no-at.example.com": None,
    "nobody@": None,
    "@example.net": None,
    "in ner@example.net": None,
    "bare@example": None,
    "dots@example..com": None,
    "": None,
}


@dataclass(frozen=True, slots=True)
class Build:
    """Rows of each query, and what dbt said, by name of the build."""

    results: dict[str, dict[str, list[tuple[Any, ...]]]]
    output: dict[str, str]

    def rows(self, build: str, query: str) -> list[tuple[Any, ...]]:
        """Return what the query gave after that build."""
        return self.results[build][query]


QUERIES = {
    "churn": f"select customer_id, {PAYLOAD} from marts.customer_churn",  # noqa: S608
    "leads": f"select customer_id, {LEAD} from marts.customer_lead",  # noqa: S608
    "at risk": "select customer_id, churn_score from marts.at_risk_customers",
    "consent": "select customer_id, purpose, channel, status from marts.customer_consent",
    "health": "select * exclude (measured_at) from marts.customer_health",
    "accounts": "select * exclude (measured_at) from marts.account_health",
    "segment": "select * exclude (segmented_at) from marts.customer_reengagement",
    "customers with use": "select distinct customer_id from raw.product_events",
    "refused marketing": """
        select customer_id from marts.customer_consent
        where purpose = 'marketing' and channel = 'email' and status = 'denied'
    """,
    "accounts of customers": "select customer_id, account_id from staging.stg_customers",
    "times": """
        select
            (select list(distinct scored_at) from marts.customer_churn),
            (select list(distinct loaded_at) from marts.customer_consent),
            (select max(as_of) from marts.customer_consent)
    """,
    "columns": """
        select table_name, column_name, data_type, is_nullable
        from information_schema.columns where table_schema = 'marts'
        order by table_name, ordinal_position
    """,
    "relations": "select distinct table_schema, table_type from information_schema.tables",
    "raw customers": "select distinct customer_id from raw.customers",
    "busy on the last day": """
        select customer_id from raw.product_events, raw.company
        where activity_date = as_of::date
        union
        select customer_id from raw.support_tickets, raw.company
        where opened_at > as_of - interval 1 day
        union
        select customer_id from raw.customers, raw.company
        where updated_at > as_of - interval 1 day
    """,
}


def _dbt_build(home: Path) -> str:
    command = [
        sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--warn-error", "build",
        "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--target-path", str(home / "target"), "--log-path", str(home / "logs"),
    ]  # fmt: skip
    environment = {**os.environ, "ACTIVATION_HOME": str(home)}
    done = subprocess.run(
        command, env=environment, cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _read(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(database, read_only=True) as connection:
        return {name: connection.execute(sql).fetchall() for name, sql in QUERIES.items()}


def _add_cases(database: Path) -> None:
    midnight = datetime(2026, 3, 14)  # noqa: DTZ001 - the warehouse keeps UTC without a zone
    with duckdb.connect(database) as connection:
        connection.execute(
            "insert into raw.accounts values ('A-X', 'Nobody Yet ', 'Team', 19, ?)", [midnight]
        )
        cases = [*CONSENTS, *ADDRESSES]
        for number, case in enumerate(cases):
            customer = f"X-{number}"
            email = case if case in ADDRESSES else "case@example.com"
            for hour, address in ((9, email), (8, "older@example.com")):
                connection.execute(
                    "insert into raw.customers values (?, 'A-000001', 'A', 'B', ?, 1, ?, ?)",
                    [customer, address, midnight, midnight + timedelta(hours=hour)],
                )
            for status, decided, received in CONSENTS.get(case, ([], ""))[0]:
                connection.execute(
                    "insert into raw.consent_events values "
                    "(uuid()::varchar, ?, 'customer_success', 'crm', 'crm', ?, ?, ?)",
                    [
                        customer,
                        status,
                        midnight + timedelta(hours=decided),
                        midnight + timedelta(hours=received),
                    ],
                )


def _refill_marts(home: Path) -> None:
    """Fill the marts from the models that dbt compiled, which is faster than another build."""
    models = home / "target" / "compiled" / "company" / "models" / "marts"
    with duckdb.connect(home / "warehouse.duckdb") as connection:
        for mart in (
            "customer_churn",
            "customer_consent",
            "customer_health",
            "account_health",
            "customer_reengagement",
            "customer_lead",
        ):
            select = (models / f"{mart}.sql").read_text(encoding="utf-8")
            connection.execute(f"create or replace table marts.{mart} as {select}")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build day 1 with the known cases, then day 2, then fill day 2 once more hours later."""
    home = tmp_path_factory.mktemp("home")
    database = home / "warehouse.duckdb"
    results, output = {}, {}
    generate(database, rows=ROWS, day=1, now=NOW)
    _add_cases(database)
    output["day 1"] = _dbt_build(home)
    results["day 1"] = _read(database)
    generate(database, rows=ROWS, day=2, now=NOW + timedelta(minutes=3))
    output["day 2"] = _dbt_build(home)
    results["day 2"] = _read(database)
    generate(database, rows=ROWS, day=2, now=NOW + timedelta(hours=11))
    _refill_marts(home)
    results["day 2, later"] = _read(database)
    return Build(results, output)


def _customer(case: str) -> str:
    return f"X-{[*CONSENTS, *ADDRESSES].index(case)}"


def _payloads(build: Build, name: str, mart: str = "churn") -> dict[str, tuple[Any, ...]]:
    rows = build.rows(name, mart)
    payloads = {row[0]: row[1:] for row in rows}
    assert len(payloads) == len(rows)
    return payloads


def test_every_customer_has_one_row(build: Build) -> None:
    """Churn and leads have one row for each customer of the raw data, whatever the repetitions."""
    for name in ("day 1", "day 2"):
        customers = {row[0] for row in build.rows(name, "raw customers")}
        assert set(_payloads(build, name)) == customers
        assert set(_payloads(build, name, "leads")) == customers


def test_consent_has_one_row_a_person_purpose_and_channel(build: Build) -> None:
    """The consent mart holds one status for each person, purpose and channel."""
    rows = build.rows("day 1", "consent")
    assert len({row[:3] for row in rows}) == len(rows)
    assert {row[1:3] for row in rows} == {
        ("customer_success", "crm"),
        ("customer_success", "email"),
        ("marketing", "email"),
    }


@pytest.mark.parametrize("case", CONSENTS)
def test_consent_is_resolved(build: Build, case: str) -> None:
    """The latest decision holds; at the same instant the least permissive one does."""
    customer = _customer(case)
    statuses = [row[3] for row in build.rows("day 1", "consent") if row[0] == customer]
    assert statuses == [CONSENTS[case][1]]


@pytest.mark.parametrize("typed", ADDRESSES)
def test_addresses_are_cleaned(build: Build, typed: str) -> None:
    """The latest state's address stands in lower case, or is null if it is none."""
    assert _payloads(build, "day 1")[_customer(typed)][2] == ADDRESSES[typed]


def test_consent_shares_are_those_of_a_real_company(build: Build) -> None:
    """Most people agreed; some refused, some are unknown, and some were never asked."""
    customers = {row[0] for row in build.rows("day 1", "raw customers") if row[0] < "X"}
    statuses = [
        row[3]
        for row in build.rows("day 1", "consent")
        if row[0] in customers and row[1:3] == ("customer_success", "crm")
    ]
    assert 0.06 < statuses.count("denied") / ROWS < 0.10
    assert 0.02 < statuses.count("unknown") / ROWS < 0.045
    assert 0.04 < 1 - len(statuses) / ROWS < 0.08


def test_scores_spread_over_bands_and_reasons(build: Build) -> None:
    """Every band and at least five reasons occur, and no reason is longer than its field."""
    payloads = [row for key, row in _payloads(build, "day 1").items() if key < "X"]
    bands = [row[4] for row in payloads]
    assert 0.02 < bands.count("High") / ROWS < 0.15
    assert 0.15 < bands.count("Medium") / ROWS < 0.45
    assert bands.count("Low") / ROWS > 0.4
    reasons = {row[5] for row in payloads}
    assert len(reasons) >= 5
    assert max(map(len, reasons)) <= 255


def test_leads_spread_over_stages_and_grades(build: Build) -> None:
    """Every stage, grade and reason occurs, and no reason is longer than its field."""
    leads = [row for key, row in _payloads(build, "day 1", "leads").items() if key < "X"]
    assert {row[3] for row in leads} == set(STAGES)
    assert {row[5] for row in leads} == set("ABCD")
    assert len({row[6] for row in leads}) == 4
    assert max(len(row[6]) for row in leads) <= 255


def test_the_segment_is_who_is_likely_to_leave_and_can_be_written_to(build: Build) -> None:
    """Every customer of the highest band with an address is in it, and nobody else."""
    for name in ("day 1", "day 2"):
        rows = _payloads(build, name)
        wanted = {key: row[3] for key, row in rows.items() if row[4] == "High" and row[2]}
        assert dict(build.rows(name, "at risk")) == wanted
        assert wanted


def test_the_segment_moves(build: Build) -> None:
    """Between the days some customers come into the segment, and most stay where they were."""
    before, after = (
        {key for key, _ in build.rows(name, "at risk") if key < "X"} for name in ("day 1", "day 2")
    )
    assert after - before
    assert len(after ^ before) < 0.25 * len(before)


def test_a_lifecycle_only_moves_forward(build: Build) -> None:
    """No stage of the second day lies before that of the first; HubSpot would refuse it."""
    before, after = (_payloads(build, name, "leads") for name in ("day 1", "day 2"))
    moves = [
        STAGES.index(after[key][3]) - STAGES.index(row[3])
        for key, row in before.items()
        if key < "X"
    ]
    assert min(moves) == 0
    assert max(moves) > 0


def test_a_few_names_are_missing(build: Build) -> None:
    """Blank names stay null, so that a null policy has something to do."""
    payloads = [row for key, row in _payloads(build, "day 1").items() if key < "X"]
    missing = [row for row in payloads if row[0] is None or row[1] is None]
    assert 0 < len(missing) < 0.01 * ROWS


def test_the_second_day_changes_a_few(build: Build) -> None:
    """Between the days 5 to 20 in a hundred change, a few join and nobody is lost."""
    before = {key: row for key, row in _payloads(build, "day 1").items() if key < "X"}
    after = _payloads(build, "day 2")
    assert set(before) <= set(after)
    assert 0.003 <= (len(after) - len(before)) / ROWS <= 0.01
    changed = {key for key, row in before.items() if after[key] != row}
    assert 0.05 < len(changed) / ROWS < 0.20
    busy = {row[0] for row in build.rows("day 2", "busy on the last day")}
    assert changed <= busy
    leads, moved = (_payloads(build, name, "leads") for name in ("day 1", "day 2"))
    changed = {key for key, row in leads.items() if key < "X" and moved[key] != row}
    assert 0.01 < len(changed) / ROWS < 0.20
    assert changed <= busy


def test_the_second_day_changes_consents_both_ways(build: Build) -> None:
    """Between the days some people withdraw and some return."""
    before, after = (
        {row[:3]: row[3] for row in build.rows(name, "consent") if row[0] < "X"}
        for name in ("day 1", "day 2")
    )
    turns = [(status, after[key]) for key, status in before.items() if after[key] != status]
    assert turns.count(("granted", "denied")) > 0
    assert turns.count(("denied", "granted")) > 0
    assert len(turns) < 0.05 * ROWS


def test_time_alone_changes_nothing(build: Build) -> None:
    """The same day built eleven hours later has the same payloads and the same consents."""
    for mart in ("churn", "leads"):
        assert _payloads(build, "day 2, later", mart) == _payloads(build, "day 2", mart)
    for mart in ("consent", "health", "accounts"):
        assert set(build.rows("day 2, later", mart)) == set(build.rows("day 2", mart))


def test_health_follows_who_is_likely_to_leave(build: Build) -> None:
    """Each customer has a name, its account and a health that is the churn score turned round."""
    churn = _payloads(build, "day 1")
    bands = {"High": "poor", "Medium": "fair", "Low": "good"}
    rows = build.rows("day 1", "health")
    assert {row[0] for row in rows} == set(churn)
    for customer, _, name, email, _, health, score in rows:
        first, last, address, churn_score, band = churn[customer][:5]
        assert name == (" ".join(part for part in (first, last) if part) or None)
        assert (email, health, score) == (address, bands[band], 100 - churn_score)


def test_an_account_is_the_mean_of_its_customers(build: Build) -> None:
    """Every account has a row; without a customer its health is not known, and it is no risk."""
    account_of = dict(build.rows("day 1", "accounts of customers"))
    members: dict[str, list[tuple[Any, ...]]] = {}
    for row in build.rows("day 1", "health"):
        members.setdefault(account_of[row[0]], []).append(row)
    accounts = build.rows("day 1", "accounts")
    assert len(accounts) == len({row[1] for row in accounts}) == ROWS // 5 + 1
    assert {row[3] for row in accounts} == {"good", "fair", "poor", None}
    assert [row[0] for row in accounts if row[3] is None] == ["A-X"]
    for account, _, plan, health, score, at_risk, customers, seats, value in accounts:
        rows = members.get(account, [])
        assert customers == len(rows)
        assert at_risk == (health == "poor")
        assert {row[4] for row in rows} <= {plan}
        if rows:
            mean = sum(row[6] for row in rows) / len(rows)
            assert abs(mean - score) <= Decimal("0.01")
        else:
            assert (health, score, seats, value) == (None, None, 0, 0)


def test_the_snapshot_dates_both_marts(build: Build) -> None:
    """Version and freshness are the moment up to which the data reaches, not the machine's."""
    scored, loaded, decided = build.rows("day 2, later", "times")[0]
    moment = (NOW + timedelta(hours=11)).replace(tzinfo=None)
    assert (scored, loaded) == ([moment], [moment])
    assert decided <= moment


def test_columns_are_as_promised(build: Build) -> None:
    """The marts are tables with these columns, types and nulls."""
    assert build.rows("day 1", "columns") == [
        ("account_health", "account_id", "VARCHAR", "NO"),
        ("account_health", "account_name", "VARCHAR", "NO"),
        ("account_health", "plan", "VARCHAR", "NO"),
        ("account_health", "health", "VARCHAR", "YES"),
        ("account_health", "health_score", "DECIMAL(5,2)", "YES"),
        ("account_health", "at_risk", "BOOLEAN", "NO"),
        ("account_health", "customers", "INTEGER", "NO"),
        ("account_health", "seats", "INTEGER", "NO"),
        ("account_health", "monthly_value", "DECIMAL(12,2)", "NO"),
        ("account_health", "measured_at", "TIMESTAMP", "NO"),
        ("at_risk_customers", "customer_id", "VARCHAR", "NO"),
        ("at_risk_customers", "churn_score", "DECIMAL(5,2)", "NO"),
        ("at_risk_customers", "scored_at", "TIMESTAMP", "NO"),
        ("customer_churn", "customer_id", "VARCHAR", "NO"),
        ("customer_churn", "account_name", "VARCHAR", "NO"),
        ("customer_churn", "first_name", "VARCHAR", "YES"),
        ("customer_churn", "last_name", "VARCHAR", "YES"),
        ("customer_churn", "email", "VARCHAR", "YES"),
        ("customer_churn", "churn_score", "DECIMAL(5,2)", "NO"),
        ("customer_churn", "churn_band", "VARCHAR", "NO"),
        ("customer_churn", "churn_reason", "VARCHAR", "NO"),
        ("customer_churn", "monthly_value", "DECIMAL(12,2)", "NO"),
        ("customer_churn", "scored_at", "TIMESTAMP", "NO"),
        ("customer_consent", "customer_id", "VARCHAR", "NO"),
        ("customer_consent", "purpose", "VARCHAR", "NO"),
        ("customer_consent", "channel", "VARCHAR", "NO"),
        ("customer_consent", "status", "VARCHAR", "NO"),
        ("customer_consent", "as_of", "TIMESTAMP", "NO"),
        ("customer_consent", "loaded_at", "TIMESTAMP", "NO"),
        ("customer_health", "customer_id", "VARCHAR", "NO"),
        ("customer_health", "account_id", "VARCHAR", "NO"),
        ("customer_health", "full_name", "VARCHAR", "YES"),
        ("customer_health", "email", "VARCHAR", "YES"),
        ("customer_health", "plan", "VARCHAR", "NO"),
        ("customer_health", "health", "VARCHAR", "NO"),
        ("customer_health", "health_score", "DECIMAL(5,2)", "NO"),
        ("customer_health", "measured_at", "TIMESTAMP", "NO"),
        ("customer_lead", "customer_id", "VARCHAR", "NO"),
        ("customer_lead", "first_name", "VARCHAR", "YES"),
        ("customer_lead", "last_name", "VARCHAR", "YES"),
        ("customer_lead", "email", "VARCHAR", "YES"),
        ("customer_lead", "lifecycle_stage", "VARCHAR", "NO"),
        ("customer_lead", "lead_score", "INTEGER", "NO"),
        ("customer_lead", "lead_grade", "VARCHAR", "NO"),
        ("customer_lead", "lead_reason", "VARCHAR", "NO"),
        ("customer_lead", "seats", "INTEGER", "NO"),
        ("customer_lead", "scored_at", "TIMESTAMP", "NO"),
        ("customer_reengagement", "customer_id", "VARCHAR", "NO"),
        ("customer_reengagement", "first_name", "VARCHAR", "YES"),
        ("customer_reengagement", "email", "VARCHAR", "YES"),
        ("customer_reengagement", "reengagement_stage", "VARCHAR", "NO"),
        ("customer_reengagement", "reengagement_reason", "VARCHAR", "YES"),
        ("customer_reengagement", "churn_band", "VARCHAR", "NO"),
        ("customer_reengagement", "monthly_value", "DECIMAL(12,2)", "NO"),
        ("customer_reengagement", "email_opt_out", "VARCHAR", "YES"),
        ("customer_reengagement", "segmented_at", "TIMESTAMP", "NO"),
    ]
    assert set(build.rows("day 1", "relations")) == {
        ("raw", "BASE TABLE"),
        ("staging", "VIEW"),
        ("scoring", "VIEW"),
        ("marts", "BASE TABLE"),
    }


def test_the_segment_holds_everybody_who_ever_came(build: Build) -> None:
    """Each customer with use has one row, whatever the stage, so that nobody drops out of it."""
    for name in ("day 1", "day 2"):
        rows = build.rows(name, "segment")
        assert len({row[0] for row in rows}) == len(rows)
        assert {row[0] for row in rows} == {
            row[0] for row in build.rows(name, "customers with use")
        }


def test_the_stages_of_the_segment_are_a_campaign_s(build: Build) -> None:
    """Most people are at none, some are reminded, few are won back."""
    stages = [row[3] for row in build.rows("day 1", "segment")]
    assert 0.5 < stages.count("none") / len(stages) < 0.95
    assert 0.02 < stages.count("remind") / len(stages) < 0.4
    assert 0.005 < stages.count("win_back") / len(stages) < 0.2


def test_the_segment_changes_only_with_what_people_do(build: Build) -> None:
    """Time alone changes no row of it, and a day only those who did something or decided anew."""
    before, after, later = (
        {row[0]: row for row in build.rows(name, "segment")}
        for name in ("day 1", "day 2", "day 2, later")
    )
    assert later == after
    refused = {
        name: {row[0] for row in build.rows(name, "refused marketing")}
        for name in ("day 1", "day 2")
    }
    changed = {key for key, row in before.items() if after[key] != row}
    busy = {row[0] for row in build.rows("day 2", "busy on the last day")}
    assert changed <= busy | (refused["day 1"] ^ refused["day 2"])
    assert 0 < len(changed) < 0.25 * ROWS


def test_the_segment_only_ever_unsubscribes(build: Build) -> None:
    """The word for an opt-out stands with those who refused; with all others stands nothing."""
    refused = {row[0] for row in build.rows("day 1", "refused marketing")}
    for key, *_, opt_out in build.rows("day 1", "segment"):
        assert opt_out == ("unsubscribed" if key in refused else None)


def test_every_build_is_clean(build: Build) -> None:
    """All models are built and all tests pass, without a warning."""
    for output in build.output.values():
        assert "WARN=0 ERROR=0 SKIP=0" in output
