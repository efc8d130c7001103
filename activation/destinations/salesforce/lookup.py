"""Which records have a key, for writes that go by record id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from activation.destinations.base import Target
from activation.destinations.salesforce.readback import read_back
from activation.destinations.salesforce.session import Deadline, Session


@dataclass(slots=True)
class Lookup:
    """The ids of the records that keys lead to."""

    keys: Sequence[str]
    requests: int = 0
    _exact: dict[str, list[str]] = field(default_factory=dict)
    _folded: dict[str, list[str]] = field(default_factory=dict)

    def of(self, key: str) -> Sequence[str]:
        """
        Return the ids of the records with that key.

        Salesforce minds no case unless the field was made to; one that has the very key wins.
        """
        return self._exact.get(key) or self._folded.get(key.lower()) or ()

    def add(self, key: str, identity: str) -> None:
        """Keep a record that was found."""
        self._exact.setdefault(key, []).append(identity)
        self._folded.setdefault(key.lower(), []).append(identity)

    def unclear(self) -> dict[str, Mapping[str, object]]:
        """Return, by key, the refusal of rows whose key does not lead to one record at most."""
        times = Counter(self.keys)
        twice = _refused("DUPLICATE_VALUE", "Duplicate external id specified")
        several = _refused(
            "DUPLICATE_EXTERNAL_ID", "more than one record found for external id field"
        )
        return {
            key: twice if times[key] > 1 else several
            for key in times
            if times[key] > 1 or len(self.of(key)) > 1
        }

    def absent(self, result: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
        """Return that result by each key that leads to no record."""
        return {key: result for key in self.keys if not self.of(key)}


def look_up(session: Session, target: Target, keys: Sequence[str], deadline: Deadline) -> Lookup:
    """
    Ask which records have these keys.

    Raises what a read raises; it is never a doubt about rows.
    """
    lookup = Lookup(keys)
    for page in read_back(session, replace(target, fields=()), keys, deadline=deadline):
        lookup.requests += page.requests
        for row in page.rows.to_pylist():
            lookup.add(row["sync_key"], row["destination_id"])
    return lookup


def _refused(code: str, text: str) -> Mapping[str, object]:
    error = {"statusCode": code, "message": text, "fields": []}
    return {"success": False, "errors": [error]}


NOT_FOUND = _refused("NOT_FOUND", "no record has this key")
"""The result of a row whose key leads to no record, as Salesforce would word it."""
