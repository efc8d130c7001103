"""What a dead letter waits for: time, a fix, or a human."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

MOST_REPLAYS = 8
"""Deliveries that a passing error is believed in; after that, somebody must look."""
LONGEST_WAIT = timedelta(hours=12)
"""Between two replays of one row; each wait is twice as long as the one before, up to this."""

_FOR_HUMANS = ("DUPLICATE", "ACCESS", "PERMISSION", "PRIVILEGE", "FORBIDDEN", "DELETED", "MERGE")
"""Words in error classes of which neither the model nor the mapping is to blame."""


class Need(StrEnum):
    """What has to happen before a row can be delivered."""

    RETRY_LATER = "retry later"
    NEEDS_A_FIX = "needs a fix"
    NEEDS_A_HUMAN = "needs a human"


class Rejected(Protocol):
    """A dead letter, as far as it says what it waits for."""

    @property
    def code(self) -> str: ...  # noqa: D102 - told by the class
    @property
    def fate(self) -> str: ...  # noqa: D102
    @property
    def fields(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def next_attempt_at(self) -> datetime | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a letter needs, and what is to be done about it."""

    need: Need
    says: str


def diagnose(letter: Rejected) -> Diagnosis:
    """Return what a letter waits for, and say which fix if it needs one."""
    if letter.fate == "retryable":
        if letter.next_attempt_at is not None:
            moment = f"{letter.next_attempt_at:%Y-%m-%d %H:%M} UTC"
            return Diagnosis(Need.RETRY_LATER, f"It goes out again by itself from {moment} on.")
        return Diagnosis(
            Need.NEEDS_A_HUMAN,
            f"{letter.code} should have passed, and did not in {letter.attempts} deliveries: see "
            "what holds the record in the destination, then replay or drop it.",
        )
    if any(word in letter.code.upper() for word in _FOR_HUMANS):
        return Diagnosis(
            Need.NEEDS_A_HUMAN,
            f"{letter.code} is about the record or our rights there: settle it in the "
            "destination, then replay or drop it.",
        )
    if letter.fields:
        names = ", ".join(letter.fields)
        return Diagnosis(
            Need.NEEDS_A_FIX,
            f"Mend {names} in the model, or the rule on it in the destination ({letter.code}); "
            "a changed row goes out by itself, an unchanged one once it is replayed.",
        )
    return Diagnosis(
        Need.NEEDS_A_FIX,
        f"Mend what {letter.code} names, in the model or in the destination; a changed row goes "
        "out by itself, an unchanged one once it is replayed.",
    )


def next_wait(first: timedelta, attempts: int) -> timedelta | None:
    """Return how long a row waits that was refused so often; None if it no longer does."""
    if attempts >= MOST_REPLAYS:
        return None
    longest: timedelta = max(first, LONGEST_WAIT)
    doubled: timedelta = first * 2 ** (attempts - 1)
    return min(doubled, longest)
