"""All gates over one plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from activation.contract.model import Contract
from activation.destinations.base import ObjectSchema
from activation.gates.blast_radius import blast_radius
from activation.gates.consent import consent
from activation.gates.freshness import freshness
from activation.gates.grain import grain
from activation.gates.kill_switch import kill_switch
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
    values: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Verdict, ...]:
    """
    Return one verdict a gate, in the order of `Gate`; a plan may be sent only if all pass.

    Args:
        contract: what the sync promises.
        plan: what is to be done.
        schema: what the destination says of the object now.
        paused: why sending is paused, or None.
        now: the current time, aware.
        values: the distinct values of picklist fields; those of the plan if None.
    """
    of_the_model = (
        (freshness(contract, plan, now), grain(contract, plan), blast_radius(contract, plan))
        if not plan.undoes
        else taken_back(plan)
    )
    fresh, grained, blast = of_the_model
    return (
        fresh,
        grained,
        consent(contract, plan, now),
        blast,
        schema_drift(
            contract,
            schema,
            values=plan.values if values is None else values,
            longest_key=plan.longest.get(contract.destination.key),
        ),
        kill_switch(contract, paused),
    )
