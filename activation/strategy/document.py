"""The strategy of a sync: one document, always in six parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from activation.alerting.catalogue import relevant
from activation.contract.destination import Mode
from activation.contract.model import Contract, DataClass, FieldKind
from activation.destinations.traits import EndpointClass, Normaliser, ObjectTraits
from activation.reconciliation.parity import UNEXPLAINED, Discrepancy
from activation.reconciliation.triage import TRIAGE
from activation.strategy.facts import Facts
from activation.strategy.rendering import render
from activation.strategy.runbook import removal

PARTS = (
    "Activation objective and constraints",
    "Data contract and field mapping",
    "Sync mechanics",
    "Monitoring and reconciliation plan",
    "Rollout and rollback",
    "Governance controls",
)
_MODES: Mapping[Mode, str] = {
    Mode.UPSERT: "records are created and updated, never removed",
    Mode.UPDATE_ONLY: "records are updated, never created or removed",
    Mode.CREATE_ONLY: "records are created and left alone afterwards",
    Mode.MIRROR: "records are created and updated, and removed once the source no longer has them",
    Mode.AUDIENCE: "members are added, and those that we added are taken out",
}
_CLASSES: Mapping[EndpointClass, str] = {
    EndpointClass.JOB: "a job in two phases; after a crash it is adopted, never made twice.",
    EndpointClass.KEYED_UPSERT: "an upsert by key; the very same bytes may go again.",
    EndpointClass.IDEMPOTENT_CREATE: (
        "a create with an idempotency key; it may go again while the vendor remembers the key."
    ),
    EndpointClass.UNKEYED: "a write without a key; what was never answered waits for a person.",
}
_NULLS = {
    "clear": "empties the field",
    "keep": "leaves the field as it is",
    "hold": "holds the row",
}
_NORMALISERS: Mapping[Normaliser, str] = {
    Normaliser.TRIM: "trimmed",
    Normaliser.EMPTY_IS_NULL: "emptied to nothing",
    Normaliser.LOWER: "put in lower case",
    Normaliser.SECONDS: "cut to whole seconds",
}
_FULL_DAYS = 0.8
"""The share of a day's requests from which on a load is close to the limit."""


def strategy(facts: Facts) -> str:
    """Return the document in Markdown; the same facts give the same bytes."""
    contract = facts.contract
    return render(
        "strategy.md.j2",
        contract=contract,
        system=facts.system,
        headroom=facts.headroom,
        traits=facts.traits,
        endpoints=facts.endpoints,
        measured=facts.measured,
        loads=facts.loads,
        advices=tuple(_advices(facts)),
        parity_sql=facts.parity_sql,
        mode=_MODES[contract.destination.mode],
        nulls=_NULLS,
        classes=_CLASSES_BY_VALUE,
        normalisation=_normalisation(facts.traits),
        triage=[
            (kind.value, TRIAGE[kind].meaning, kind not in UNEXPLAINED, TRIAGE[kind].what_to_do)
            for kind in Discrepancy
        ],
        accepted=_accepted(contract),
        alerts=relevant(contract),
        erasure=facts.erasure,
        removal=removal(facts.traits),
        classes_of={
            kind.value: [f"`{f.to}`" for f in contract.fields if f.data_class is kind]
            for kind in DataClass
        },
    )


_CLASSES_BY_VALUE = {kind.value: text for kind, text in _CLASSES.items()}


def _normalisation(traits: ObjectTraits) -> str:
    """Return what the destination does to values, as the comparison does too."""
    told = [
        f"{kind.value} is {_and([_NORMALISERS[n] for n in found])}"
        for kind, found in traits.values.items()
        if found
    ]
    if extra := [n for n in traits.email_values if n not in traits.values.get(FieldKind.TEXT, ())]:
        told.append(f"e-mail is {_and([_NORMALISERS[n] for n in extra])}")
    if not told:
        return "The destination stores values as they come."
    changes = "; ".join(told)
    return f"The destination changes values that it stores, and so does the comparison: {changes}."


def _advices(facts: Facts) -> Iterator[str]:
    """Yield what would avoid a limit that a load comes close to."""
    for load in facts.loads:
        if load.share > 1:
            yield (
                f"{load.name}: the day's requests are used up on the first of {load.days} days; "
                "the rest waits, in order. More rows a request (a bulk endpoint), fewer rows "
                "(a narrower phase first) or a higher `quota.requests_per_day` would avoid it."
            )
        elif load.share > _FULL_DAYS:
            yield f"{load.name}: close to the day's requests; leave room for retries."
    if len({load.endpoint for load in facts.loads}) > 1:
        yield "Larger loads go over another endpoint, which takes fewer requests a row."
    if any(endpoint.changes_only for endpoint in facts.endpoints):
        yield "The vendor bills values: only fields that changed are sent."


def _accepted(contract: Contract) -> dict[str, list[str]]:
    """Return what values and keys look like, in words that a table can hold."""
    said = {f"`{f.to}`": f.accepted for f in contract.fields}
    found = {"keys": contract.source.accepted, **said}
    return {
        name: [
            f"{rule} `{value}`".replace("|", "\\|")
            for rule, value in accepted.model_dump(exclude_none=True).items()
        ]
        for name, accepted in found.items()
        if accepted is not None
    }


def _and(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
