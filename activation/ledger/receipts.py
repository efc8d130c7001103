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


def pack(receipts: Sequence[Receipt]) -> bytes:
    """Return the receipts as a few bytes a row; two actions never share a number."""
    ordered = sorted(receipts, key=_number)
    ranges = pack_ranges(receipt.action_no for receipt in ordered)
    ids = [receipt.destination_id for receipt in ordered]
    return zlib.compress(orjson.dumps([ranges, ids]))


def unpack(packed: bytes) -> Iterator[Receipt]:
    """Yield the receipts in the order of their actions."""
    ranges, ids = orjson.loads(zlib.decompress(packed))
    for action_no, destination_id in zip(unpack_ranges(ranges), ids, strict=True):
        yield Receipt(action_no, destination_id)


def _number(receipt: Receipt) -> int:
    return receipt.action_no
