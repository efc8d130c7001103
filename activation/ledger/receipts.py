"""Receipts: what the destination calls each delivered record, packed until they are folded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from activation.ledger.ranges import pack as pack_ranges
from activation.ledger.ranges import unpack as unpack_ranges


@dataclass(frozen=True, slots=True)
class Receipt:
    """One delivered action."""

    action_no: int
    destination_id: str | None
    created: bool = False
    """Whether the destination said that it made the record."""


def pack(receipts: Sequence[Receipt]) -> bytes:
    """Return the receipts as a few bytes a row; two actions never share a number."""
    ordered = sorted(receipts, key=_number)
    ranges = pack_ranges(receipt.action_no for receipt in ordered)
    ids = [receipt.destination_id for receipt in ordered]
    created = pack_ranges(receipt.action_no for receipt in ordered if receipt.created)
    return zlib.compress(orjson.dumps([ranges, ids, created]))


def unpack(packed: bytes) -> Iterator[Receipt]:
    """Yield the receipts in the order of their actions."""
    # Those of an earlier release do not say what was created.
    ranges, ids, *more = orjson.loads(zlib.decompress(packed))
    created = set(unpack_ranges(more[0])) if more else set()
    for action_no, destination_id in zip(unpack_ranges(ranges), ids, strict=True):
        yield Receipt(action_no, destination_id, action_no in created)


def _number(receipt: Receipt) -> int:
    return receipt.action_no
