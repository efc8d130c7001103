"""Record ids: 15 characters that mind case, and three more that make 18 which need not."""

from __future__ import annotations

import re
import string
from functools import lru_cache

ORGANISATION = "00D"
USER = "005"
QUERY_LOCATOR = "01g"
_POD = "5e0"
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECK = string.ascii_uppercase + "012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
SHORT = 15


@lru_cache(maxsize=4096)
def _check_character(chunk: str) -> str:
    bits = sum(1 << place for place, letter in enumerate(chunk) if "A" <= letter <= "Z")
    return _CHECK[bits]


def make_id(prefix: str, number: int) -> str:
    """Return the 18-character id of the record with that number."""
    tail = ""
    while number:
        number, digit = divmod(number, 62)
        tail = _BASE62[digit] + tail
    return lengthen(f"{prefix}{_POD}{tail:0>9}")


def lengthen(short: str) -> str:
    """Return the 18-character form of a 15-character id."""
    return (
        short
        + _check_character(short[:5])
        + _check_character(short[5:10])
        + _check_character(short[10:])
    )


def parse_id(text: object) -> str | None:
    """Return the 18-character form, or None if the text has not the shape of an id."""
    if not isinstance(text, str) or _SHAPE.fullmatch(text) is None:
        return None
    return lengthen(text) if len(text) == SHORT else text


INTEGRATION_USER = make_id(USER, 1)
PERSON = make_id(USER, 2)
"""The user as whom edits by hand are stamped."""
ORGANISATION_ID = make_id(ORGANISATION, 1)
