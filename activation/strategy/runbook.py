"""The on-call runbook of a sync: the catalogue of alerts, filled in from contract and adapter."""

from __future__ import annotations

from activation.alerting.catalogue import relevant
from activation.contract.model import Contract
from activation.contract.values import format_duration
from activation.destinations.traits import ObjectTraits, Removal
from activation.strategy.rendering import render

_REMOVALS = {
    Removal.RECYCLED: "A record that was removed lies in the recycle bin",
    Removal.ARCHIVED: "A record that was removed is archived, and can be brought back by hand,",
    Removal.DELETED: "A record that was removed is gone",
    Removal.UNLINKED: "A record that was removed from the audience stays a record",
}


def runbook(contract: Contract, traits: ObjectTraits) -> str:
    """Return the runbook in Markdown; the same contract gives the same bytes."""
    return render(
        "runbook.md.j2",
        sync=contract.sync,
        contract=contract,
        irreversible=traits.irreversible,
        removal=removal(traits),
        alerts={name: entry.filled(contract) for name, entry in relevant(contract).items()},
    )


def removal(traits: ObjectTraits) -> str:
    """Return what becomes of removed records, as a sentence."""
    said = _REMOVALS[traits.removal]
    return f"{said} for {format_duration(traits.restorable)}." if traits.restorable else f"{said}."
