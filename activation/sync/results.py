"""What a plan and a delivery come to, for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from activation.contract.model import Contract
from activation.delivery.order import Outcomes
from activation.destinations.base import QuotaReading
from activation.errors import ActivationError
from activation.gates.verdict import Verdict
from activation.governor.forecast import Outlook
from activation.ledger.approvals import Approval
from activation.ledger.conservation import Tally
from activation.planning.model import Plan
from activation.reconciliation.findings import Finding
from activation.reconciliation.parity import UNEXPLAINED, Parity
from activation.sync.costs import Cost


@dataclass(frozen=True, slots=True)
class Change:
    """One action of a preview, with what its fields hold and would hold; personal ones masked."""

    operation: str
    key_hash: str
    fields: Mapping[str, tuple[str | None, str | None]]
    """Field: before and after; only fields that would change."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with its gates' verdicts."""

    plan: Plan
    verdicts: tuple[Verdict, ...]
    cost: Cost
    outlook: Outlook
    samples: tuple[Change, ...] = ()
    irreversible: tuple[str, ...] = ()
    """What no rollback undoes once it is sent, as the adapter declares it."""

    @property
    def requests(self) -> int:
        """Return the write requests that it takes."""
        return self.cost.requests

    @property
    def passed(self) -> bool:
        """Tell whether every gate let it through."""
        return all(verdict.passed for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a plan, and how source and destination compare after it."""

    plan_digest: str
    outcomes: Outcomes
    requests: int
    """The write requests of this delivery."""
    quota: QuotaReading | None
    parity: Parity | None
    """None if the delivery was stopped, or the destination could not be read."""
    findings: tuple[Finding, ...]
    stopped: ActivationError | None
    approvals: tuple[Approval, ...] = ()
    """Who answered for gates that had stopped the plan."""

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """Return the rows by operation."""
        return self.outcomes.tallies

    @property
    def totals(self) -> dict[str, int]:
        """Return the rows by outcome, over all operations."""
        return self.outcomes.totals


def conservation(outcomes: Outcomes) -> Finding:
    """Return the check that every planned row has an outcome."""
    totals = outcomes.totals
    accounted = sum(rows for name, rows in totals.items() if name != "planned")
    return Finding(
        name="row_conservation",
        passed=totals["planned"] == accounted,
        summary=f"{totals['planned']:,} planned, {accounted:,} accounted for.",
        numbers=totals,
        table=tuple(
            {"operation": operation, **tally.as_dict()}
            for operation, tally in sorted(outcomes.tallies.items())
        ),
    )


def dead_letter_depth(contract: Contract, waiting: Mapping[str, int], delivered: int) -> Finding:
    """
    Return the check that few rows wait for a fix.

    Args:
        contract: names the share from which on it is told.
        waiting: open dead letters by the vendor's error code.
        delivered: rows in the delivered state.
    """
    rows = sum(waiting.values())
    total = rows + delivered
    share = rows / total if total else 0.0
    limit = contract.alerting.dead_letters
    return Finding(
        name="dead_letters",
        passed=share <= limit,
        summary=f"{rows:,} rows ({share:.2%}) wait as dead letters; told from {limit:.2%} on.",
        numbers={"dead_letters": rows, "share": share},
        table=tuple({"class": code, "rows": count} for code, count in sorted(waiting.items())),
        next_step=f"`activation status {contract.sync}` lists their classes." if rows else None,
    )


def agreement(contract: Contract, parity: Parity) -> Finding:
    """Return the check that source and destination agree within the contract's bound."""
    limit = contract.parity.unexplained
    return Finding(
        name="parity",
        passed=parity.bound <= limit,
        summary=parity.statement,
        numbers={
            "keys": parity.keys,
            "matched_share": parity.matched_share,
            "unexplained": parity.unexplained,
            "bound": parity.bound,
        },
        table=tuple(
            {"class": kind.value, "rows": rows, "explained": str(kind not in UNEXPLAINED)}
            for kind, rows in parity.classes.items()
            if rows
        ),
        next_step=None
        if parity.bound <= limit
        else f"`activation reconcile {contract.sync} --full` names the fields that differ; "
        f"the runbook is {contract.alerting.runbook}.",
    )


def unread(contract: Contract) -> Finding:
    """Return the check of records that nobody can read back: it has nothing to say."""
    destination = contract.destination
    return Finding(
        name="parity",
        passed=True,
        summary=f"Not known: {destination.connection} lets nobody read {destination.object} back.",
    )


def postponed(reason: str) -> Finding:
    """Return the check of records that wait for another day's requests to be read back."""
    return Finding(
        name="parity",
        passed=True,
        summary=f"Not compared: {reason}; the next run compares if a day holds that many.",
        next_step="`parity.mode: sample` in the contract reads fewer.",
    )


def parity_record(parity: Parity) -> dict[str, Any]:
    """Return what the ledger keeps of a comparison."""
    return {
        "statement": parity.statement,
        "keys": parity.keys,
        "bound": parity.bound,
        "full": parity.full,
        "unexplained": parity.unexplained,
        "classes": {kind.value: rows for kind, rows in parity.classes.items()},
        "fields": dict(parity.fields),
    }
