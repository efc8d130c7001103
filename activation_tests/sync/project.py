"""A project as small as one can be: the contract of the demo, a warehouse made without dbt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from activation.contract.model import Contract
from activation.delivery.order import BOUNDS
from activation.sandbox import leaping_clock
from activation.sandbox.client import Sandbox
from activation.settings import Settings
from activation.sync import Delivered, Planned, Sync, find_contract, open_services
from activation.sync.services import Services

ROOT = Path(__file__).parents[2]
SYNC = "salesforce_contact"
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)

_COPIED = (
    "workspace.yaml",
    "activation/connections.yaml",
    "dbt_project/dbt_project.yml",
    "dbt_project/profiles.yml",
)
Columns = Mapping[str, Mapping[str, str]]
"""The models of a project: their columns and types, by name."""

CONSENT = {
    "customer_id": "varchar",
    "purpose": "varchar",
    "channel": "varchar",
    "status": "varchar",
    "as_of": "timestamp",
    "loaded_at": "timestamp",
}
_MODELS: Columns = {
    "customer_churn": {
        "customer_id": "varchar",
        "first_name": "varchar",
        "last_name": "varchar",
        "email": "varchar",
        "churn_score": "decimal(5,2)",
        "churn_band": "varchar",
        "churn_reason": "varchar",
        "monthly_value": "decimal(12,2)",
        "scored_at": "timestamp",
    },
    "customer_consent": CONSENT,
}


class LeapingClock(leaping_clock.LeapingClock):
    """A clock that leaps over every wait of a delivery but the looks at the switch."""

    def __init__(self, start: datetime = NOW) -> None:
        super().__init__(start, glances=BOUNDS.watch_seconds)


@dataclass
class Project:
    """A folder with contract, manifest and warehouse, and the sandbox that it sends to."""

    root: Path
    environment: Mapping[str, str]
    sandbox: Sandbox
    clock: LeapingClock
    warehouse: duckdb.DuckDBPyConnection
    """As long as this process has the file open, opening it again costs next to nothing."""
    sync: str = SYNC
    _runs: int = 0
    _seen: int = field(default=0)

    @property
    def settings(self) -> Settings:
        """Return where things stand."""
        return Settings.load(self.environment)

    @property
    def contract_file(self) -> Path:
        """Return the file of the only contract."""
        return self.root / "activation" / "defs" / self.sync / "defs.yaml"

    @property
    def contract(self) -> Contract:
        """Return the contract as the file has it now."""
        return find_contract(self.settings, self.sync)

    def enter(self, patch: pytest.MonkeyPatch) -> None:
        """Be the project of this process, at the machine's time, until the test ends."""
        for name, value in self.environment.items():
            patch.setenv(name, value)
        for name in ("ACTIVATION_TARGET", "ACTIVATION_LEDGER_URL", "DAGSTER_HOME"):
            patch.setenv(name, "")
        self.clock = LeapingClock(datetime.now(UTC))

    def edit_contract(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Write the contract anew after `change` was done to its attributes."""
        document = yaml.safe_load(self.contract_file.read_text())
        change(document["attributes"])
        self.contract_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def sql(self, statement: str, params: Mapping[str, Any] | None = None) -> list[Any]:
        """Run a statement as dbt would."""
        return self.warehouse.execute(statement, params).fetchall()

    def fill(self, rows: int, *, scored_at: datetime | None = None) -> None:
        """Build both models: so many customers, all of whom agreed."""
        at = _naive(scored_at or self.clock.now() - timedelta(hours=2))
        self.sql("DELETE FROM main_marts.customer_churn")
        self.sql("DELETE FROM main_marts.customer_consent")
        self.sql(
            "INSERT INTO main_marts.customer_churn SELECT format('C-{:05d}', i), "
            "'First' || i, 'Last' || i, 'c' || i || '@example.com', (i * 7) % 100, "
            "CASE WHEN (i * 7) % 100 < 50 THEN 'Low' ELSE 'High' END, 'Uses it less.', "
            "100 + i, $at FROM range($rows) AS r(i)",
            {"rows": rows, "at": at},
        )
        self.sql(
            "INSERT INTO main_marts.customer_consent SELECT format('C-{:05d}', i), "
            "'customer_success', 'crm', 'granted', $at, $at FROM range($rows) AS r(i)",
            {"rows": rows, "at": at},
        )

    def score_again(self, *, changed: int, after: timedelta = timedelta(minutes=10)) -> None:
        """Move the models on: every row has a newer version, the first ones a new reason."""
        self.sql(
            "UPDATE main_marts.customer_churn SET scored_at = scored_at + $after, "
            "churn_reason = CASE WHEN customer_id < format('C-{:05d}', $changed) "
            "THEN churn_reason || '.' ELSE churn_reason END",
            {"after": after, "changed": changed},
        )
        self.sql(
            "UPDATE main_marts.customer_consent SET loaded_at = loaded_at + $after",
            {"after": after},
        )

    def consent(self, customer: str, status: str) -> None:
        """Let a customer decide otherwise."""
        self.sql(
            "UPDATE main_marts.customer_consent SET status = $status WHERE customer_id = $c",
            {"status": status, "c": customer},
        )

    @contextmanager
    def services(self) -> Iterator[Services]:
        """Open ledger and warehouse."""
        with open_services(
            self.settings, clock=self.clock, environment=self.environment
        ) as services:
            yield services

    @contextmanager
    def open(self) -> Iterator[Sync]:
        """Open the sync as a new process would."""
        with self.services() as services:
            yield Sync(self.contract, services)

    def open_phase(self, phase: str = "full") -> None:
        """Open a phase of the rollout."""
        with self.services() as services:
            services.ledger.phases.open(self.sync, phase, reason="test", author="tests")

    def plan(self, phase: str = "full") -> Planned:
        """Plan, as the first half of a run."""
        self._runs += 1
        with self.open() as sync:
            return sync.plan(phase, run_id=f"run-{self._runs}")

    def deliver(self, phase: str = "full") -> Delivered:
        """Deliver the newest plan, as the second half of a run."""
        with self.open() as sync:
            return sync.deliver(phase, run_id=f"run-{self._runs}")

    def run(self, phase: str = "full") -> Delivered:
        """Plan and deliver."""
        planned = self.plan(phase)
        assert planned.passed, [v.summary for v in planned.verdicts if not v.passed]
        return self.deliver(phase)

    def requests(self, method: str | None = None) -> list[dict[str, Any]]:
        """Return what reached the vendor since the last call."""
        found = self.sandbox.requests(since=self._seen)
        self._seen = max((entry["id"] for entry in found), default=self._seen)
        return [entry for entry in found if method is None or entry["method"] == method]

    def writes(self) -> list[dict[str, Any]]:
        """Return the write requests that reached the vendor since the last call."""
        return self.requests("PATCH")

    def contact(self, key: str) -> dict[str, Any]:
        """Return the one record of a customer."""
        found = [r for r in self.sandbox.records("Contact") if r["Customer_Key__c"] == key]
        assert len(found) == 1, f"{len(found)} records of {key}"
        return found[0]


def unguarded(attributes: dict[str, Any]) -> None:
    """Let every row change and every value move, for tests in which bad data has to get out."""
    attributes["guards"] = {
        **dict.fromkeys(attributes["guards"], "100%"),
        "usual": {"least": "100%"},
        "distribution": {"shift": 1e9, "filled": "100%", "outside": "100%"},
    }


def make_project(
    root: Path,
    ledger: Path,
    *,
    sync: str = SYNC,
    models: Columns = _MODELS,
    beside: Iterable[str] = (),
) -> Path:
    """
    Make a project in a new folder and return it; its models have no rows yet.

    Args:
        root: the folder.
        ledger: a migrated ledger to copy; migrating each test's own takes longer than most tests.
        sync: its contract.
        models: what the contracts read.
        beside: the syncs whose contracts stand beside it.
    """
    contracts = [f"activation/defs/{name}/defs.yaml" for name in dict.fromkeys((sync, *beside))]
    for path in (*_COPIED, *contracts):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, root / path)
    manifest = root / "dbt_project" / "target" / "manifest.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps(_manifest(models)))
    home = root / "home"
    home.mkdir()
    shutil.copy(ledger, home / "ledger.db")
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        warehouse.execute("CREATE SCHEMA main_marts")
        for model, columns in models.items():
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            warehouse.execute(f"CREATE TABLE main_marts.{model} ({listed})")
    return root


@contextmanager
def opened_project(root: Path, sandbox: Sandbox, *, sync: str = SYNC) -> Iterator[Project]:
    """Open a project that stands in a folder; it sends to the sandbox."""
    environment = {
        "ACTIVATION_PROJECT": str(root),
        "ACTIVATION_HOME": str(root / "home"),
        "ACTIVATION_SANDBOX_PORT": sandbox.address.rpartition(":")[2],
    }
    with duckdb.connect(str(root / "home" / "warehouse.duckdb")) as warehouse:
        warehouse.execute("SET TimeZone = 'UTC'")
        yield Project(root, environment, sandbox, LeapingClock(), warehouse, sync)


def _manifest(models: Columns) -> dict[str, Any]:
    return {
        "nodes": {
            f"model.company.{model}": {
                "resource_type": "model",
                "name": model,
                "alias": model,
                "database": "warehouse",
                "schema": "main_marts",
                "relation_name": f'"warehouse"."main_marts"."{model}"',
                "columns": {
                    column: {"name": column, "data_type": kind} for column, kind in columns.items()
                },
            }
            for model, columns in models.items()
        }
    }


def _naive(moment: datetime) -> datetime:
    """Return a moment as dbt's timestamps hold it: in UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)
