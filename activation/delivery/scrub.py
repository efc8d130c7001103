"""Takes personal values out of a vendor's words before they are kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

GONE = "…"
_SHORTEST = 3
_LONGEST_TEXT = 500
_WORD = re.compile(r"\w{3,}")
_EMAIL = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")
_DIGITS = re.compile(r"\+?\d(?:[\s()./-]{0,3}\d){4,}")


def scrub(text: str, row_values: Iterable[object], *, keep: Collection[str] = ()) -> str:
    """
    Return the text without the row's values, and without what looks like an address or a number.

    Values are taken out as a whole, word by word, and as cut-off beginnings of words, because
    vendors quote them in all these ways.
    Words in `keep`, such as field names and codes, stay unless they stand within a value.
    """
    values = sorted(
        {
            str(value)
            for value in row_values
            if value is not None and not isinstance(value, bool) and len(str(value)) >= _SHORTEST
        },
        key=len,
        reverse=True,
    )
    for value in values:
        if value not in keep:
            text = re.sub(re.escape(value), GONE, text, flags=re.IGNORECASE)
    text = _DIGITS.sub(GONE, _EMAIL.sub(GONE, text))
    words = {word.lower() for value in values for word in _WORD.findall(value)}
    kept = {word.lower() for word in keep}

    def judge(match: re.Match[str]) -> str:
        word = match[0].lower()
        if word in kept or not any(of_value.startswith(word) for of_value in words):
            return match[0]
        return GONE

    return _WORD.sub(judge, text)[:_LONGEST_TEXT]
