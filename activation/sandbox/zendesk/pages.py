"""Lists, a page at a time: by cursor, or by the number of the page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from activation.sandbox.zendesk.call import Call
from activation.sandbox.zendesk.errors import error, invalid_attribute

MOST = 100
_DEEPEST = 10_000
"""The records that lists by page number tell of; beyond, only cursors lead on."""

Fetch = Callable[[str, Sequence[Any]], list[Any]]
"""Returns records by SQL for what follows `WHERE`."""


def cursor_of(*values: object) -> str:
    """Return a cursor that stands behind these values."""
    return base64.urlsafe_b64encode("|".join(map(str, values)).encode()).decode()


def values_in(cursor: str) -> list[float]:
    """
    Return the values that a cursor stands behind.

    Raises:
        CallRefused: it is none.
    """
    try:
        return [float(part) for part in base64.urlsafe_b64decode(cursor).decode().split("|")]
    except (ValueError, binascii.Error):
        raise invalid_attribute("page[after]", "Invalid parameter: page[after]") from None


def listing(  # noqa: PLR0913
    call: Call,
    name: str,
    *,
    fetch: Fetch,
    count: Callable[[], int],
    shown: Callable[[Any], Mapping[str, Any]],
    address: str,
    where: str = "state = 0",
    values: Sequence[Any] = (),
) -> dict[str, Any]:
    """
    Return a page of records in the order of their ids.

    Raises:
        CallRefused: a parameter is not one, or the page lies too deep.
    """
    url = f"{address}/api/v2/{call.path}.json"
    if any(key.startswith("page[") for key in call.query):
        return _by_cursor(call, name, fetch, shown, url, where, values)
    page, size = call.whole("page", 1), min(call.whole("per_page", MOST) or MOST, MOST)
    if page < 1 or (page - 1) * size >= _DEEPEST:
        # From general knowledge.
        raise error(400, "InvalidPaginationDepth", "Over the maximum depth of offset pagination")
    found = fetch(f"{where} ORDER BY id LIMIT ? OFFSET ?", (*values, size + 1, (page - 1) * size))
    call.note.rows = min(len(found), size)
    return numbered(
        name,
        [shown(record) for record in found[:size]],
        call,
        page=page,
        more=len(found) > size,
        count=count(),
        url=url,
    )


def numbered(  # noqa: PLR0913
    name: str,
    records: Sequence[object],
    call: Call,
    *,
    page: int,
    more: bool,
    count: int,
    url: str,
) -> dict[str, Any]:
    """Return a page of a list by number, with the addresses of its neighbours."""

    def at(number: int) -> str:
        kept = [(k, v) for k, v in call.query.multi_items() if k != "page"]
        return f"{url}?{urlencode([*kept, ('page', number)])}"

    return {
        name: records,
        "next_page": at(page + 1) if more else None,
        "previous_page": at(page - 1) if page > 1 else None,
        "count": count,
    }


def _by_cursor(  # noqa: PLR0913, PLR0917
    call: Call,
    name: str,
    fetch: Fetch,
    shown: Callable[[Any], Mapping[str, Any]],
    url: str,
    where: str,
    values: Sequence[Any],
) -> dict[str, Any]:
    size = min(call.whole("page[size]", MOST) or MOST, MOST)
    after = call.query.get("page[after]")
    last = values_in(after)[0] if after else -1
    found = fetch(f"{where} AND id > ? ORDER BY id LIMIT ?", (*values, last, size + 1))
    page = found[:size]
    call.note.rows = len(page)
    more = len(found) > size
    cursor = cursor_of(page[-1].id) if page else None
    kept = [(k, v) for k, v in call.query.multi_items() if k != "page[after]"]
    following = f"{url}?{urlencode([*kept, ('page[after]', cursor)])}" if more else None
    return {
        name: [shown(record) for record in page],
        "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": after},
        "links": {"prev": None, "next": following},
    }
