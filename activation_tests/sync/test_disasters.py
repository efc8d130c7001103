"""Twelve disasters: each stopped by its gate, with no write in the vendor's own log."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from activation.errors import Refused
from activation.gates.verdict import Gate
from activation_tests.sync.project import Project

CHURN, CONSENT = "main_marts.customer_churn", "main_marts.customer_consent"
TABLES = (CHURN, CONSENT)


def _every_row(project: Project, **columns: str) -> None:
    sets = ", ".join(f"{name} = {value}" for name, value in columns.items())
    project.sql(f"UPDATE {CHURN} SET {sets}")  # noqa: S608


def _rekey(project: Project, key: str) -> None:
    for table in TABLES:
        project.sql(f"UPDATE {table} SET customer_id = {key}")  # noqa: S608


def _empty_model(project: Project) -> None:
    project.sql(f"DELETE FROM {CHURN}")  # noqa: S608


def _half_the_model(project: Project) -> None:
    project.sql(f"DELETE FROM {CHURN} WHERE churn_score < 50")  # noqa: S608


def _join_fan_out(project: Project) -> None:
    project.sql(f"INSERT INTO {CHURN} FROM {CHURN} WHERE churn_band = 'High'")


def _reminted_keys(project: Project) -> None:
    _rekey(project, "format('C-{:07d}', 5000 + CAST(customer_id[3:] AS INTEGER))")


def _all_null_column(project: Project) -> None:
    # An empty value of this field leaves what is there, so that no other gate would see it.
    _every_row(project, monthly_value="NULL")


def _stale_snapshot(project: Project) -> None:
    _every_row(
        project, scored_at="scored_at - INTERVAL 1 DAY", churn_reason="'Uses it as a day ago.'"
    )


def _changed_unit(project: Project) -> None:
    _every_row(project, monthly_value="monthly_value * 100")


def _swapped_columns(project: Project) -> None:
    _every_row(project, first_name="email", email="first_name")


def _time_zone_shift(project: Project) -> None:
    _every_row(project, scored_at="scored_at + INTERVAL 8 HOUR")


def _case_folded_keys(project: Project) -> None:
    _rekey(project, "lower(customer_id)")


def _test_data(project: Project) -> None:
    for n in range(5):
        project.sql(
            f"INSERT INTO {CHURN} SELECT 'TEST-{n}', 'Test', 'Test', 'test{n}@example.com', 1, "  # noqa: S608
            f"'Low', 'Test.', 1, max(scored_at) FROM {CHURN}"
        )
        project.sql(
            f"INSERT INTO {CONSENT} SELECT 'TEST-{n}', purpose, channel, status, as_of, loaded_at "  # noqa: S608
            f"FROM {CONSENT} LIMIT 1"
        )


def _truncated_table(project: Project) -> None:
    project.sql(f"DELETE FROM {CHURN} WHERE customer_id >= 'C-00970'")  # noqa: S608


DISASTERS: dict[str, tuple[Gate, Callable[[Project], None]]] = {
    "empty model": (Gate.BLAST_RADIUS, _empty_model),
    "half the model": (Gate.BLAST_RADIUS, _half_the_model),
    "join fan-out": (Gate.GRAIN, _join_fan_out),
    "re-minted keys": (Gate.GRAIN, _reminted_keys),
    "all-null column": (Gate.DISTRIBUTION, _all_null_column),
    "stale snapshot": (Gate.FRESHNESS, _stale_snapshot),
    "changed unit": (Gate.DISTRIBUTION, _changed_unit),
    "swapped columns": (Gate.DISTRIBUTION, _swapped_columns),
    "time zone shift": (Gate.FRESHNESS, _time_zone_shift),
    "case-folded keys": (Gate.GRAIN, _case_folded_keys),
    "test data": (Gate.DISTRIBUTION, _test_data),
    "truncated table": (Gate.BLAST_RADIUS, _truncated_table),
}


@pytest.mark.parametrize("disaster", DISASTERS)
def test_a_disaster_costs_no_write(delivered: Project, disaster: str) -> None:
    """After a good run, on a day on which some rows did change, the gate stops all of it."""
    gate, strike = DISASTERS[disaster]
    delivered.score_again(changed=10)
    strike(delivered)

    planned = delivered.plan()
    with pytest.raises(Refused, match=gate.value) as refused:
        delivered.deliver()

    failed = {verdict.gate: verdict for verdict in planned.verdicts if not verdict.passed}
    assert gate in failed
    assert all(verdict.next_step for verdict in failed.values())
    assert "nothing was sent" in refused.value.message
    assert delivered.writes() == []
