"""The rare states that every large enough set of seeds must come through, and how they are seen."""

from __future__ import annotations

from collections.abc import Iterator

from activation_tests.simulation.books import Books

_FROM_BOOKS = {
    "a crash or an outage between intent and outcome": (
        "SELECT 1 FROM watched WHERE old = 'intended' AND new = 'intended'"
    ),
    "the same bytes went again": "SELECT 1 FROM watched WHERE old = 'sent' AND new = 'intended'",
    "a batch left in doubt": "SELECT 1 FROM watched WHERE new = 'in_doubt'",
    "a batch in doubt taken up again": (
        "SELECT 1 FROM watched WHERE old = 'in_doubt' AND new = 'intended'"
    ),
    "a batch split for consent while in doubt": "SELECT 1 FROM watched WHERE new = 'split'",
    "a whole batch blocked in flight": "SELECT 1 FROM watched WHERE new = 'blocked'",
    "some rows of a batch blocked in flight": (
        "SELECT 1 FROM watched WHERE new = 'intended' AND blocked <> '{}'"
    ),
    "a poison row found by halving": (
        "SELECT 1 FROM batch WHERE state = 'refused' AND rows = 1 AND parent IS NOT NULL"
    ),
    "a row delivered at a later attempt": (
        "SELECT 1 FROM batch WHERE state = 'delivered' AND id LIKE '%.r' AND receipt IS NULL"
    ),
    "an answered batch whose earlier attempt may land": (
        "SELECT 1 FROM watched WHERE new = 'delivered' AND fence IS NOT NULL"
    ),
    "a dead letter that went again by itself": (
        "SELECT 1 FROM dead_letter WHERE fate = 'retryable' AND state <> 'open'"
    ),
    "a lease that changed hands often": "SELECT 1 FROM lease WHERE token > 9",
    "a request refused whole while in doubt": (
        "SELECT 1 FROM watched WHERE new = 'refused' AND fence IS NOT NULL"
    ),
    "a removal that nobody answered": (
        "SELECT 1 FROM watched WHERE new = 'sent' AND verb = 'remove'"
    ),
    "a creation held for a human": (
        "SELECT 1 FROM watched WHERE new = 'in_doubt' AND fence LIKE '9999%'"
    ),
    "a pace slowed down": "SELECT 1 FROM heard WHERE topic = 'pace'",
    "a breaker opened": (
        "SELECT 1 FROM heard WHERE topic = 'breaker'"
        " AND json_extract(said, '$.open_until') IS NOT NULL"
    ),
}


_SEEN_ON_STAGE = (
    "a plan taken up where it was left",
    "a human settled a creation",
    "a job ended: done",
    "a job ended: failed",
    "a job ended: gone",
    "a job looked as if it had not started",
    "a job stalled",
    "a job was abandoned",
    "a job was adopted",
    "a rate was used up",
    "an idempotency key was known",
    "two syncs on the wire at once",
    "a later run settled what was in doubt",
    "a request took effect late",
    "a request took effect late, after its repetition was folded",
    "a row held: in_doubt",
    "a row held: rejected_before",
    "a run ended early: Busy",
    "a run ended early: Paused",
    "a run ended early: QuotaExhausted",
    "a run ended early: is older than",
    "a run ended early: was overtaken",
    "a run ended early: was stopped by its gates",
    "an answer did not speak of every row",
    "the ledger was out of reach",
    "the token expired",
    "the vendor asked to wait",
    "the vendor's own limit was met",
)

REQUIRED = (*_FROM_BOOKS, *_SEEN_ON_STAGE)
"""States that a hundredth of the seeds must come through."""


def from_books(books: Books) -> Iterator[str]:
    """Yield the states that the ledger of a seed shows."""
    for state, query in _FROM_BOOKS.items():
        if books.ask(f"{query} LIMIT 1"):
            yield state
