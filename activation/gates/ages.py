"""How old data is, and whether that can be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from activation.gates.verdict import Evidence

FUTURE = timedelta(minutes=5)
"""How far data may be ahead of our clock; more means a wrong clock, zone or unit."""


@dataclass(frozen=True, slots=True)
class Age:
    """The age of something against its limit."""

    sentence: str
    passed: bool
    evidence: Evidence


def judge_age(what: str, newest: datetime, limit: timedelta, now: datetime) -> Age:
    """
    Compare an age with its limit; exactly the limit is young enough.

    Args:
        what: what is so old, such as "the newest data".
        newest: its time, aware.
        limit: the oldest it may be.
        now: the current time, aware.
    """
    age = now - newest
    evidence: Evidence = {
        "newest": newest.isoformat(),
        "age_minutes": round(age / timedelta(minutes=1), 1),
        "limit_minutes": round(limit / timedelta(minutes=1), 1),
    }
    if -age > FUTURE:
        sentence = f"{what} is {span(-age)} in the future; a clock, a time zone or a unit is wrong."
        return Age(sentence, passed=False, evidence=evidence)
    old = f"{what} is {span(max(age, timedelta(0)))} old; the limit is {span(limit)}."
    return Age(old, passed=age <= limit, evidence=evidence)


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units, such as `1 d 6 h`."""
    seconds = int(length.total_seconds())
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"
