"""What a plan leaves for the gates of later ones, and how they find it again in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from activation.contract.model import Contract
from activation.gates.drift import drifts
from activation.gates.mappings import mapping_of
from activation.gates.past import Last, Ordinary, Past
from activation.ledger import Ledger
from activation.ledger.plans import PlanRecord
from activation.planning.model import FieldProfile, Plan


def remembered(
    contract: Contract, plan: Plan, seen: Mapping[str, str], past: Past
) -> dict[str, Any]:
    """Return what the ledger keeps of a plan for the gates of later ones; no value is in it."""
    blast, newest = plan.blast, plan.source.newest_version
    return {
        "newest": None if newest is None else newest.isoformat(),
        "before": blast.delivered_before,
        "source_rows": plan.source.rows,
        "blast": {
            "created": blast.created_in_loaded_phases,
            "changed": blast.changed,
            "cleared": blast.cleared,
            "deleted": blast.deleted,
            "lost": blast.lost,
        },
        "mapping": mapping_of(contract),
        "profile": {field: asdict(profile) for field, profile in plan.source.fields.items()},
        "seen": dict(seen),
        "since": {
            drift.what: drift.since.isoformat() for drift in drifts(contract, plan, seen, past)
        },
    }


def past(ledger: Ledger, contract: Contract, phase: str) -> Past:
    """Return what the ledger remembers of the last plans of a sync."""
    newest = ledger.history.newest(contract.sync)
    # Rollbacks and erasures send nothing of the model, and leave nothing to compare with.
    delivered = ledger.history.delivered(contract.sync, limit=_SAME_DATA)
    last = [record for record in delivered if "seen" in record.summary]
    known = {} if newest is None else newest.summary
    return Past(
        ordinary=tuple(_ordinary(ledger, contract, phase)),
        last=_last(last[0]) if last else None,
        since={
            what: datetime.fromisoformat(since) for what, since in known.get("since", {}).items()
        },
        noticed=known.get("seen", {}),
    )


def _ordinary(ledger: Ledger, contract: Contract, phase: str) -> list[Ordinary]:
    """Return the plans of the phase that say what is usual, newest first."""
    usual = contract.guards.usual
    found: list[Ordinary] = []
    # Several plans over the same data: only the first of them did the day's work.
    records = ledger.history.delivered(contract.sync, phase=phase, limit=usual.runs * _SAME_DATA)
    approved = ledger.history.approved(contract.sync)
    for place, record in enumerate(records):
        summary = record.summary
        older = records[place + 1].summary if place + 1 < len(records) else {}
        if "blast" not in summary or summary["newest"] == older.get("newest"):
            continue
        if record.digest in approved or _remapped(summary, older):
            continue
        found.append(
            Ordinary(
                newest=_moment(summary["newest"]), before=summary["before"], rows=summary["blast"]
            )
        )
    return found[: usual.runs]


_SAME_DATA = 24
"""An hourly sync of a daily model."""


def _remapped(summary: Mapping[str, Any], older: Mapping[str, Any]) -> bool:
    return bool(older.get("mapping")) and older["mapping"] != summary["mapping"]


def _last(record: PlanRecord) -> Last:
    summary = record.summary
    return Last(
        at=record.created_at,
        newest=_moment(summary.get("newest")),
        mapping=summary.get("mapping", {}),
        rows=summary.get("source_rows", 0),
        profile={name: FieldProfile(**found) for name, found in summary.get("profile", {}).items()},
        seen=summary.get("seen", {}),
    )


def _moment(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)
