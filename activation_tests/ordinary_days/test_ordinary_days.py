"""A few ordinary days in the suite; `make ordinary-days` plays ninety of every contract."""

from __future__ import annotations

from pathlib import Path

from activation_tests.ordinary_days.__main__ import told
from activation_tests.ordinary_days.days import Company

DAYS = 8


def test_no_ordinary_day_is_stopped(tmp_path: Path) -> None:
    """Growth, a weekend and changed minds stop nothing, also once the last plans are known."""
    company = Company(tmp_path, rows=300, seed=7, syncs=frozenset({"salesforce_contact"}))

    days = list(company.live(DAYS))

    report = told(days, 300, DAYS, 7)
    assert report["false_stops"] == []
    assert report["plans"] == DAYS
    assert all(day.to_send > 0 for day in days)
    nearest = report["share_of_each_limit_used_at_most"]["salesforce_contact"]
    assert 0 < nearest["changed_usual"] <= 1
    assert 0 < nearest["distribution"] <= 1
