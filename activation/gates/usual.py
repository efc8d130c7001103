"""How much a plan does, against the mean of the last plans of its phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from activation.contract.guards import Usual
from activation.gates.past import MEASURES, Ordinary, Past
from activation.gates.shares import allowed


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is usual of one measure."""

    mean: float
    """Rows, of as many delivered rows as there are now, over as much data as is new now."""
    most: int
    """Rows that are still usual."""
    plans: int


def expectations(
    usual: Usual, past: Past, *, before: int, newest: datetime | None
) -> Mapping[str, Expectation]:
    """
    Return what is usual of each measure; nothing if too few plans are known to tell.

    The share and the number are both held against their means, and the wider of the two counts:
    a phase that has grown changes more rows, one that has shrunk a larger share.
    Where more data is new than between the last plans (a holiday, an outage), more is usual.

    Args:
        usual: what the contract says.
        past: the plans that were delivered.
        before: the rows delivered before this plan.
        newest: how far its data reaches.
    """
    known = [plan for plan in past.ordinary[: usual.runs] if plan.before > 0]
    if len(known) < usual.fewest:
        return {}
    longer = _longer(known, newest)
    found: dict[str, Expectation] = {}
    for measure in MEASURES:
        number = sum(plan.rows.get(measure, 0) for plan in known) / len(known)
        share = sum(plan.rows.get(measure, 0) / plan.before for plan in known) / len(known)
        mean = max(number, share * before) * longer
        most = max(allowed(usual.least, before), floor(mean * usual.times))
        found[measure] = Expectation(mean, most, len(known))
    return found


def _longer(known: list[Ordinary], newest: datetime | None) -> float:
    """Return how many times as much data is new as between two of the last plans, at least 1."""
    reached = [plan.newest for plan in known if plan.newest is not None]
    if newest is None or len(reached) < len(known):
        return 1.0
    between = (reached[0] - reached[-1]) / (len(reached) - 1)
    if between <= timedelta(0):
        return 1.0
    return max(1.0, (newest - reached[0]) / between)
