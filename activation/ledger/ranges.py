"""Sets of action numbers, held as ranges with both ends in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Ranges = tuple[tuple[int, int], ...]


def pack(actions: Iterable[int]) -> Ranges:
    """Return the ranges that hold exactly these numbers."""
    return merge((action, action) for action in actions)


def merge(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the fewest ranges that hold the numbers of these."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def unpack(ranges: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """Return the numbers in these ranges."""
    return tuple(number for first, last in ranges for number in range(first, last + 1))


def gaps(ranges: Iterable[Sequence[int]], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield what these ranges leave out between `first` and `last`, both of them in."""
    position = first
    for start, end in sorted((start, end) for start, end in ranges):
        if start > position:
            yield position, min(start - 1, last)
        position = max(position, end + 1)
        if position > last:
            return
    if position <= last:
        yield position, last
