"""Search: filters over an index that lags behind the writes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from activation.clock import Clock
from activation.sandbox.hubspot.catalogue import CrmObject
from activation.sandbox.hubspot.errors import invalid
from activation.sandbox.hubspot.records import Record, Records
from activation.sandbox.hubspot.shapes import as_read, value_of
from activation.sandbox.hubspot.values import stamp
from activation.sandbox.quirks import Quirks

MOST_RESULTS, MOST_A_PAGE, LONGEST_BODY = 10_000, 200, 3_000
MOST_GROUPS, MOST_A_GROUP = 5, 6
_DEFAULT_LIMIT = 10
Values: TypeAlias = Mapping[str, str]
Test: TypeAlias = Callable[["str | None"], bool]
MakeTest: TypeAlias = Callable[[str, Mapping[str, Any]], Test]


class Searches:
    """The search call of all objects."""

    def __init__(self, records: Records, clock: Clock, quirks: Quirks) -> None:
        self._records = records
        self._clock = clock
        self._quirks = quirks

    def run(self, of: CrmObject, body: Mapping[str, Any], size: int) -> dict[str, Any]:
        """
        Return a page of what the index holds.

        Recorded: a record that was archived since counts in `total` and is not in `results`.
        """
        if size > LONGEST_BODY:
            raise invalid(f"The body is longer than {LONGEST_BODY} characters: {size}")
        limit, after = _number(body, "limit", _DEFAULT_LIMIT), _number(body, "after", 0)
        if not 0 <= limit <= MOST_A_PAGE:
            raise invalid(f"limit must be between 0 and {MOST_A_PAGE}: got {limit}")
        if after + limit > MOST_RESULTS:
            raise invalid(f"Paging through more than {MOST_RESULTS} results is not supported")
        groups = self._groups(of, body)
        seen = self._clock.now() - timedelta(seconds=self._quirks.number("search_lag"))
        found = self._matching(of, groups, stamp(seen), str(body.get("query") or ""))
        _sort(of, found, body.get("sorts"))
        names = body.get("properties")
        shown = [
            as_read(of, record, names or None, properties=values)
            for record, values in found[after : after + limit]
            if record.archived is None
        ]
        answer: dict[str, Any] = {"total": len(found), "results": shown}
        if limit and after + limit < len(found):
            answer["paging"] = {"next": {"after": str(after + limit)}}
        return answer

    def _groups(self, of: CrmObject, body: Mapping[str, Any]) -> list[list[tuple[str, Test]]]:
        groups = body.get("filterGroups") or []
        if not isinstance(groups, list):
            raise invalid("Invalid input JSON on line 1, column 2: filterGroups must be a list")
        compiled = []
        for group in groups:
            filters = group.get("filters") if isinstance(group, dict) else None
            if not isinstance(filters, list) or len(filters) > MOST_A_GROUP:
                raise invalid(f"A filterGroup needs filters, at most {MOST_A_GROUP}")
            compiled.append([_compiled(of, one) for one in filters])
        most = int(self._quirks.number("search_filters"))
        if len(groups) > MOST_GROUPS or sum(map(len, compiled)) > most:
            raise invalid(f"At most {MOST_GROUPS} filterGroups and {most} filters are supported")
        return compiled

    def _matching(
        self,
        of: CrmObject,
        groups: Sequence[Sequence[tuple[str, Test]]],
        seen: str,
        query: str,
    ) -> list[tuple[Record, Values]]:
        found: list[tuple[Record, Values]] = []
        for record in self._records.every(of):
            if record.archived is not None and record.archived <= seen:
                continue
            values = record.as_of(seen)
            if values is None or not _says(values, query):
                continue
            if not groups or any(_passes(record, values, group) for group in groups):
                found.append((record, values))
        return found


def _passes(record: Record, values: Values, group: Sequence[tuple[str, Test]]) -> bool:
    return all(test(value_of(record, values, name)) for name, test in group)


def _says(values: Values, query: str) -> bool:
    return not query or any(query.lower() in value.lower() for value in values.values())


def _compiled(of: CrmObject, given: object) -> tuple[str, Test]:
    """Return the property that a filter looks at and its test."""
    if not isinstance(given, dict):
        raise invalid("Invalid input JSON on line 1, column 2: a filter must be an object")
    name, asked = str(given.get("propertyName")), str(given.get("operator"))
    if name not in of.documents:
        raise invalid(f"There was a problem with the request: no property {name}")
    make = _TESTS.get(asked)
    if make is None:
        raise invalid(f"Invalid input JSON on line 1, column 2: unknown operator {asked}")
    return name, make(of.documents[name]["type"], given)


def _wanted(kind: str, given: Mapping[str, Any], name: str = "value") -> Any:
    value = given.get(name)
    if value is None:
        raise invalid(f"Operator {given.get('operator')} requires a {name}")
    return _comparable(kind, str(value))


def _has(_kind: str, _given: Mapping[str, Any]) -> Test:
    return bool


def _has_not(_kind: str, _given: Mapping[str, Any]) -> Test:
    return lambda found: not found


def _against(compare: Callable[[Any, Any], bool]) -> MakeTest:
    def make(kind: str, given: Mapping[str, Any]) -> Test:
        wanted = _wanted(kind, given)
        return lambda found: bool(found) and compare(_comparable(kind, found or ""), wanted)

    return make


def _is_not(kind: str, given: Mapping[str, Any]) -> Test:
    wanted = _wanted(kind, given)
    return lambda found: not found or _comparable(kind, found) != wanted


def _between(kind: str, given: Mapping[str, Any]) -> Test:
    low, high = _wanted(kind, given), _wanted(kind, given, "highValue")
    return lambda found: bool(found) and low <= _comparable(kind, found or "") <= high


def _among(*, negated: bool) -> MakeTest:
    def make(kind: str, given: Mapping[str, Any]) -> Test:
        values = given.get("values")
        if not isinstance(values, list):
            raise invalid(f"Operator {given.get('operator')} requires values")
        # Documented: text is compared in lower case, and must be asked for so.
        chosen = {_comparable(kind, str(one), lower=False) for one in values}
        return lambda found: bool(found) and (_comparable(kind, found or "") in chosen) != negated

    return make


def _containing(*, negated: bool) -> MakeTest:
    def make(_kind: str, given: Mapping[str, Any]) -> Test:
        wanted = str(_wanted("string", given)).strip("*")
        return lambda found: (bool(found) and wanted in (found or "").lower()) != negated

    return make


_TESTS: dict[str, MakeTest] = {
    "EQ": _against(operator.eq),
    "NEQ": _is_not,
    "LT": _against(operator.lt),
    "LTE": _against(operator.le),
    "GT": _against(operator.gt),
    "GTE": _against(operator.ge),
    "BETWEEN": _between,
    "IN": _among(negated=False),
    "NOT_IN": _among(negated=True),
    "HAS_PROPERTY": _has,
    "NOT_HAS_PROPERTY": _has_not,
    "CONTAINS_TOKEN": _containing(negated=False),
    "NOT_CONTAINS_TOKEN": _containing(negated=True),
}


def _comparable(kind: str, text: str, *, lower: bool = True) -> Any:
    """Return a value as it compares: numbers and moments by size, text without its case."""
    if kind == "number":
        try:
            return Decimal(text)
        except InvalidOperation:
            raise invalid(f"{text} is not a number") from None
    if kind in ("date", "datetime"):
        return _millis(text)
    return text.lower() if lower else text


def _millis(text: str) -> int:
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00+00:00")
    except ValueError:
        raise invalid(f"{text} is not a date") from None
    return int(moment.timestamp() * 1000)


def _sort(of: CrmObject, found: list[tuple[Record, Values]], sorts: object) -> None:
    if not isinstance(sorts, list) or not sorts:
        return
    if len(sorts) > 1:
        raise invalid("Only one sort is supported")
    (given,) = sorts
    if isinstance(given, dict):
        name, falling = str(given.get("propertyName")), given.get("direction") == "DESCENDING"
    else:
        name, falling = str(given).lstrip("-"), str(given).startswith("-")
    if name not in of.documents:
        raise invalid(f"There was a problem with the request: no property {name}")
    kind = of.documents[name]["type"]

    def place(entry: tuple[Record, Values]) -> tuple[bool, Any]:
        value = value_of(entry[0], entry[1], name)
        return (not value, _comparable(kind, value) if value else 0)

    found.sort(key=place, reverse=falling)


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value in (None, ""):
        return default
    text = str(value)
    if not text.isdigit():
        raise invalid(f"{name} is not a whole number: {text}")
    return int(text)
