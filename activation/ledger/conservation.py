"""The equation of rows: planned = delivered + rejected + in doubt + blocked + held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from activation.errors import ActivationError, ExitCode


class RowsLostError(ActivationError):
    """The books of a plan do not balance; somebody must look before more is sent."""

    exit_code = ExitCode.REFUSED


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the actions of one operation, in rows."""

    planned: int = 0
    delivered: int = 0
    rejected: int = 0
    in_doubt: int = 0
    blocked: int = 0
    held: int = 0
    blocked_by: Mapping[str, int] = field(default_factory=dict)
    held_by: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, int]:
        """Return the six numbers under their names."""
        return {
            "planned": self.planned,
            "delivered": self.delivered,
            "rejected": self.rejected,
            "in_doubt": self.in_doubt,
            "blocked": self.blocked,
            "held": self.held,
        }


def check(tallies: Mapping[str, Tally]) -> None:
    """
    Hold every operation's numbers against the equation.

    Raises:
        RowsLostError: they do not balance, or one of them is negative.
    """
    for operation, tally in sorted(tallies.items()):
        numbers = tally.as_dict()
        planned = numbers.pop("planned")
        if planned != sum(numbers.values()) or min(planned, *numbers.values()) < 0:
            parts = " + ".join(f"{rows} {outcome}" for outcome, rows in numbers.items())
            raise RowsLostError(
                f"Rows do not add up for {operation}: {planned} planned, but {parts}.",
                hint="Pause the sync and compare the ledger's batches with the plan's table.",
                operation=operation,
            )


def total(tallies: Mapping[str, Tally]) -> dict[str, int]:
    """Return the six numbers over all operations."""
    sums = Tally().as_dict()
    for tally in tallies.values():
        for name, rows in tally.as_dict().items():
            sums[name] += rows
    return sums
