"""What both sides look like to a contract, and how that differs from the last plan delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from activation.contract.model import Contract
from activation.destinations.base import FieldSchema, ObjectSchema
from activation.gates.past import Past
from activation.planning.model import Plan
from activation.planning.source_types import narrows

GONE = "gone"
SOURCE, DESTINATION = "source.", "destination."
_SHOWN_VALUES = 20


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that looks otherwise than before."""

    what: str
    before: str
    after: str
    until: datetime
    """When it was last seen as before."""
    since: datetime
    """When it was first seen as it is now."""
    stops: bool
    """Whether values could be lost or mean something else, though they still fit."""

    @property
    def sentence(self) -> str:
        """Return what changed, between when and when."""
        side, _, name = self.what.partition(".")
        is_now = "is gone" if self.after == GONE else f"is {self.after}"
        return (
            f"{side} `{name}` {is_now} and was {self.before}, seen since "
            f"{self.since:%Y-%m-%d %H:%M} UTC and not yet at {self.until:%Y-%m-%d %H:%M}"
        )


def seen(contract: Contract, plan: Plan, schema: ObjectSchema) -> dict[str, str]:
    """Return what the contract depends on of either side, as it looks now; no value of a row."""
    found = {f"{SOURCE}{name}": kind for name, kind in plan.source.columns.items()}
    for name in (contract.destination.key, *(mapping.to for mapping in contract.fields)):
        field = schema.field(name)
        if field is not None:
            found[f"{DESTINATION}{name}"] = _described(field)
    for name, field in schema.fields.items():
        if field.required and field.writable:
            found.setdefault(f"{DESTINATION}{name}", _described(field))
    may = {"create": schema.creatable, "update": schema.updatable, "delete": schema.deletable}
    allowed = ", ".join(verb for verb, can in may.items() if can)
    found[f"{DESTINATION}({schema.name})"] = f"open to {allowed or 'nothing'}"
    return found


def drifts(contract: Contract, plan: Plan, now: Mapping[str, str], past: Past) -> tuple[Drift, ...]:
    """Return what looks otherwise than in the last plan that was delivered; what is new is not."""
    if past.last is None:
        return ()
    return tuple(_drifts(contract, plan, now, past))


def _drifts(contract: Contract, plan: Plan, now: Mapping[str, str], past: Past) -> Iterator[Drift]:
    last = past.last
    if last is None:
        return
    keys = {f"{SOURCE}{column.lower()}" for column in contract.source.grain}
    for what, before in sorted(last.seen.items()):
        after = now.get(what, GONE)
        if after == before or not _named(contract, what):
            continue
        stops = (
            what.startswith(SOURCE)
            and after != GONE
            and narrows(before, after, exactly=what in keys)
        )
        known = past.noticed.get(what, GONE) == after
        since = past.since.get(what, plan.created_at) if known else plan.created_at
        yield Drift(what, before, after, last.at, since, stops)


def _named(contract: Contract, what: str) -> bool:
    """Tell whether the contract still depends on it: what it no longer maps may go."""
    side, _, name = what.partition(".")
    if f"{side}." == SOURCE:
        source = contract.source
        columns = (*source.grain, source.version, *(f.column for f in contract.fields))
        return name in {column.lower() for column in columns}
    fields = {contract.destination.key, *(f.to for f in contract.fields)}
    return name in fields or name.startswith("(")


def _described(field: FieldSchema) -> str:
    size = ""
    if field.length is not None:
        size = f"({field.length})"
    elif field.precision is not None:
        size = f"({field.precision},{field.scale or 0})"
    flags = {
        "read-only": not field.writable,
        "required": field.required,
        "unique": field.unique,
        "external id": field.external_id,
    }
    words = [f"{field.type}{size}", *(word for word, holds in flags.items() if holds)]
    if field.values is not None:
        words.append(_values(field.values))
    return ", ".join(words)


def _values(values: tuple[str, ...]) -> str:
    if len(values) <= _SHOWN_VALUES:
        return f"one of {' | '.join(sorted(values))}"
    digest = hashlib.sha256("\n".join(sorted(values)).encode()).hexdigest()[:8]
    return f"one of {len(values)} values ({digest})"
