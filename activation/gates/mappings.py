"""What a contract's mapping was when a plan was made, and which fields are mapped otherwise now."""

from __future__ import annotations

from collections.abc import Mapping

from activation.contract.model import Contract


def mapping_of(contract: Contract) -> dict[str, str]:
    """Return what decides each field's value: its column, type and null policy."""
    return {f.to: f"{f.column}, {f.type}, {f.nulls}" for f in contract.fields}


def changed_fields(before: Mapping[str, str], contract: Contract) -> tuple[str, ...]:
    """Return the fields that were added, taken away, or mapped otherwise, by name."""
    now = mapping_of(contract)
    return tuple(sorted(f for f in before.keys() | now.keys() if before.get(f) != now.get(f)))


def told_changes(before: Mapping[str, str], contract: Contract) -> str:
    """Return the changed fields in words, such as `City (was city, text(40), clear)`."""
    now = mapping_of(contract)
    parts = []
    for field in changed_fields(before, contract):
        if field not in before:
            parts.append(f"{field} (new)")
        elif field not in now:
            parts.append(f"{field} (taken away)")
        else:
            parts.append(f"{field} (was {before[field]}; is {now[field]})")
    return ", ".join(parts)
