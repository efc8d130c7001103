"""Counts, tables and sentences for the Dagster UI; never a personal value."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from activation.gates.verdict import Verdict
from activation.ledger.approvals import Approval
from activation.ledger.plans import VerdictRecord
from activation.planning.model import Disposition
from activation.reconciliation.findings import Finding
from activation.sync import Delivered, Planned

Metadata = dict[str, Any]


def of_plan(planned: Planned) -> Metadata:
    """
    Return what the plan asset shows.

    The numbers have stable names, so that the UI plots them over time.
    """
    plan = planned.plan
    failed = [verdict for verdict in planned.verdicts if not verdict.passed]
    return {
        "activation/planned": plan.rows(),
        "activation/to_send": plan.rows(Disposition.SEND),
        "activation/blocked": plan.rows(Disposition.BLOCKED),
        "activation/held": plan.rows(Disposition.HELD),
        "activation/late": plan.blast.late,
        "activation/lost": plan.blast.lost,
        "activation/revoked": plan.blast.revoked,
        "activation/source_rows": plan.source.rows,
        "activation/requests": planned.requests,
        "activation/jobs": planned.cost.jobs,
        "activation/read_requests": planned.cost.lookups + planned.cost.read_backs,
        "activation/billed": planned.cost.billed,
        "activation/days": planned.outlook.days or 0,
        "activation/kept": sum(plan.kept.values()),
        "activation/kept_fields": _table(
            {"field": field, "rows": rows} for field, rows in plan.kept.items()
        ),
        "activation/plan": plan.digest,
        "activation/phase": plan.phase,
        "activation/cannot_be_undone": dg.MetadataValue.md(
            "\n".join(f"- {sentence}" for sentence in planned.irreversible) or "nothing declared"
        ),
        "activation/actions": _table(
            {
                "operation": count.operation,
                "disposition": count.disposition.value,
                "reason": count.reason or "",
                "rows": count.rows,
            }
            for count in plan.counts
        ),
        "activation/summary": dg.MetadataValue.md(
            f"**{plan.rows(Disposition.SEND):,}** rows to send in **{planned.requests:,}** "
            f"requests; {plan.rows(Disposition.BLOCKED):,} blocked, "
            f"{plan.rows(Disposition.HELD):,} held. "
            + (
                "All gates passed."
                if not failed
                else "Stopped by " + ", ".join(verdict.gate.value for verdict in failed) + "."
            )
        ),
    }


def of_delivery(delivered: Delivered) -> Metadata:
    """Return what the destination asset shows."""
    shown: Metadata = {
        "activation/plan": delivered.plan_digest,
        "activation/requests": delivered.requests,
        "activation/outcomes": _table(
            {"operation": operation, **tally.as_dict()}
            for operation, tally in sorted(delivered.tallies.items())
        ),
        "activation/dead_letters": delivered.outcomes.dead_letters,
    }
    for outcome, rows in delivered.totals.items():
        shown[f"activation/{outcome}"] = rows
    if delivered.quota is not None:
        shown["activation/quota_used"] = delivered.quota.used
        shown["activation/quota_left"] = delivered.quota.limit - delivered.quota.used
    if delivered.parity is not None:
        shown["activation/parity"] = _table(
            {"class": kind.value, "rows": rows} for kind, rows in delivered.parity.classes.items()
        )
        shown["activation/parity_bound"] = delivered.parity.statement
    if delivered.approvals:
        shown["activation/approvals"] = _table(
            {
                "gate": one.gate,
                "by": one.author,
                "because": one.reason,
                "until": one.expires_at.isoformat(),
            }
            for one in delivered.approvals
        )
    if delivered.stopped is not None:
        shown["activation/stopped"] = str(delivered.stopped)
    return shown


def of_approval(approval: Approval) -> Metadata:
    """Return who overrides a gate, why and until when."""
    return {
        "approved_by": approval.author,
        "approved_because": approval.reason,
        "approved_until": approval.expires_at.isoformat(),
        "approved_plan": approval.plan_digest,
    }


def of_verdict(verdict: Verdict | VerdictRecord) -> Metadata:
    """Return a gate's evidence."""
    shown: Metadata = {
        name: dg.MetadataValue.json(value) if isinstance(value, list) else value
        for name, value in verdict.evidence.items()
        if value is not None
    }
    if verdict.next_step:
        shown["next"] = verdict.next_step
    return shown


def of_finding(finding: Finding) -> Metadata:
    """Return a check's numbers and table."""
    shown: Metadata = dict(finding.numbers)
    if finding.table:
        shown["table"] = _table(finding.table)
    if finding.next_step:
        shown["next"] = finding.next_step
    return shown


def _table(rows: Iterable[Mapping[str, str | int | float]]) -> dg.MetadataValue[Any]:
    records = [dg.TableRecord(dict(row)) for row in rows]
    # Dagster infers the columns from the first row, and refuses a table without one.
    return dg.MetadataValue.table(records=records) if records else dg.MetadataValue.text("none")
