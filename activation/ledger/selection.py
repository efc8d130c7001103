"""Which dead letters an operator means: by error class, age, plan and run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from activation.errors import UsageError
from activation.ledger.dead_letters import DeadLetter
from activation.ledger.opening import Ledger


@dataclass(frozen=True, slots=True)
class Selection:
    """What letters have in common; None asks for nothing."""

    code: str | None = None
    older_than: timedelta | None = None
    plan: str | None = None
    """The beginning of a digest."""
    run: str | None = None

    def letters(self, ledger: Ledger, sync: str) -> list[DeadLetter]:
        """
        Return the open letters of a sync that are meant, newest first.

        Raises:
            UsageError: the sync has no such run.
        """
        now = ledger.store.clock.now()
        before = None if self.older_than is None else now - self.older_than
        plans = [plan for plan in (self.plan, self._plan_of_run(ledger, sync)) if plan is not None]
        return [
            letter for letter in ledger.dead_letters.list(sync) if self._fits(letter, before, plans)
        ]

    def _fits(self, letter: DeadLetter, before: datetime | None, plans: list[str]) -> bool:
        return (
            (self.code is None or letter.code == self.code)
            and (before is None or letter.created_at <= before)
            and all(letter.plan_digest.startswith(plan) for plan in plans)
        )

    def _plan_of_run(self, ledger: Ledger, sync: str) -> str | None:
        if self.run is None:
            return None
        found = ledger.runs.get(self.run)
        if found is None or found.sync != sync or found.plan_digest is None:
            raise UsageError(
                f"{sync} has no run `{self.run}` that sent anything.",
                hint=f"`activation status {sync} --json` names its last runs.",
                sync=sync,
            )
        return found.plan_digest
