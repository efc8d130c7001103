"""Why a mutant may survive, by what it changed; whatever fits none of these is a gap."""

from __future__ import annotations

import re

_REASONS: tuple[tuple[str, str], ...] = tuple(
    (pattern, reason)
    for pattern, reason in (
        (r"passed=None", "equivalent: whoever reads a verdict asks whether it is true"),
        (r"\+.*XX|\+.*summary=None|\+\s+summary = None", "words for people: tests hold the facts"),
        (r"\+.*hint|\+.*step = |\+\s+f?\"|\+\s+\"", "words for people: tests hold the facts"),
    )
)


def reason_for(difference: str) -> str | None:
    """Return why nobody needs to notice this change; None if somebody should."""
    return next((reason for pattern, reason in _REASONS if re.search(pattern, difference)), None)
