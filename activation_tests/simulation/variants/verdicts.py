"""Defects about what is kept of each row: outcomes, receipts, dead letters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from activation.delivery import answers, fold
from activation.delivery.settling import Settling
from activation.destinations.base import Fate, RowError
from activation.ledger import attempts, dead_letters
from activation.ledger.attempts import Settlement
from activation.ledger.batches import BatchState
from activation_tests.simulation import running
from activation_tests.simulation.variants.patches import Variants, nothing

_refused = Settling.refused
_letter = answers.letter
_sort = answers.sort
_receipts = answers.receipts
_folding = fold.receipts
_write = attempts.write


def _all_delivered(results: Any) -> Any:
    return answers.Sorted(tuple(range(len(results))), (), ())


def _nothing_retryable(results: Any) -> Any:
    return replace(_sort(results), retryable=())


def _letter_for_good(parcel: Any, position: int, error: Any, **more: Any) -> Any:
    return _letter(parcel, position, replace(error, fate=Fate.PERMANENT), **more)


def _first_receipt_lost(*args: Any) -> Any:
    return _receipts(*args)[1:]


def _first_fold_lost(*args: Any) -> Any:
    folded = _folding(*args)
    for lost in folded[:1]:
        fold.mark_folded(args[0], lost)
    return folded[1:]


async def _poison_kills_all(path: Any, parcel: Any, error: Any, *, spent: Any) -> Any:
    letters = tuple(
        answers.letter(
            parcel,
            position,
            RowError(error.code, error.message, Fate.PERMANENT),
            names=path.names,
            now=path.clock.now(),
            longest_wait=0,
        )
        for position in range(parcel.cut.rows)
    )
    await path.record(
        Settlement(
            parcel.cut,
            BatchState.REFUSED,
            rejected=dict(parcel.cut.operations),
            fence_until=parcel.fence,
            letters=letters,
            spent=spent,
        )
    )
    return ()


def _lost_part(path: Any, *args: Any, **more: Any) -> Any:
    async def refused() -> Any:
        parts = await _refused(path, *args, **more)
        return parts[1:]

    return refused()


def _letters_later(store: Any, entries: Any, **more: Any) -> Any:
    bare = [replace(e, letters=()) if isinstance(e, Settlement) else e for e in entries]
    written = _write(store, bare, **more)
    letters = [each for e in entries if isinstance(e, Settlement) for each in e.letters]
    if letters:
        with store.write() as connected:
            dead_letters.add(connected, letters)
    return written


def _nameless(parcel: Any, results: Any, positions: Any) -> Any:
    return _receipts(parcel, [replace(one, destination_id=None) for one in results], positions)


VARIANTS: Variants = {
    "a row error acknowledged": lambda: [patch.object(answers, "sort", _all_delivered)],
    "a row to repeat forgotten": lambda: [patch.object(answers, "sort", _nothing_retryable)],
    "a passing row error taken for good": lambda: [
        patch.object(answers, "letter", _letter_for_good)
    ],
    "a receipt lost": lambda: [patch.object(answers, "receipts", _first_receipt_lost)],
    "a receipt without the record's id": lambda: [
        patch.object(answers, "receipts", _nameless),
    ],
    "a fold skipped": lambda: [patch.object(running, "receipts", _first_fold_lost)],
    "a poison row costs its neighbours": lambda: [
        patch.object(Settling, "refused", _poison_kills_all)
    ],
    "half of a refused batch lost": lambda: [patch.object(Settling, "refused", _lost_part)],
    "dead letters not kept": lambda: [patch.object(dead_letters, "add", nothing)],
    "a dead letter written after its outcome": lambda: [
        patch.object(attempts, "write", _letters_later),
    ],
}
