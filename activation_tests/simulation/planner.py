"""A planner in a few lines: source against delivered state, with fence, rejections and consent."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from activation.contract.destination import Mode
from activation.contract.model import Contract
from activation.delivery import Receipts
from activation.destinations.base import Operation
from activation.destinations.traits import Verb
from activation.errors import Refused
from activation.ledger import Ledger
from activation.planning.dispositions import VERBS
from activation.planning.model import ActionCount, BlastRadius, Disposition, Plan, SourceProfile
from activation_tests.simulation.source import GONE, Row, Source
from activation_tests.simulation.stage import Stage

_NOTHING = BlastRadius(0, 0, 0, 0, 0, 0, 0, 0)
_FIRST = (Operation.DELETE, Operation.UPDATE, Operation.CREATE)
_SCHEMA = pa.schema(
    [
        ("sync_key", pa.string()),
        ("operation", pa.string()),
        ("verb", pa.string()),
        ("row_hash", pa.int64()),
        ("version", pa.int64()),
        ("destination_id", pa.string()),
        ("changed", pa.list_(pa.string())),
        ("Stamp", pa.int64()),
        ("Note", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done about one row."""

    operation: Operation
    row: Row
    destination_id: str | None


@dataclass(slots=True)
class Frozen:
    """A plan and its actions to send, as the warehouse would hold them."""

    plan: Plan
    mode: Mode
    actions: tuple[Action, ...]
    """By action number."""
    made_at: float
    passed: bool
    """Whether its gates passed."""
    by_key: dict[str, Action] = field(init=False)
    rows: pa.Table = field(init=False)
    """The actions as delivery reads them."""

    def __post_init__(self) -> None:
        self.by_key = {action.row.key: action for action in self.actions}
        self.rows = _rows(self.actions, VERBS[self.mode])


@dataclass(slots=True)
class Known:
    """What the delivered state says of a key."""

    version: int
    row_hash: int
    delivered_at: datetime
    destination_id: str | None


class Warehouse:
    """Source, consent, plan tables and delivered state of one sync."""

    def __init__(self, stage: Stage, source: Source, gate: float) -> None:
        self._stage = stage
        self._gate = gate
        self.source = source
        self.tables: dict[str, Frozen] = {}
        """Plan tables by their name."""
        self.plans: dict[str, Frozen] = {}
        """Every plan ever made, by digest; the judge does not forget what was dropped."""
        self.delivered: dict[str, Known] = {}
        self._chance = stage.chance(f"planner {source.sync}")

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
        mode = contract.destination.mode
        sending: list[Action] = []
        counts: Counter[tuple[str, Disposition, str | None]] = Counter()
        for key in self.source.cohort(phase):
            row, known = self.source.rows[key], self.delivered.get(key)
            if (operation := _operation(row, known, mode)) is None:
                continue
            held = None
            if key in fenced:
                held = "in_doubt"
            elif (
                rejected
                and (ledger.people.keys.current.row(contract.sync, key), row.row_hash) in rejected
            ):
                held = "rejected_before"
            if key in self.source.revoked_at and operation is not Operation.DELETE:
                counts[operation, Disposition.BLOCKED, "denied"] += 1
            elif held:
                counts[operation, Disposition.HELD, held] += 1
                self._stage.saw(f"a row held: {held}")
            else:
                counts[operation, Disposition.SEND, None] += 1
                sending.append(Action(operation, row, known.destination_id if known else None))
        sending.sort(key=lambda action: (_FIRST.index(action.operation), action.row.key))
        frozen = self._freeze(contract, phase, now, tuple(sending), counts)
        self.tables[frozen.plan.table] = self.plans[frozen.plan.digest] = frozen
        return frozen

    def fold(self, folded: Receipts) -> None:
        """Merge receipts: a newer version wins, of the same version the later delivery."""
        actions = self.plans[folded.plan_digest].actions
        latest = {
            receipt["action_no"]: receipt
            for receipt in sorted(folded.rows.to_pylist(), key=lambda r: r["delivered_at"])
        }
        for number, receipt in latest.items():
            action, at = actions[number], receipt["delivered_at"]
            row = action.row
            known = self.delivered.get(row.key)
            if known is not None and (known.version, known.delivered_at) > (row.version, at):
                continue
            if action.operation is Operation.DELETE:
                self.delivered.pop(row.key, None)
                continue
            self.delivered[row.key] = Known(
                row.version, row.row_hash, at, receipt["destination_id"]
            )

    def drop(self, keep: Iterable[str]) -> None:
        """Drop the plan tables but these."""
        for name in set(self.tables).difference(keep):
            del self.tables[name]

    def table(self, name: str) -> Frozen:
        """
        Return a plan table.

        Raises:
            Refused: it was dropped.
        """
        if name not in self.tables:
            raise Refused("The plan has no actions any more.", hint="Plan again.")
        return self.tables[name]

    def _fenced(self, ledger: Ledger, sync: str) -> set[str]:
        keys: set[str] = set()
        for doubtful in ledger.fences.of(sync):
            if doubtful.plan_table not in self.tables:
                self._stage.violated("fence", f"{doubtful.plan_table} was dropped while in doubt")
                continue
            actions = self.tables[doubtful.plan_table].actions
            for first, last in doubtful.actions:
                keys.update(action.row.key for action in actions[first : last + 1])
        return keys

    def _freeze(
        self,
        contract: Contract,
        phase: str,
        now: datetime,
        actions: tuple[Action, ...],
        counts: Mapping[tuple[str, Disposition, str | None], int],
    ) -> Frozen:
        said = [(action.operation.value, action.row.key, action.row.version) for action in actions]
        text = f"{contract.digest}|{phase}|{now.isoformat()}|{said}"
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
        passed = not (self._stage.faulty and self._chance.random() < self._gate)
        mode = contract.destination.mode
        return Frozen(plan, mode, actions, self._stage.now(), passed)


def _rows(actions: Sequence[Action], verb: Verb) -> pa.Table:
    return pa.Table.from_pydict(
        {
            "sync_key": [action.row.key for action in actions],
            "operation": [action.operation.value for action in actions],
            "verb": [
                Verb.REMOVE.value if action.operation is Operation.DELETE else verb.value
                for action in actions
            ],
            "row_hash": [action.row.row_hash for action in actions],
            "version": [action.row.version for action in actions],
            "destination_id": [action.destination_id for action in actions],
            "changed": [None] * len(actions),
            "Stamp": [action.row.version for action in actions],
            "Note": [action.row.note for action in actions],
        },
        schema=_SCHEMA,
    )


def _operation(row: Row, known: Known | None, mode: Mode) -> Operation | None:
    """Return what is to be done about a row, if anything is."""
    if row.note == GONE:
        return None if known is None else Operation.DELETE
    if known is None:
        return Operation.CREATE
    if known.version >= row.version or mode is Mode.CREATE_ONLY:
        return None
    return Operation.UPDATE


@dataclass(frozen=True, slots=True)
class FrozenActions:
    """The actions of one plan, as delivery reads them."""

    warehouse: Warehouse
    name: str

    def read(self, first: int, last: int) -> pa.Table:
        """Return the actions `first` to `last`, both of them in."""
        return self.warehouse.table(self.name).rows.slice(first, last - first + 1)

    def revoked(self) -> frozenset[int]:
        """Return the actions whose key has no consent now; nobody agrees to being left alone."""
        withdrawn = self.warehouse.source.revoked_at
        return frozenset(
            number
            for number, action in enumerate(self.warehouse.table(self.name).actions)
            if action.row.key in withdrawn and action.operation is not Operation.DELETE
        )
