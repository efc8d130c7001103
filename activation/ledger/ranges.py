"""Sets of action numbers, held as ranges with both ends in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Ranges = tuple[tuple[int, int], ...]


def pack(actions: Iterable[int]) -> Ranges:
    """Return the ranges that hold exactly these numbers."""
    packed: list[tuple[int, int]] = []
    for action in sorted(actions):
        if packed and action <= packed[-1][1] + 1:
            packed[-1] = (packed[-1][0], max(action, packed[-1][1]))
        else:
            packed.append((action, action))
    return tuple(packed)


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
