"""All gates over one plan."""

from __future__ import annotations

from datetime import datetime

from activation.contract.model import Contract
from activation.destinations.base import ObjectSchema
from activation.gates.blast_radius import blast_radius
from activation.gates.consent import consent
from activation.gates.distribution import distribution
from activation.gates.freshness import freshness
from activation.gates.grain import grain
from activation.gates.kill_switch import kill_switch
from activation.gates.past import NOTHING_PAST, Past
from activation.gates.rollback import taken_back
from activation.gates.schema import schema_drift
from activation.gates.verdict import Verdict
from activation.planning.model import Plan


def evaluate(  # noqa: PLR0913 - a verdict depends on all of these, and each is named
    contract: Contract,
    plan: Plan,
    *,
    schema: ObjectSchema,
    paused: str | None,
    now: datetime,
    past: Past = NOTHING_PAST,
) -> tuple[Verdict, ...]:
    """
    Return one verdict a gate, in the order of `Gate`; a plan may be sent only if all pass.

    Args:
        contract: what the sync promises.
        plan: what is to be done.
        schema: what the destination says of the object now.
        paused: why sending is paused, or None.
        now: the current time, aware.
        past: what the ledger remembers of the sync's last plans.
    """
    of_the_model = (
        (
            freshness(contract, plan, now, past),
            grain(contract, plan),
            blast_radius(contract, plan, past),
            distribution(contract, plan, past),
        )
        if not plan.undoes
        else taken_back(plan)
    )
    fresh, grained, blast, looks = of_the_model
    return (
        fresh,
        grained,
        consent(contract, plan, now),
        blast,
        looks,
        schema_drift(contract, plan, schema, past),
        kill_switch(contract, paused),
    )
