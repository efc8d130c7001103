"""Whom a rollout reaches, and whom it never does, whatever is launched."""

from __future__ import annotations

from typing import Any

import pytest
from sqlglot import exp

from activation.contract.rollout import Rollout
from activation.errors import Refused
from activation.planning.keys import cohort_of, cohort_sql
from activation.warehouse.duckdb_file import in_memory
from activation.warehouse.sql import column, joined, named, text
from activation_tests.sync.project import Project

KEYS = 1_000_000
ROWS = 1500
SALT = "reach-1"
ROLLOUT = Rollout.model_validate(
    {
        "salt": SALT,
        "phases": [
            {"name": "canary", "share": "1%"},
            {"name": "early", "share": "5%"},
            {"name": "half", "share": "25%"},
            {"name": "full", "share": "98%"},
        ],
        "holdout": "2%",
    }
)


def test_a_million_keys_fall_into_nested_phases_of_the_right_size() -> None:
    """Each phase has its share within 0.2 points, and whoever is in one is in all wider ones."""
    with in_memory() as session:
        key = joined([exp.Literal.string("C-"), text(column("range", "r"))])
        cohort = cohort_sql(session.functions, key)
        cohorts = exp.select(named(cohort, "cohort")).from_(
            exp.Table(
                this=exp.Anonymous(this="RANGE", expressions=[exp.Literal.number(KEYS)]),
                alias=exp.TableAlias(this=exp.to_identifier("r", quoted=True)),
            )
        )
        found = session.fetch(cohorts, {"salt": SALT})["cohort"].to_pylist()
    counts = [sum(c < phase.share for c in found) / KEYS for phase in ROLLOUT.phases]

    assert len(found) == KEYS
    assert counts == sorted(counts)
    for phase, share in zip(ROLLOUT.phases, counts, strict=True):
        assert abs(share - phase.share) <= 0.002
    for number in (0, 1, 77, 999_999):
        assert found[number] == cohort_of(SALT, f"C-{number}")


def _with_rollout(contract: dict[str, Any]) -> None:
    contract["rollout"] = ROLLOUT.model_dump(mode="json")
    contract["guards"] |= {"changed": "100%", "created": "100%"}


def test_holdout_and_shut_phases_are_never_written(project: Project) -> None:
    """Runs, a plan for a phase that is not open, a resync: no key outside the phase is sent."""
    project.edit_contract(_with_rollout)
    project.fill(ROWS)
    project.open_phase("early")

    def reached() -> float:
        keys = [r["Customer_Key__c"] for r in project.sandbox.records("Contact")]
        return max(cohort_of(SALT, key.lower()) for key in keys)

    project.run("early")
    with pytest.raises(Refused, match="not open"):
        project.plan("half")
    assert reached() < 0.05
    project.open_phase("full")
    project.run("full")
    project.score_again(changed=ROWS)
    with project.open() as sync:
        sync.resync(reason="test", author="tests")
    project.run("full")

    written = {r["Customer_Key__c"] for r in project.sandbox.records("Contact")}
    expected = {key for n in range(ROWS) if cohort_of(SALT, (key := f"C-{n:05d}").lower()) < 0.98}
    assert reached() < 0.98
    assert written == expected
