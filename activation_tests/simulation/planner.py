"""A planner in a few lines: source against delivered state, with fence, rejections and consent."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from activation.contract.keys import key_hash
from activation.contract.model import Contract
from activation.delivery import Receipts
from activation.errors import Refused
from activation.ledger import Ledger
from activation.planning.model import ActionCount, BlastRadius, Disposition, Plan, SourceProfile
from activation_tests.simulation.source import Row, Source
from activation_tests.simulation.stage import Stage

_NOTHING = BlastRadius(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(slots=True)
class Frozen:
    """A plan and its actions to send, as the warehouse would hold them."""

    plan: Plan
    rows: tuple[tuple[str, Row], ...]
    """Operation and row, by action number."""
    made_at: float
    passed: bool
    """Whether its gates passed."""
    by_key: dict[str, Row] = field(init=False)

    def __post_init__(self) -> None:
        self.by_key = {row.key: row for _, row in self.rows}


@dataclass(slots=True)
class Known:
    """What the delivered state says of a key."""

    version: int
    row_hash: int
    delivered_at: datetime
    destination_id: str | None


class Warehouse:
    """Source, consent, plan tables and delivered state of one sync."""

    def __init__(self, stage: Stage, source: Source) -> None:
        self._stage = stage
        self._chance = stage.chance("planner")
        self.source = source
        self.tables: dict[str, Frozen] = {}
        """Plan tables by their name."""
        self.plans: dict[str, Frozen] = {}
        """Every plan ever made, by digest; the judge does not forget what was dropped."""
        self.delivered: dict[str, Known] = {}

    def make(self, ledger: Ledger, contract: Contract, phase: str, now: datetime) -> Frozen:
        """
        Compare and freeze.

        Raises:
            Unavailable: the ledger cannot be read.
        """
        rejected = {
            (row["key_hash"], row["row_hash"])
            for row in ledger.rejected_rows(contract.sync).to_pylist()
        }
        fenced = self._fenced(ledger, contract.sync)
        sending: list[tuple[str, Row]] = []
        counts: Counter[tuple[str, Disposition, str | None]] = Counter()
        for key in self.source.cohort(phase):
            row, known = self.source.rows[key], self.delivered.get(key)
            if known is not None and known.version >= row.version:
                continue
            operation = "create" if known is None else "update"
            held = None
            if key in fenced:
                held = "in_doubt"
            elif (key_hash(contract.sync, key), row.row_hash) in rejected:
                held = "rejected_before"
            if key in self.source.revoked_at:
                counts[operation, Disposition.BLOCKED, "denied"] += 1
            elif held:
                counts[operation, Disposition.HELD, held] += 1
                self._stage.saw(f"a row held: {held}")
            else:
                counts[operation, Disposition.SEND, None] += 1
                sending.append((operation, row))
        rows = tuple(sorted(sending, key=lambda action: action[1].key))
        rows = tuple(sorted(rows, key=lambda action: action[0], reverse=True))
        frozen = self._freeze(contract, phase, now, rows, counts)
        self.tables[frozen.plan.table] = self.plans[frozen.plan.digest] = frozen
        return frozen

    def fold(self, folded: Receipts) -> None:
        """Merge receipts: a newer version wins, of the same version the later delivery."""
        actions = self.plans[folded.plan_digest].rows
        latest = {
            receipt["action_no"]: receipt
            for receipt in sorted(folded.rows.to_pylist(), key=lambda r: r["delivered_at"])
        }
        for number, receipt in latest.items():
            row, at = actions[number][1], receipt["delivered_at"]
            known = self.delivered.get(row.key)
            if known is not None and (known.version, known.delivered_at) > (row.version, at):
                continue
            self.delivered[row.key] = Known(
                row.version, row.row_hash, at, receipt["destination_id"]
            )

    def drop(self, keep: Iterable[str]) -> None:
        """Drop the plan tables but these."""
        for name in set(self.tables).difference(keep):
            del self.tables[name]

    def _fenced(self, ledger: Ledger, sync: str) -> set[str]:
        keys: set[str] = set()
        for doubtful in ledger.fences.of(sync):
            if doubtful.plan_table not in self.tables:
                self._stage.violated("fence", f"{doubtful.plan_table} was dropped while in doubt")
                continue
            rows = self.tables[doubtful.plan_table].rows
            for first, last in doubtful.actions:
                keys.update(row.key for _, row in rows[first : last + 1])
        return keys

    def _freeze(
        self,
        contract: Contract,
        phase: str,
        now: datetime,
        rows: tuple[tuple[str, Row], ...],
        counts: Mapping[tuple[str, Disposition, str | None], int],
    ) -> Frozen:
        text = f"{contract.digest}|{phase}|{now.isoformat()}|{rows}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        plan = Plan(
            digest=digest,
            sync=contract.sync,
            phase=phase,
            created_at=now,
            contract_digest=contract.digest,
            mapping_digest=contract.mapping_digest,
            table=f"plan_{contract.sync}_{digest[:12]}",
            source=SourceProfile(0, 0, 0, 0, None),
            blast=_NOTHING,
            counts=tuple(
                ActionCount(operation, disposition, reason, number)
                for (operation, disposition, reason), number in sorted(
                    counts.items(), key=lambda count: (count[0][0], count[0][1], count[0][2] or "")
                )
            ),
        )
        passed = not (self._stage.faulty and self._chance.random() < self._stage.scenario.gate)
        return Frozen(plan, rows, self._stage.now(), passed)


@dataclass(frozen=True, slots=True)
class FrozenActions:
    """The actions of one plan, as delivery reads them."""

    warehouse: Warehouse
    table: str

    def read(self, first: int, last: int) -> pa.Table:
        """Return the actions `first` to `last`, both of them in."""
        frozen = self.warehouse.tables.get(self.table)
        if frozen is None:
            raise Refused("The plan has no actions any more.", hint="Plan again.")
        rows = frozen.rows[first : last + 1]
        return pa.table(
            {
                "sync_key": [row.key for _, row in rows],
                "operation": [operation for operation, _ in rows],
                "row_hash": pa.array([row.row_hash for _, row in rows], pa.int64()),
                "version": pa.array([row.version for _, row in rows], pa.int64()),
                "Stamp": pa.array([row.version for _, row in rows], pa.int64()),
                "Note": [row.note for _, row in rows],
            }
        )

    def revoked(self) -> frozenset[int]:
        """Return the actions whose key has no consent now."""
        frozen = self.warehouse.tables.get(self.table)
        if frozen is None:
            raise Refused("The plan has no actions any more.", hint="Plan again.")
        withdrawn = self.warehouse.source.revoked_at
        return frozenset(n for n, (_, row) in enumerate(frozen.rows) if row.key in withdrawn)
