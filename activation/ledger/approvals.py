"""
Approvals: somebody answers for one plan although a gate has stopped it.

An approval names the plan by its whole digest, and the gates that it overrides.
It ends after a day, and with the plan: a sync that is planned again needs a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from activation.errors import UsageError
from activation.ledger import audit, tables
from activation.ledger.history import History
from activation.ledger.plans import PlanRecord, Plans, PlanState, VerdictRecord
from activation.ledger.store import Store, upsert
from activation.ledger.switches import require_words

OVERRIDABLE = frozenset({"freshness", "grain", "blast_radius", "distribution", "schema"})
"""
The gates that a person may override; this is the one place that says so.

Never consent, which is others' to give, nor the kill switch, which is resumed; the schema only
where the source has changed, since what the destination would refuse it refuses all the same.
Suppression and erasure are no gates: they are asked of every request, and no approval is looked
at there.
"""
FINAL = "final"
"""Evidence of a verdict that nobody may override, though its gate can be."""
LIFE = timedelta(hours=24)

_OF_PLAN = sa.select(tables.approval).where(
    tables.approval.c.plan_digest == sa.bindparam("digest"),
    tables.approval.c.expires_at > sa.bindparam("now"),
)


@dataclass(frozen=True, slots=True)
class Approval:
    """One gate of one plan, overridden."""

    plan_digest: str
    gate: str
    author: str
    reason: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Approvals:
    """Which plans may be sent although a gate has stopped them."""

    store: Store

    def approve(
        self, digits: str, gates: Iterable[str] = (), *, reason: str, author: str
    ) -> tuple[Approval, ...]:
        """
        Override gates of the plan whose digest begins with these digits; all failed ones if none.

        Raises:
            UsageError: reason or author is empty; there is no such plan, or it is not the newest
                of its phase or has been sent; a gate did not fail, or may not be overridden.
        """
        require_words(reason=reason, author=author)
        plans = Plans(self.store)
        plan = History(self.store).find(digits)
        _still_due(plan, plans)
        verdicts = plans.verdicts(plan.digest)
        failed = {gate: said for gate, said in verdicts.items() if not said.passed}
        chosen = sorted(set(gates) or failed)
        _overridable(plan, chosen, failed)
        at = self.store.clock.now()
        told = {"author": author.strip(), "reason": reason.strip(), "at": at}
        rows: list[dict[str, Any]] = [
            {"plan_digest": plan.digest, "gate": gate, **told, "expires_at": at + LIFE}
            for gate in chosen
        ]
        subject = {
            "sync": plan.sync,
            "phase": plan.phase,
            "plan": plan.digest,
            "gates": ", ".join(chosen),
            "until": (at + LIFE).isoformat(),
        }
        with self.store.write() as connected:
            upsert(connected, tables.approval, rows)
            audit.append(
                connected,
                audit.Act.APPROVE,
                subject,
                author=author.strip(),
                reason=reason.strip(),
                at=at,
            )
        return tuple(Approval(**row) for row in rows)

    def of(self, plan_digest: str) -> Mapping[str, Approval]:
        """Return the approvals of a plan that have not ended yet, by gate."""
        asked = {"digest": plan_digest, "now": self.store.clock.now()}
        with self.store.read() as connected:
            rows = connected.execute(_OF_PLAN, asked).mappings()
            return {row["gate"]: Approval(**row) for row in rows}


def _still_due(plan: PlanRecord, plans: Plans) -> None:
    newest = plans.latest(plan.sync, plan.phase)
    if plan.state is PlanState.SETTLED:
        raise UsageError(
            f"Plan {plan.digest[:12]} of {plan.sync} has been sent to the end.",
            hint="There is nothing left of it to approve.",
            sync=plan.sync,
        )
    if newest is None or newest.digest != plan.digest:
        raise UsageError(
            f"Plan {plan.digest[:12]} of {plan.sync} is not the newest of phase {plan.phase}.",
            hint=f"Look at the newest one: `activation status {plan.sync}`.",
            sync=plan.sync,
        )


def _overridable(
    plan: PlanRecord, chosen: Iterable[str], failed: Mapping[str, VerdictRecord]
) -> None:
    if not failed:
        raise UsageError(
            f"No gate has stopped plan {plan.digest[:12]} of {plan.sync}.",
            hint=f"It may be sent as it is: `activation run {plan.sync}`.",
            sync=plan.sync,
        )
    for gate in chosen:
        if gate not in failed:
            raise UsageError(
                f"Gate `{gate}` has not stopped plan {plan.digest[:12]} of {plan.sync}.",
                hint=f"Stopped by: {', '.join(sorted(failed))}.",
                sync=plan.sync,
            )
        if gate not in OVERRIDABLE:
            raise UsageError(
                f"Gate `{gate}` can be overridden by nobody.",
                hint=f"Mend the cause. These can be: {', '.join(sorted(OVERRIDABLE))}.",
                sync=plan.sync,
            )
        if failed[gate].evidence.get(FINAL):
            raise UsageError(
                f"This verdict of gate `{gate}` can be overridden by nobody: "
                f"{failed[gate].summary}",
                hint=failed[gate].next_step,
                sync=plan.sync,
            )
