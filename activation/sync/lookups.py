"""Asking the destination what it holds, before a plan is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from activation.contract.model import FieldMapping
from activation.delivery.order import target_of
from activation.destinations.base import Target
from activation.errors import DestinationError
from activation.planning.questions import Answers, Found, Questions, matched, settled
from activation.sync.parts import Parts


def ask(parts: Parts, questions: Questions) -> Answers:
    """
    Return what the destination holds of the rows in question: by our key first, then by identity.

    Raises:
        Stopped: it does not answer, or not now; nothing was changed anywhere.
    """
    if not questions.keys:
        return Answers()
    try:
        return _Asking(parts, questions).answers()
    except DestinationError as error:
        raise parts.unreachable(error) from None


def most_rows(parts: Parts) -> int:
    """Return how many rows may be asked about: half of what is left of the day is for writes."""
    contract = parts.contract
    used = parts.ledger.quota.share(contract.destination.connection, contract.sync)
    left = max(0, contract.quota.requests_per_day - used)
    traits = parts.destination.object_traits(contract.destination.object)
    rounds = 1 + len(contract.identity)
    return left // 2 // rounds * traits.read_back_keys


@dataclass(slots=True)
class _Asking:
    """The requests of one plan, counted."""

    parts: Parts
    questions: Questions
    requests: int = 0

    def answers(self) -> Answers:
        theirs = tuple(self._read())
        candidates: dict[str, list[str]] = {}
        new = self.questions.new
        if new is not None and new.num_rows:
            there = {self._alike(key) for page in theirs for key in _keys(page)}
            absent = [self._alike(key) not in there for key in _keys(new)]
            candidates = self._search(new.filter(pa.array(absent, pa.bool_())))
        return Answers(
            asked=self.questions.keys,
            theirs=theirs,
            matches=settled(candidates),
            requests=self.requests,
        )

    def _read(self) -> Iterator[pa.Table]:
        destination = self.parts.destination
        for page in destination.read_back(read_target(self.parts), self.questions.keys):
            self.requests += page.requests
            yield page.rows

    def _search(self, new: pa.Table) -> dict[str, list[str]]:
        """Return which records without our key rows may mean; the first field to find any wins."""
        found: dict[str, list[str]] = {}
        for by in self.parts.contract.identity:
            open_rows = [
                (key, value)
                for key, value in zip(_keys(new), new[by].to_pylist(), strict=True)
                if value is not None and key not in found
            ]
            found |= matched(open_rows, list(self._find(by, open_rows)))
        return found

    def _find(self, by: str, rows: list[tuple[str, str]]) -> Iterator[Found]:
        values = list(dict.fromkeys(value for _, value in rows))
        if not values:
            return
        target = target_of(self.parts.contract)
        for page in self.parts.destination.find(target, by, values):
            self.requests += page.requests
            for row in page.rows.to_pylist():
                yield Found(row["value"], row["destination_id"], row["sync_key"])

    def _alike(self, key: str) -> str:
        return key if self.parts.facts.traits.key_is_case_sensitive else key.lower()


def read_target(parts: Parts) -> Target:
    """Return what is read of a record: the mapped fields, and when it was last changed if asked."""
    contract = parts.contract
    target = target_of(contract)
    modified = contract.conflicts.modified
    if modified is None or modified in {f.to for f in target.fields}:
        return target
    return replace(target, fields=(*target.fields, _moment(modified)))


def _moment(name: str) -> FieldMapping:
    """Return a field to be read as a time."""
    return FieldMapping.model_validate(
        {"to": name, "column": name, "type": "timestamp", "nulls": "keep", "data_class": "none"}
    )


def _keys(rows: pa.Table) -> list[str]:
    keys: list[str] = rows["sync_key"].to_pylist()
    return keys
