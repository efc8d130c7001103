"""Tags: words in lower case, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_GAPS = re.compile(r"[\s,]+")


def tidy(given: object) -> list[str]:
    """Return the tags in a list or a text, as they are kept."""
    texts = given if isinstance(given, list) else [given]
    found = [word for text in texts if isinstance(text, str) for word in _GAPS.split(text.lower())]
    return list(dict.fromkeys(word for word in found if word))


def written(before: Sequence[str], given: object, fixed: Iterable[str]) -> list[str]:
    """
    Return the tags after a write: those kept in the order they had, then the new ones.

    `fixed` are tags that custom fields give, which a write leaves.
    """
    wanted = dict.fromkeys([*tidy(given), *fixed])
    kept = [tag for tag in before if tag in wanted]
    return list(dict.fromkeys([*kept, *wanted]))
