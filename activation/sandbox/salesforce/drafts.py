"""
Rows of a write before they are applied: read, checked and matched, all of a request at once.

A draft ends either with an error or with what to write.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from activation.sandbox.salesforce.errors import (
    CallRefused,
    RowRefused,
    no_such_column,
    not_writable,
    required_missing,
    wrong_type,
)
from activation.sandbox.salesforce.objects import TOGETHER
from activation.sandbox.salesforce.records import Found, Records, fold, quoted
from activation.sandbox.salesforce.schema import Catalogue, Field, SObject
from activation.sandbox.salesforce.values import Stored


@dataclass(slots=True)
class Draft:
    """One row on its way."""

    sobject: SObject
    values: dict[str, Stored] = field(default_factory=dict)
    parents: list[tuple[Field, Field, Stored]] = field(default_factory=list)
    """Lookup field, key field of the parent, value of the key."""
    errors: list[RowRefused] = field(default_factory=list)
    row: int | None = None
    """The row number of the record to update; None creates one."""
    id: str | None = None


class Drafting:
    """Turns the records of a request into drafts."""

    def __init__(self, catalogue: Catalogue, records: Records) -> None:
        self._catalogue = catalogue
        self._records = records

    def read(self, sobject: SObject, record: Mapping[str, Any], *, by_row: bool = False) -> Draft:
        """
        Check each value of a record by itself.

        Raises:
            CallRefused: an unknown field, or a value of the wrong type unless `by_row`.
        """
        draft = Draft(sobject)
        exact, values = sobject.exact, draft.values
        for name, value in record.items():
            if name == "attributes":
                continue
            known = exact.get(name) or sobject.field(name)
            if known is None:
                self._read_parent(draft, name, value)
                continue
            try:
                values[known.name] = known.normalise(value)
            except RowRefused as error:
                draft.errors.append(error)
            except CallRefused:
                if not by_row:
                    raise
                draft.errors.append(wrong_type(known.name, known.document["label"], value))
        return draft

    def _read_parent(self, draft: Draft, name: str, value: Any) -> None:
        lookup = draft.sobject.parents.get(name.lower())
        target = lookup and self._catalogue.get(lookup.target)
        if lookup is None or not isinstance(target, SObject):
            raise no_such_column(name, draft.sobject.name)
        keys = (
            {k: v for k, v in value.items() if k != "attributes"} if isinstance(value, dict) else {}
        )
        if len(keys) != 1:
            # A nested null is refused; a link is cleared by the lookup field itself.
            message = f"{name} must name its record by exactly one external ID field"
            raise CallRefused(400, "INVALID_FIELD", message)
        ((key_name, key_value),) = keys.items()
        key = target.field(key_name)
        if key is None or not key.is_key:
            raise no_such_column(key_name, target.name)
        try:
            draft.parents.append((lookup, key, key.normalise(key_value)))
        except RowRefused as error:
            draft.errors.append(error)

    def link(self, drafts: Sequence[Draft]) -> None:
        """Find the parents that drafts name, by external id or by id."""
        linked = [d for d in drafts if d.parents or not d.sobject.lookups.isdisjoint(d.values)]
        wanted: dict[tuple[str, str], tuple[SObject, Field, set[Stored]]] = {}
        for draft in linked:
            for lookup, key, value in _lookups(self._catalogue, draft):
                target = self._catalogue.get(lookup.target)
                if target is not None and value is not None:
                    place = (target.name, key.name)
                    wanted.setdefault(place, (target, key, set()))[2].add(value)
        found = {
            place: self._index(target, key, sorted(values, key=str))
            for place, (target, key, values) in wanted.items()
        }
        for draft in linked:
            for lookup, key, value in _lookups(self._catalogue, draft):
                target_name = lookup.target
                hits = found.get((target_name, key.name), {}).get(_folded(key, value), [])
                if len(hits) == 1:
                    draft.values[lookup.name] = hits[0].id
                else:
                    draft.errors.append(_no_parent(lookup, key, value, target_name, len(hits)))

    def _index(
        self, sobject: SObject, key: Field, values: Sequence[Stored]
    ) -> dict[Stored, list[Found]]:
        found: dict[Stored, list[Found]] = {}
        for hit in self._records.find(sobject, key, values):
            if not hit.is_deleted:
                found.setdefault(_folded(key, hit.value), []).append(hit)
        return found

    def match(self, drafts: Sequence[Draft], key: Field) -> list[Stored]:
        """Find the records that drafts of an upsert update; return the keys, in order."""
        values = [draft.values.get(key.name) for draft in drafts]
        folded = [_folded(key, value) for value in values]
        seen: dict[Stored, int] = {}
        for value in folded:
            seen[value] = seen.get(value, 0) + 1
        present = [value for value in values if value is not None]
        found = self._index(drafts[0].sobject, key, present) if drafts else {}
        for draft, value, shared in zip(drafts, values, folded, strict=True):
            if key.name == "Id":
                draft.values.pop("Id", None)
            if value is not None and seen[shared] > 1:
                text = f"Duplicate external id specified: {value}"
                draft.errors.append(RowRefused("DUPLICATE_VALUE", text, [key.name]))
            else:
                _settle(draft, key, value, found.get(shared, []))
        return values

    def check(self, drafts: Sequence[Draft], matched_by: Field | None = None) -> None:
        """
        Check what depends on whether a record is created or updated.

        A field that the drafts were matched by cannot clash with another record.
        """
        converted = self._records.converted([d.row for d in drafts if d.sobject.name == "Lead"])
        for draft in drafts:
            sobject, values = draft.sobject, draft.values
            creating = draft.row is None
            draft.errors += _closed(draft, converted)
            missing = [n for n in sobject.not_nillable if n in values and values[n] is None]
            if creating and not draft.errors:
                missing += [n for n in sobject.required if n not in values]
            if missing:
                draft.errors.append(required_missing(sorted(missing)))
        for sobject in {draft.sobject.name: draft.sobject for draft in drafts}.values():
            own = [d for d in drafts if d.sobject.name == sobject.name and not d.errors]
            for name in sobject.unique:
                unique = sobject.field(name)
                if unique is not None and unique is not matched_by:
                    self._check_unique(own, unique)
            for names in TOGETHER.get(sobject.name, ()):
                self._check_together([d for d in own if d.row is None], names)

    def _check_together(self, drafts: Sequence[Draft], names: tuple[str, str]) -> None:
        """Refuse new records that have these two fields as another has."""
        claimed: set[tuple[Stored, ...]] = set()
        for draft in drafts:
            pair = tuple(draft.values.get(name) for name in names)
            if None in pair:
                continue
            where = " AND ".join(f"{quoted(name)} = ?" for name in names)
            if pair in claimed or self._records.read(
                draft.sobject, f'{where} AND "IsDeleted" = 0', pair
            ):
                # Text as recorded by users of the API.
                draft.errors.append(RowRefused("DUPLICATE_VALUE", "Already a campaign member."))
            claimed.add(pair)

    def _check_unique(self, drafts: Sequence[Draft], unique: Field) -> None:
        name = unique.name
        holding = [d for d in drafts if d.values.get(name) is not None]
        if not holding:
            return
        taken = self._index(holding[0].sobject, unique, [d.values[name] for d in holding])
        claimed: set[Stored] = set()
        for draft in holding:
            value = _folded(unique, draft.values[name])
            others = [hit.id for hit in taken.get(value, []) if hit.row != draft.row]
            if others or value in claimed:
                other = others[0] if others else "<unknown>"
                text = f"duplicate value found: {name} duplicates value on record with id: {other}"
                draft.errors.append(RowRefused("DUPLICATE_VALUE", text))
            claimed.add(value)


def _folded(key: Field, value: Stored) -> Stored:
    return fold(value, is_case_sensitive=key.document["caseSensitive"])


def _closed(draft: Draft, converted: Collection[int]) -> list[RowRefused]:
    """Return why a record, or a field of it, may not be written."""
    sobject, creating = draft.sobject, draft.row is None
    refused = []
    if not sobject.document["createable" if creating else "updateable"]:
        refused.append(_no_permission(sobject, creating=creating))
    if sobject.name == "Lead" and draft.row in converted:
        # As recorded; the error names no field.
        text = "cannot reference converted lead"
        refused.append(RowRefused("CANNOT_UPDATE_CONVERTED_LEAD", text))
    closed = sobject.not_createable if creating else sobject.not_updateable
    if names := [name for name in draft.values if name in closed]:
        refused.append(not_writable(names))
    return refused


def _no_permission(sobject: SObject, *, creating: bool) -> RowRefused:
    # Codes are known from users of the API, texts from general knowledge.
    if creating:
        text = f"entity type cannot be inserted: {sobject.document['label']}"
        return RowRefused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)
    return RowRefused("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


def _settle(draft: Draft, key: Field, value: Stored, hits: Sequence[Found]) -> None:
    """Let a draft of an upsert update the one record that it matches, or create."""
    if value is None:
        # An upsert by record id creates where none is given.
        if key.name != "Id" and not draft.errors:
            draft.errors.append(RowRefused("MISSING_ARGUMENT", f"{key.name} not specified"))
    elif len(hits) > 1:
        ids = ", ".join(hit.id for hit in hits)
        text = f"{key.name}: more than one record found for external id field: [{ids}]"
        draft.errors.append(RowRefused("DUPLICATE_EXTERNAL_ID", text))
    elif hits:
        draft.row, draft.id = hits[0].row, hits[0].id
    elif key.name == "Id":
        draft.errors.append(RowRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))


def _lookups(catalogue: Catalogue, draft: Draft) -> list[tuple[Field, Field, Stored]]:
    """Return every link of a draft to an object whose records the sandbox holds."""
    links = list(draft.parents)
    for lookup in draft.sobject.parents.values():
        if (value := draft.values.get(lookup.name)) is not None and not any(
            lookup is named for named, _, _ in draft.parents
        ):
            target = catalogue.get(lookup.target)
            identity = None if target is None else target.field("Id")
            if identity is not None:
                links.append((lookup, identity, value))
    return links


def _no_parent(lookup: Field, key: Field, value: Stored, target: str, hits: int) -> RowRefused:
    if key.name == "Id":
        return RowRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    if hits:
        return RowRefused(
            "DUPLICATE_EXTERNAL_ID",
            f"{lookup.name}: more than one record found for external id field {key.name}",
        )
    return RowRefused(
        "INVALID_FIELD",
        f"Foreign key external ID: {value} not found for field {key.name} in entity {target}",
    )
