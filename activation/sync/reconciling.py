"""Reconcile: read the destination back and compare it with the warehouse."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from activation.contract.rollout import Phase
from activation.delivery.order import target_of
from activation.destinations.traits import Reading
from activation.errors import DestinationError, UsageError
from activation.reconciliation.comparison import compare
from activation.reconciliation.parity import Parity
from activation.reconciliation.read_keys import known_keys, sample_keys
from activation.sync.parts import Parts
from activation.warehouse.port import Session

_FIRST_WAIT = 1 / 256
"""Of the read lag; each further wait is twice as long as the one before."""


def reconcile(parts: Parts, phase: Phase, *, full: bool = False, rows: int | None = None) -> Parity:
    """
    Put each key of the phase into one class of difference.

    `full` or a number of sampled `rows` win over what the contract says.

    Raises:
        Unavailable: warehouse or vendor cannot be reached.
        UsageError: the vendor lets nobody read these records.
    """
    return _Reader(parts, phase, full=full, rows=rows).compare()


def reconcile_settled(parts: Parts, phase: Phase, *, sent: bool = True) -> Parity:
    """
    Do the same after a delivery: keys that need not be visible yet are read again, and again.

    If something was `sent` just now, the first read waits until most of it can be seen.

    It ends when none is left, or with what there is once the destination must show all of them.

    Raises:
        Unavailable: warehouse or vendor cannot be reached.
        UsageError: the vendor lets nobody read these records.
    """
    traits = parts.facts.traits
    first = traits.read_after if sent else timedelta(0)
    if first:
        asyncio.run(parts.clock.sleep(first.total_seconds()))
    reader = _Reader(parts, phase)
    parity = reader.compare()
    for seconds in waits(traits.read_lag - first):
        if not parity.waiting:
            break
        asyncio.run(parts.clock.sleep(seconds))
        reader.read_again(parity.waiting)
        parity = reader.compare()
    return parity


def waits(lag: timedelta) -> Iterator[float]:
    """Yield growing waits, in seconds, that come to the lag."""
    left = lag.total_seconds()
    wait = left * _FIRST_WAIT
    while left > 0:
        yield min(wait, left)
        left -= wait
        wait *= 2


class _Reader:
    """What was read of the destination, to be compared."""

    def __init__(
        self, parts: Parts, phase: Phase, *, full: bool = False, rows: int | None = None
    ) -> None:
        """Read for the first time."""
        contract = parts.contract
        self.reading = parts.facts.traits.reading
        if self.reading is Reading.NEVER:
            raise UsageError(
                f"{contract.destination.connection} lets nobody read "
                f"{contract.destination.object} back, so that {contract.sync} cannot be compared.",
                hint="What was accepted is in `activation status`.",
                sync=contract.sync,
            )
        self.parts, self.phase = parts, phase
        self.sampled = not full and bool(rows or contract.parity.mode == "sample")
        self.keys: list[str] | None = None
        if self.sampled or self.reading is Reading.BY_KEY:
            with parts.services.warehouse.session() as session:
                self.keys = self._keys(session, rows)
        self.read_at: datetime
        self.pages = self._read(self.keys)

    def read_again(self, keys: Collection[str]) -> None:
        """Put what the destination says of these keys now in place of what it said before."""
        fresh = self._read(list(keys))
        exact = self.parts.facts.traits.key_is_case_sensitive
        wanted = pa.array([k if exact else k.lower() for k in keys], pa.string())
        kept = []
        for page in self.pages:
            found = page.column("sync_key").cast(pa.string())
            found = found if exact else pc.utf8_lower(found)
            kept.append(page.filter(pc.invert(pc.is_in(found, value_set=wanted))))
        self.pages = [*kept, *fresh]

    def compare(self) -> Parity:
        """Compare what was read with the warehouse as it is now."""
        parts = self.parts
        facts, contract = parts.facts, parts.contract
        last = parts.ledger.plans.latest(contract.sync, self.phase.name)
        with parts.services.warehouse.session() as session:
            return compare(
                session,
                contract,
                parts.models,
                facts,
                phase=self.phase,
                inputs=parts.inputs(),
                read_back=self.pages,
                keys=self.keys if self.sampled else None,
                now=self.read_at,
                plan_digest=None if last is None else last.digest,
            )

    def _keys(self, session: Session, rows: int | None) -> list[str]:
        contract = self.parts.contract
        if not self.sampled:
            return known_keys(session, contract, self.phase, self.parts.inputs().in_doubt)
        return sample_keys(
            session,
            contract,
            self.phase,
            rows=rows or contract.parity.sample_rows,
            seed=self.parts.clock.now().toordinal(),
        )

    def _read(self, keys: Sequence[str] | None) -> list[pa.Table]:
        parts = self.parts
        self.read_at = parts.clock.now()
        try:
            # To the end before the warehouse is opened: it is not held while a vendor answers.
            found = parts.destination.read_back(target_of(parts.contract), keys)
            return [page.rows for page in found]
        except DestinationError as error:
            raise parts.unreachable(error) from None
