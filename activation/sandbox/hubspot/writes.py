"""Write records: check the values, see who has them already, then one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activation.clock import Clock
from activation.sandbox.faults import Fault
from activation.sandbox.hubspot.catalogue import CrmObject
from activation.sandbox.hubspot.errors import Invalid, RowRefused, invalid_values, taken
from activation.sandbox.hubspot.objects import LIFECYCLE
from activation.sandbox.hubspot.records import API, Record, Records, claims_of, history_line
from activation.sandbox.hubspot.row_faults import strike
from activation.sandbox.hubspot.values import stamp
from activation.sandbox.state import State

_STAGES = {stage: order for order, (stage, _) in enumerate(LIFECYCLE)}


@dataclass(slots=True)
class Draft:
    """One row on its way."""

    values: dict[str, str]
    """What is to be written, brought into form; empty text clears."""
    error: RowRefused | None = None
    record: Record | None = None
    """The record that is updated, or the one that was made."""
    created: bool = False
    replaces: bool = False
    """Whether what is not mentioned is cleared."""


class Writes:
    """Creates and updates records."""

    def __init__(self, state: State, clock: Clock, records: Records) -> None:
        self._state = state
        self._clock = clock
        self._records = records

    def now(self) -> str:
        """Return the time as records have it."""
        return stamp(self._clock.now())

    def draft(self, of: CrmObject, given: Mapping[str, Any], faults: Sequence[Fault] = ()) -> Draft:
        """Check a row's values; a value of null is as if it had not been given."""
        values: dict[str, str] = {}
        wrong: list[Invalid] = []
        normalise, read_only = of.normalise, of.read_only
        for name, value in given.items():
            check = normalise.get(name)
            if check is None:
                text = f'Property "{name}" does not exist'
                wrong.append(Invalid("PROPERTY_DOESNT_EXIST", name, text))
            elif name in read_only:
                text = f'"{name}" is a read only property; its value cannot be set.'
                wrong.append(Invalid("READ_ONLY_VALUE", name, text))
            elif value is not None:
                kept = check(value)
                if isinstance(kept, str):
                    values[name] = kept
                else:
                    wrong.append(kept)
        if wrong:
            return Draft(values, invalid_values(wrong))
        return Draft(values, strike(faults, given) if faults else None)

    def settle(self, of: CrmObject, drafts: Sequence[Draft]) -> None:
        """Give each healthy draft its record, or the error that shows beside the others."""
        now = self.now()
        healthy = [draft for draft in drafts if draft.error is None]
        for draft in healthy:
            if draft.record is None:
                draft.created = True
                draft.record = Record(self._records.next_id(of), now, now, None, None, {}, "")
                _check_required(of, draft)
        self._check_unique(of, healthy)

    def store(self, of: CrmObject, drafts: Sequence[Draft], source: str = API) -> None:
        """Write the healthy drafts in one transaction."""
        now = self.now()
        made: list[Record] = []
        changed: list[tuple[Record, str]] = []
        claims: list[tuple[str, str, int]] = []
        freed: list[tuple[str, str]] = []
        for draft in drafts:
            record = draft.record
            if draft.error is not None or record is None:
                continue
            before = record.properties
            if draft.created:
                _fill(of, record, draft.values)
                record.history = history_line(now, source, record.properties)
                made.append(record)
                claims += claims_of(of, record)
                continue
            line = _change(of, record, draft, now, source)
            changed.append((record, line))
            for name in of.unique:
                old, new = before.get(name), record.properties.get(name)
                if old != new:
                    freed += [(name, old)] if old else []
                    claims += [(name, new, record.id)] if new else []
        with self._state.transaction():
            self._records.insert(of, made)
            self._records.update(of, changed)
            self._records.release(of, freed)
            self._records.claim(of, claims)

    def _check_unique(self, of: CrmObject, drafts: Sequence[Draft]) -> None:
        for name in of.unique:
            wanted = [(draft, draft.values.get(name)) for draft in drafts if draft.error is None]
            values = list({value for _, value in wanted if value})
            if not values:
                continue
            holders = self._records.holders(of, name, values)
            for draft, value in wanted:
                if not value or draft.record is None:
                    continue
                holder = holders.setdefault(value, draft.record.id)
                if holder != draft.record.id:
                    identity = str(draft.record.id)
                    draft.error = taken(of.type.legacy, name, value, identity, str(holder))


def _check_required(of: CrmObject, draft: Draft) -> None:
    lacking = [name for name in of.type.required if not draft.values.get(name)]
    if lacking:
        draft.error = RowRefused(
            f"Error creating {of.type.legacy}. Some required properties were not set.",
            context={"properties": lacking},
        )


def _fill(of: CrmObject, record: Record, values: Mapping[str, str]) -> None:
    """Give a new record its values, and those that HubSpot adds."""
    filled = {name: value for name, value in values.items() if value}
    if of.name == "contacts":
        filled |= {
            "hs_all_contact_vids": str(record.id),
            "hs_is_contact": "true",
            "hs_is_unworked": "true",
            "hs_pipeline": "contacts-lifecycle-pipeline",
        }
        _follow_email(filled)
    elif of.name == "companies" and "domain" in filled and "website" in of.documents:
        filled.setdefault("website", filled["domain"])
    record.properties = filled


def _change(of: CrmObject, record: Record, draft: Draft, now: str, source: str) -> str:
    """Give an existing record its new values; return the line of its history."""
    before = record.properties
    after = dict(before)
    if draft.replaces:
        after = {name: value for name, value in before.items() if name.startswith("hs_")}
    stage = draft.values.get("lifecyclestage")
    if stage and _is_step_back(before.get("lifecyclestage"), stage):
        draft.values["lifecyclestage"] = before["lifecyclestage"]
    after.update(draft.values)
    if "" in draft.values.values():
        after = {name: value for name, value in after.items() if value}
    if of.name == "contacts":
        _follow_email(after)
    record.properties = after
    # Milliseconds are all that a record's time has; two writes in one still come in order.
    record.updated = max(now, record.updated)
    given = draft.values
    changed = {name: value for name, value in given.items() if before.get(name, "") != value}
    if draft.replaces:
        changed |= dict.fromkeys(before.keys() - after.keys(), "")
    return history_line(record.updated, source, changed) if changed else ""


def _is_step_back(before: str | None, value: str) -> bool:
    """Tell whether a lifecycle stage would go back; such a write is dropped without a word."""
    return bool(before and value) and _STAGES.get(value, 99) < _STAGES.get(before or "", -1)


def _follow_email(values: dict[str, str]) -> None:
    email = values.get("email")
    if email:
        values["hs_email_domain"] = email.rpartition("@")[2]
    else:
        values.pop("hs_email_domain", None)
