"""Thirty drifts, on both sides and over all vendors: each stopped before the first write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from activation.contract.loading import load_contract
from activation.contract.model import Contract, FieldKind
from activation.errors import ActivationError, ContractError, Refused, Unavailable
from activation.gates.verdict import Gate
from activation.sandbox.client import Sandbox
from activation.sandbox.rehearsal import make_ready
from activation.sandbox.server import running
from activation_tests.ordinary_days.days import carry_out
from activation_tests.sync.project import (
    CONSENT,
    ROOT,
    LeapingClock,
    Project,
    make_project,
    opened_project,
)

ROWS = 20
NEEDED = {"zendesk_user": ("zendesk_organization",)}
"""What a contract names beside itself."""
_TYPES = {
    FieldKind.TEXT: "varchar",
    FieldKind.INTEGER: "integer",
    FieldKind.BOOLEAN: "boolean",
    FieldKind.DATE: "date",
    FieldKind.TIMESTAMP: "timestamp",
}
_CHOSEN = {
    "churn_band": "'High'",
    "lifecycle_stage": "'lead'",
    "lead_grade": "'A'",
    "plan": "'team'",
    "health": "'good'",
    "reengagement_stage": "'remind'",
    "email": "'c' || i || '@example.com'",
    "account_id": "NULL",
    "email_opt_out": "NULL",
}
"""Values of columns that the vendors restrict."""
GUARDS = {"changed": "100%", "created": "100%"}
"""Every row is to be sent, so that every value meets the destination's description."""


@dataclass
class Desk:
    """A contract of a vendor after its first run, and the model as it was then."""

    project: Project
    contract: Contract

    @property
    def model(self) -> str:
        """Return the model's table."""
        return f"main_marts.{self.contract.source.model}"

    def sql(self, change: str) -> None:
        """Change the model's table."""
        self.project.sql(f"ALTER TABLE {self.model} {change}")

    def edit(self, field: str, **changes: Any) -> None:
        """Change a field of the destination as an administrator does."""
        system, target = self.contract.destination.connection, self.contract.destination.object
        if system == "braze":
            self.project.sandbox.call("PATCH", f"braze/attributes/{field}", changes)
        else:
            self.project.sandbox.edit_field(target, field, system, **changes)

    def admin(self, method: str, path: str, **body: Any) -> None:
        """Do something else in the account."""
        self.project.sandbox.call(method, path, body)


def _desk(root: Path, ledger: Path, sync: str, address: str, clock: LeapingClock) -> Iterator[Desk]:
    contract = load_contract(ROOT / "activation" / "defs" / sync / "defs.yaml")
    source = contract.source
    columns = {
        source.grain[0]: "varchar",
        source.version: "timestamp",
        **{f.column: _TYPES.get(f.type.kind, str(f.type)) for f in contract.fields},
    }
    models = {source.model: columns, "customer_consent": CONSENT}
    for reference in contract.freshness.references:
        models[reference.model] = {reference.column: "timestamp"}
    with opened_project(
        make_project(root, ledger, sync=sync, models=models, beside=NEEDED.get(sync, ())),
        Sandbox(address),
        sync=sync,
    ) as project:
        project.clock = clock
        desk = Desk(project, contract)
        project.edit_contract(lambda attributes: attributes["guards"].update(GUARDS))
        _fill(desk, columns)
        project.open_phase()
        planned = project.plan()
        assert planned.passed, [v.summary for v in planned.verdicts if not v.passed]
        with project.services() as services:
            carry_out(services, planned)
        _move_on(desk)
        project.sql(f"CREATE TABLE main_marts.kept AS FROM {desk.model}")
        yield desk


def _fill(desk: Desk, columns: dict[str, str]) -> None:
    at = "TIMESTAMP '2026-01-10 10:00:00'"
    kinds = {"varchar": "'x' || i", "timestamp": at, "integer": "i", "boolean": "true"}
    values = {column: kinds.get(kind, "i + 0.25") for column, kind in columns.items()}
    key = desk.contract.source.grain[0]
    values |= {c: v for c, v in _CHOSEN.items() if c in values} | {key: "format('C-{:05d}', i)"}
    desk.project.sql(
        f"INSERT INTO {desk.model} ({', '.join(values)}) SELECT {', '.join(values.values())} "  # noqa: S608
        f"FROM range({ROWS}) AS r(i)"
    )
    for reference in desk.contract.freshness.references:
        desk.project.sql(f"INSERT INTO main_marts.{reference.model} VALUES ({at})")  # noqa: S608
    consent: Any = desk.contract.consent
    desk.project.sql(
        "INSERT INTO main_marts.customer_consent SELECT format('C-{:05d}', i), $purpose, $channel, "
        "'granted', TIMESTAMP '2026-01-10 10:00:00', TIMESTAMP '2026-01-10 10:00:00' "
        "FROM range($rows) AS r(i)",
        {"purpose": consent.purpose, "channel": consent.channel, "rows": ROWS},
    )


def _move_on(desk: Desk) -> None:
    """Let every row have something new to say, in a field that no drift is about."""
    moved = next(
        f.column
        for f in desk.contract.fields
        if f.type.kind is FieldKind.TEXT and f.column not in _CHOSEN
    )
    version = desk.contract.source.version
    desk.project.sql(
        f"UPDATE {desk.model} SET {moved} = 'y' || {moved}[2:], "  # noqa: S608
        f"{version} = {version} + INTERVAL 10 MINUTE"
    )


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory, migrated_ledger: Path) -> Iterator[Any]:
    """Return what opens the desk of a sync, once for all its drifts."""
    clock = LeapingClock()
    opened: dict[str, tuple[Desk, Iterator[Desk]]] = {}
    with running(tmp_path_factory.mktemp("vendors"), clock=clock) as address:
        make_ready(Sandbox(address))

        def desk(sync: str) -> Desk:
            if sync not in opened:
                root = tmp_path_factory.mktemp(sync) / "project"
                opening = _desk(root, migrated_ledger, sync, address, clock)
                opened[sync] = next(opening), opening
            return opened[sync][0]

        yield desk
        for _, opening in opened.values():
            next(opening, None)


S, H, Z, B = "salesforce_contact", "hubspot_contact", "zendesk_user", "braze_reengagement"
Drift = tuple[str, Callable[[Desk], None], type[ActivationError] | None]
"""The sync, what is changed, and the error if no plan comes about at all."""


def _stops(sync: str, change: Callable[[Desk], None]) -> Drift:
    return sync, change, None


def _without_scopes(desk: Desk, *scopes: str) -> None:
    for scope in scopes:
        desk.admin("DELETE", f"hubspot/scopes/{scope}")


def _renamed(desk: Desk) -> None:
    desk.edit("Churn_Reason__c", removed=True)
    desk.edit("Churn_Reasons__c", type="string", length=255)


DRIFTS: dict[str, Drift] = {
    # The destination.
    "Salesforce: field removed": _stops(S, lambda d: d.edit("Churn_Score__c", removed=True)),
    "Salesforce: field renamed": _stops(S, _renamed),
    "Salesforce: text shortened": _stops(S, lambda d: d.edit("Churn_Reason__c", length=200)),
    "Salesforce: key shortened": _stops(S, lambda d: d.edit("Customer_Key__c", length=5)),
    "Salesforce: digits taken": _stops(S, lambda d: d.edit("Monthly_Value__c", precision=8)),
    "Salesforce: decimals taken": _stops(S, lambda d: d.edit("Churn_Score__c", scale=1)),
    "Salesforce: picklist value gone": _stops(
        S, lambda d: d.edit("Churn_Band__c", picklistValues=["Low", "Medium"])
    ),
    "Salesforce: newly required": _stops(
        S, lambda d: d.edit("Region__c", type="string", length=20, nillable=False)
    ),
    "Salesforce: mapped field required": _stops(S, lambda d: d.edit("Email", nillable=False)),
    "Salesforce: field read-only": _stops(
        S, lambda d: d.edit("Email", updateable=False, createable=False)
    ),
    "Salesforce: no more creations": _stops(
        S, lambda d: d.project.sandbox.permit("Contact", createable=False)
    ),
    "Salesforce: key no longer unique": _stops(
        S, lambda d: d.edit("Customer_Key__c", unique=False)
    ),
    "HubSpot: property removed": _stops(H, lambda d: d.edit("lead_score", removed=True)),
    "HubSpot: property retyped": _stops(H, lambda d: d.edit("lead_score", type="string")),
    "HubSpot: option gone": _stops(
        H, lambda d: d.edit("lead_grade", options=[{"label": "B", "value": "B"}])
    ),
    "HubSpot: property read-only": _stops(H, lambda d: d.edit("lead_score", readOnlyValue=True)),
    "HubSpot: scope lost": (
        H,
        lambda d: _without_scopes(d, "crm.schemas.contacts.read", "crm.objects.contacts.read"),
        Unavailable,
    ),
    "Zendesk: field removed": _stops(
        Z, lambda d: d.edit("plan", type="dropdown", active=False, options=["team"])
    ),
    "Zendesk: field retyped": _stops(Z, lambda d: d.edit("health_score", type="checkbox")),
    "Zendesk: option gone": _stops(
        Z, lambda d: d.edit("health", type="dropdown", options=["fair", "poor"])
    ),
    "Zendesk: scope lost": (
        Z,
        lambda d: d.admin("DELETE", "zendesk/scopes", scope="read"),
        Unavailable,
    ),
    "Braze: attribute blocked": _stops(
        B, lambda d: d.edit("reengagement_stage", status="Blocklisted")
    ),
    "Braze: attribute retyped": _stops(B, lambda d: d.edit("churn_band", data_type="Number")),
    "Braze: permission lost": (
        B,
        lambda d: d.admin("POST", "braze/permissions", withheld=["custom_attributes.get"]),
        Unavailable,
    ),
    # The warehouse.
    "source: column removed": _stops(S, lambda d: d.sql("DROP COLUMN churn_band")),
    "source: column renamed": _stops(S, lambda d: d.sql("RENAME churn_band TO band")),
    "source: column retyped": _stops(
        S, lambda d: d.sql("ALTER churn_score TYPE VARCHAR USING churn_score || ' points'")
    ),
    "source: column of no use": _stops(
        H, lambda d: d.sql("ALTER lead_score TYPE DATE USING DATE '2026-01-01' + lead_score")
    ),
    "source: digits lost": _stops(S, lambda d: d.sql("ALTER monthly_value TYPE DECIMAL(12,1)")),
    "source: key retyped": _stops(
        B, lambda d: d.sql("ALTER customer_id TYPE INTEGER USING CAST(customer_id[3:] AS INTEGER)")
    ),
    "source: version no time": (
        Z,
        lambda d: d.sql("ALTER measured_at TYPE VARCHAR"),
        ContractError,
    ),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_drift_stops_the_sync(desks: Callable[[str], Desk], drift: str) -> None:
    """Whichever side changed, nothing is written; what changed is told with since when."""
    sync, change, error = DRIFTS[drift]
    desk = desks(sync)
    project = desk.project
    project.requests()
    change(desk)
    try:
        if error is not None:
            with pytest.raises(error):
                project.plan()
            return
        planned = project.plan()
        failed = {v.gate: v for v in planned.verdicts if not v.passed}
        with pytest.raises(Refused, match="was stopped by its gates"):
            project.deliver()
    finally:
        written = [entry for entry in project.requests() if entry["rows"]]
        _undo(desk)

    # Without a drift nothing stops it; see below.
    assert failed.keys() & {Gate.SCHEMA, Gate.GRAIN}
    if Gate.SCHEMA in failed and "required" not in drift:
        assert "seen since 2026-01-10" in failed[Gate.SCHEMA].summary
    assert written == []


@pytest.mark.parametrize("sync", [S, H, Z, B])
def test_without_a_drift_the_sync_goes_on(desks: Callable[[str], Desk], sync: str) -> None:
    """The very same change of the rows passes every gate while both sides are as they were."""
    planned = desks(sync).project.plan()

    assert [v.summary for v in planned.verdicts if not v.passed] == []
    assert planned.plan.blast.changed == ROWS


def _undo(desk: Desk) -> None:
    """Put both sides back as they were."""
    desk.project.sql(f"DROP TABLE {desk.model}")
    desk.project.sql(f"CREATE TABLE {desk.model} AS FROM main_marts.kept")
    sandbox = desk.project.sandbox
    sandbox.reset()
    make_ready(sandbox)


def test_there_are_thirty_of_them() -> None:
    """Both sides and all four vendors are among them."""
    assert len(DRIFTS) >= 30
    assert {sync for sync, _, _ in DRIFTS.values()} == {S, H, Z, B}
