"""Which syncs name records of others by their keys, and the order that follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from activation.contract.destination import Mode
from activation.contract.model import Contract


def referenced(contract: Contract) -> tuple[str, ...]:
    """Return the syncs whose records the contract's fields name; theirs must be there first."""
    named = (mapping.references for mapping in contract.fields)
    return tuple(dict.fromkeys(sync for sync in named if sync is not None))


def in_order(contracts: Iterable[Contract]) -> list[Contract]:
    """
    Return contracts so that each comes after those whose records it names.

    Audiences come after all others: their members must be there before they can join.
    What is left open is decided by the names.
    """
    waiting = {
        contract.sync: contract
        for contract in sorted(
            contracts, key=lambda c: (c.destination.mode is Mode.AUDIENCE, c.sync)
        )
    }
    ordered: list[Contract] = []
    while waiting:
        # A ring is refused when contracts are loaded; were there one, its names would decide.
        ready = next(
            (c for c in waiting.values() if not waiting.keys() & set(referenced(c))),
            next(iter(waiting.values())),
        )
        ordered.append(waiting.pop(ready.sync))
    return ordered


def ring(contracts: Mapping[str, Contract]) -> tuple[str, ...]:
    """Return syncs that wait for each other in a ring, beginning with the first; or none."""
    for start in sorted(contracts):
        way = _back_to(start, start, contracts, ())
        if way:
            return way
    return ()


def _back_to(
    goal: str, sync: str, contracts: Mapping[str, Contract], way: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the way from a sync back to the goal along references, or nothing."""
    for following in referenced(contracts[sync]) if sync in contracts else ():
        if following == goal:
            return (*way, sync)
        if following not in way and following != sync:
            found = _back_to(goal, following, contracts, (*way, sync))
            if found:
                return found
    return ()
