"""A contract drafted from evidence: what is sure is written, what is not is left to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from activation.contract.model import DataClass, FieldKind
from activation.contract.source import CONSENT_COLUMNS, Manifest
from activation.destinations.base import ObjectSchema
from activation.destinations.traits import ObjectTraits, Traits
from activation.strategy.matching import Matching, Pair, match
from activation.strategy.profile import ColumnFacts, ModelFacts
from activation.strategy.rendering import render

_TEXT_SIZES = (10, 20, 40, 80, 120, 255, 1000, 4000)
_REQUESTS, _CONCURRENCY = 2000, 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """Both ends of a sync that does not exist yet."""

    sync: str
    model: str
    connection: str
    object: str
    facts: ModelFacts
    schema: ObjectSchema
    traits: ObjectTraits
    endpoint: Traits
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Draft:
    """A contract's file, and what a person must decide before it can be used."""

    text: str
    open_questions: tuple[str, ...]
    """Empty if the file loads as it stands."""


@dataclass(frozen=True, slots=True)
class ConsentCandidate:
    """A model that could say who agreed."""

    model: str
    joins: tuple[tuple[str, str], ...]


def draft(evidence: Evidence) -> Draft:
    """
    Return the draft: with a comment at every decision, each with its evidence.

    Consent is never invented: a model with personal data and no consent model stays open.
    """
    facts = evidence.facts
    grain = facts.grains[0] if facts.grains and facts.grains[0].proven else None
    version = next((v for v in facts.versions if not v.nulls and v.doubt is None), None)
    aside = [*(grain.columns if grain else ()), *([version.column] if version else ())]
    matching = match(facts.columns, evidence.schema, aside=aside)
    personal = [p for p in matching.pairs if p.column.data_class is not DataClass.NONE]
    consents = consent_candidates(evidence.manifest, grain.columns if grain else ())
    questions = tuple(
        _questions(evidence, matching, has_grain=grain is not None, has_version=version is not None)
    )
    if personal and not consents:
        questions = (*questions, _unconsented(personal))
    text = render(
        "contract.yaml.j2",
        evidence=evidence,
        facts=facts,
        grain=grain,
        version=version,
        matching=matching,
        fields=[(pair, spelled(pair.column, pair)) for pair in matching.pairs],
        key=matching.keys[0].name if matching.keys else None,
        personal=personal,
        consents=consents,
        questions=questions,
        requests=_REQUESTS,
        concurrency=_CONCURRENCY,
        requests_first=-(-facts.rows // evidence.endpoint.batch_rows)
        * evidence.endpoint.requests_per_batch,
    )
    return Draft(text, questions)


def _unconsented(personal: Sequence[Pair]) -> str:
    return (
        f"consent: {', '.join(p.column.name for p in personal)} are personal, and no model with "
        f"the columns {', '.join(CONSENT_COLUMNS)} joins on the grain; say who agreed to what, or "
        "leave those fields out"
    )


def consent_candidates(manifest: Manifest, grain: Sequence[str]) -> tuple[ConsentCandidate, ...]:
    """Return the models that have what a consent model has, and join on the grain."""
    found = [
        ConsentCandidate(name, tuple((column, column) for column in grain))
        for name, model in manifest.models.items()
        if grain
        and model.columns
        and all(needed in model.columns for needed in CONSENT_COLUMNS)
        and all(column in model.columns for column in grain)
    ]
    return tuple(sorted(found, key=lambda candidate: candidate.model))


def spelled(facts: ColumnFacts, pair: Pair) -> str:
    """Return the type of a field as a contract spells it: as large as both ends allow."""
    kind = facts.kind
    if kind is FieldKind.TEXT:
        needed = max(1, facts.longest or 1)
        roomy = next((size for size in _TEXT_SIZES if size >= needed), needed)
        return f"text({min(roomy, pair.field.length) if pair.field.length else roomy})"
    if kind is FieldKind.DECIMAL:
        scale = facts.scale if facts.scale is not None else (pair.field.scale or 2)
        precision = facts.precision or pair.field.precision or 18
        return f'"decimal({precision},{scale})"'
    return str(kind)


def _questions(
    evidence: Evidence, matching: Matching, *, has_grain: bool, has_version: bool
) -> list[str]:
    facts = evidence.facts
    found: list[str] = []
    if not has_grain:
        told = "; ".join(f"{', '.join(g.columns)}: {g.because}" for g in facts.grains[:3])
        found.append(f"source.grain: no column identifies a row ({told or 'none looks like it'})")
    if not has_version:
        told = "; ".join(f"{v.column}: {v.because}" for v in facts.versions[:3])
        found.append(f"source.version: no column orders states ({told or 'there is no timestamp'})")
    if not matching.keys:
        found.append(
            f"destination.key: {evidence.object} has no unique, writable external id of type text; "
            "make one there"
        )
    if not matching.pairs:
        found.append("fields: no column has the name of a field; map them by hand")
    found += [
        f"fields: {evidence.object} needs {required} in a new record, and no column fills it"
        for required in matching.required
    ]
    found += [
        f"fields.{p.field.name}: {p.column.name} is sensitive; say what for, and who approves"
        for p in matching.pairs
        if p.column.data_class is DataClass.SENSITIVE
    ]
    return found
