"""All shipped contracts on one warehouse, one sandbox and one clock, filled without dbt."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from activation.contract.consent import Consent
from activation.contract.loading import load_contracts
from activation.contract.model import Contract, FieldKind, FieldMapping
from activation.contract.references import in_order
from activation.sync import Delivered, Planned, Sync
from activation_tests.sync.project import CONSENT, ROOT, Columns, Project

SHIPPED = in_order(load_contracts(ROOT / "activation" / "defs").values())
"""In the order in which they run."""
CUSTOMERS, ACCOUNTS = 450, 90
ASIDE = re.compile(
    r"/oauth|/token|/describe$|/properties|account-info|/custom_attributes|_fields$|"
    r"/lists/\d+$|/limits$|/schemas"
)
"""Requests that a run makes once, whatever its rows: for access, and to see the object."""

_SQL = {
    FieldKind.TEXT: "varchar",
    FieldKind.INTEGER: "integer",
    FieldKind.DECIMAL: "decimal(12,2)",
    FieldKind.BOOLEAN: "boolean",
}
# `b` moves with the day for every tenth row, `i` is the row's number. Accounts have five customers
# each; the mart of accounts has a row of each.
_ACCOUNT = "format('A-{:05d}', i)"
_VALUES = {
    "customer_id": "format('C-{:05d}', i)",
    "account_id": f"format('A-{{:05d}}', i // 5 % {ACCOUNTS})",
    "account_name": "'Account ' || i",
    "first_name": "'First' || i",
    "last_name": "'Last' || i",
    "full_name": "'First' || i || ' Last' || i",
    "email": "'c' || i || '@example.com'",
    "churn_score": "(i * 7 + b) % 100",
    "churn_band": "'Low'",
    "churn_reason": "'Uses it less.'",
    "reengagement_stage": "CASE WHEN (i + b) % 3 = 0 THEN 'remind' ELSE 'none' END",
    "reengagement_reason": "NULL",
    "email_opt_out": "NULL",
    "lifecycle_stage": "'lead'",
    "lead_score": "(i + b) % 100",
    "lead_grade": "'B'",
    "lead_reason": "'Uses it.'",
    "plan": "'team'",
    "health": "'good'",
    "health_score": "(i * 3 + b) % 100",
    "at_risk": "false",
    "customers": "3",
    "seats": "5 + b",
    "monthly_value": "100 + i + b",
}


def models() -> Columns:
    """Return the models that the contracts read, with the columns that they name."""
    found: dict[str, dict[str, str]] = {}
    for contract in SHIPPED:
        columns = found.setdefault(contract.source.model, {})
        columns |= dict.fromkeys(contract.source.grain, "varchar")
        columns |= {mapping.column: _kind(mapping) for mapping in contract.fields}
        columns[contract.source.version] = "timestamp"
        if isinstance(contract.consent, Consent):
            found |= {source.model: dict(CONSENT) for source in contract.consent.sources}
    return found


def _kind(mapping: FieldMapping) -> str:
    return _SQL[mapping.type.kind]


@dataclass(frozen=True, slots=True)
class Lived:
    """One run of one sync, and what the vendor counted meanwhile."""

    planned: Planned
    delivered: Delivered
    counted: int
    """Requests but those that are made once, whatever the rows."""

    @property
    def predicted(self) -> int:
        """Return the requests that the plan had foreseen, its own look-ups among them."""
        return self.planned.cost.lookups + self.planned.cost.total


@dataclass
class Company:
    """The project of all contracts."""

    project: Project
    customers: int = CUSTOMERS
    day: int = 0
    runs: int = field(default=0)

    def move_on(self) -> None:
        """Build the models of the next day: every tenth row is another, and some are new."""
        if self.day:
            self.project.clock.leap(self.project.clock.now() + timedelta(days=1))
        self.day += 1
        at = (self.project.clock.now() - timedelta(hours=2)).replace(tzinfo=None)
        more = 5 * (self.day - 1)
        for contract in SHIPPED:
            rows = ACCOUNTS if contract.source.grain == ("account_id",) else self.customers + more
            named = dict.fromkeys((*contract.source.grain, *(f.column for f in contract.fields)))
            values = _VALUES | ({"account_id": _ACCOUNT} if rows == ACCOUNTS else {})
            listed = ", ".join(f"{values[column]} AS {column}" for column in named)
            table = f"main_marts.{contract.source.model}"
            self.project.sql(f"DELETE FROM {table}")  # noqa: S608 - our own names
            self.project.sql(
                f"INSERT INTO {table} BY NAME SELECT {listed}, $at AS {contract.source.version} "  # noqa: S608
                "FROM (SELECT i, CASE WHEN i % 10 = 0 THEN $day ELSE 0 END AS b "
                "FROM range($rows) AS r(i))" + _members(contract),
                {"rows": rows, "day": self.day, "at": at},
            )
        self.project.sql("DELETE FROM main_marts.customer_consent")
        self.project.sql(
            "INSERT INTO main_marts.customer_consent SELECT format('C-{:05d}', i), purpose, "
            "channel, CASE WHEN $day > 1 AND i IN (1, 2, 3) THEN 'denied' ELSE 'granted' END, "
            "$at, $at FROM range($rows) AS r(i), (VALUES ('marketing', 'email'), "
            "('customer_success', 'crm')) AS p(purpose, channel)",
            {"rows": self.customers + more, "day": self.day, "at": at},
        )

    def run(self, contract: Contract) -> Lived:
        """Plan and deliver one sync in full, as a process of its own."""
        self.project.requests()
        self.runs += 1
        with self.project.services() as services:
            ledger, phase = services.ledger, contract.rollout.phases[-1].name
            ledger.phases.open(contract.sync, phase, reason="test", author="tests")
            sync = Sync(contract, services)
            planned = sync.plan(phase, run_id=f"run-{self.runs}")
            assert planned.passed, [v.summary for v in planned.verdicts if not v.passed]
            delivered = sync.deliver(phase, run_id=f"run-{self.runs}")
        assert delivered.stopped is None, delivered.stopped
        paths = Counter(entry["path"] for entry in self.project.requests())
        aside = sum(count for path, count in paths.items() if ASIDE.search(path))
        return Lived(planned, delivered, paths.total() - aside)


def _members(contract: Contract) -> str:
    """Return the condition under which a row is in the model of a segment."""
    return "" if contract.fields else " WHERE (i + b) % 3 = 0"
