"""Whom a row is about: the person's key, made of the sync key alone."""

from __future__ import annotations

from collections.abc import Callable

from activation.contract.consent import Consent
from activation.contract.keys import compose_key, parts_of
from activation.contract.model import Contract


def person_key(text: str) -> str:
    """Return a person's key as it is compared: vendors do not tell C-1 from c-1."""
    return text.strip(" ").lower()


def whom(contract: Contract) -> Callable[[str], str] | None:
    """
    Return what tells of a sync key whom it is about; None if the object is not about people.

    A person is known by the columns that join to consent, which are part of the grain.
    """
    consent, grain = contract.consent, contract.source.grain
    if not isinstance(consent, Consent):
        return None
    if len(grain) == 1:
        return person_key
    places = [grain.index(column) for column in consent.columns]

    def of(key: str) -> str:
        parts = parts_of(key)
        found = compose_key(parts[place] if place < len(parts) else "" for place in places)
        return person_key(found or "")

    return of
