"""What must be asked of the destination before a plan is made, and what it answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from activation.contract.model import Contract

MATCHES_SCHEMA = pa.schema(
    {"sync_key": pa.string(), "destination_id": pa.string(), "records": pa.int64()}
)


@dataclass(frozen=True, slots=True)
class Questions:
    """The rows whose record must be looked at; only rows that would be sent are asked about."""

    keys: tuple[str, ...] = ()
    """Records to read by our key."""
    new: pa.Table | None = None
    """Rows that were never delivered: `sync_key`, and each field of the contract's identity."""
    unasked: int = 0
    """Rows for which the day's requests do not suffice."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the destination holds of the rows that were asked about."""

    asked: tuple[str, ...] = ()
    theirs: tuple[pa.Table, ...] = ()
    """Pages of records that have one of the keys."""
    matches: pa.Table = field(default_factory=MATCHES_SCHEMA.empty_table)
    """Rows without a record of their own, and the records without our key that they may mean."""
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """One record that was found by a field of the contract's identity."""

    value: str
    destination_id: str
    sync_key: str | None


def asks(contract: Contract) -> bool:
    """Tell whether plans of a contract look at the destination before they are made."""
    return bool(contract.identity) or contract.conflicts.reads


def alike(value: str) -> str:
    """Return a value as it is compared when records are found by it."""
    return value.strip().casefold()


def matched(rows: Iterable[tuple[str, str]], found: Sequence[Found]) -> dict[str, list[str]]:
    """
    Return the ids of the records without our key that each row may mean, by its sync key.

    Args:
        rows: sync key and value of each row.
        found: the records that the destination found by these values.
    """
    by_value: defaultdict[str, list[str]] = defaultdict(list)
    for record in found:
        if not record.sync_key:
            by_value[alike(record.value)].append(record.destination_id)
    return {
        key: sorted(set(by_value[alike(value)])) for key, value in rows if alike(value) in by_value
    }


def settled(candidates: dict[str, list[str]]) -> pa.Table:
    """
    Return one row for each sync key with a match: the record that it means, if it is sure.

    Two rows that mean one record are as unsure as one row that may mean two.
    """
    claims = Counter(ids[0] for ids in candidates.values() if len(ids) == 1)
    rows = [
        {
            "sync_key": key,
            "destination_id": ids[0] if len(ids) == 1 and claims[ids[0]] == 1 else None,
            "records": max(len(ids), claims[ids[0]] if len(ids) == 1 else 0),
        }
        for key, ids in candidates.items()
    ]
    return pa.Table.from_pylist(rows, MATCHES_SCHEMA)
