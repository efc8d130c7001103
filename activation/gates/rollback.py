"""What the gates that look at the model say of a rollback, which sends nothing of the model."""

from __future__ import annotations

from activation.gates.verdict import Gate, Verdict
from activation.planning.model import Disposition, Plan


def taken_back(plan: Plan) -> tuple[Verdict, Verdict, Verdict, Verdict]:
    """
    Return the verdicts on freshness, grain, blast radius and distribution.

    A rollback only ever reaches rows that what it takes back has reached, so that its reach is
    that of plans whose own gates have passed.
    """
    undone = ", ".join(plan.undoes)
    old = "The values are those that were there before; nothing of the model is sent."
    sent, left = plan.rows(Disposition.SEND), plan.rows() - plan.rows(Disposition.SEND)
    return (
        Verdict(Gate.FRESHNESS, passed=True, summary=old),
        Verdict(Gate.GRAIN, passed=True, summary=old),
        Verdict(
            Gate.BLAST_RADIUS,
            passed=True,
            summary=f"Takes back {undone}: {sent:,} rows are written, {left:,} are left alone.",
            evidence={
                "written": sent,
                "left_alone": left,
                "delivered_before": plan.blast.delivered_before,
            },
        ),
        Verdict(Gate.DISTRIBUTION, passed=True, summary=old),
    )
