"""The contract of the simulated sync."""

from __future__ import annotations

from functools import cache

from activation.contract.model import Contract

SYNC = "contact_scores"
CONNECTION = "crm"


@cache
def contract(requests_per_day: int, concurrency: int) -> Contract:
    """Return the contract with this quota."""
    return Contract.model_validate(
        {
            "sync": SYNC,
            "objective": "Show each contact's score to the people who call.",
            "owner": "team:growth",
            "source": {"model": "scores", "grain": ["contact"], "version": "scored_at"},
            "destination": {"connection": CONNECTION, "object": "Contact", "key": "Key__c"},
            "fields": [
                _field("Stamp", "integer"),
                _field("Note", "text(80)"),
            ],
            "consent": {"subject": "none"},
            "freshness": {"max_age": "30h"},
            "guards": dict.fromkeys(
                ("changed", "created", "cleared", "deleted", "lost", "grain"), "5%"
            ),
            "quota": {"requests_per_day": requests_per_day, "concurrency": concurrency},
            "rollout": {
                "salt": "s",
                "phases": [{"name": "some", "share": "50%"}, {"name": "all", "share": "100%"}],
            },
            "replay": {
                "attempts": 3,
                "within": "30m",
                "first_wait": "1s",
                "longest_wait": "60s",
                "keep_dead_letters": "30d",
            },
            "parity": {"unexplained": "0%"},
            "alerting": {
                "channel": "#crm",
                "severity": "low",
                "dead_letters": "1%",
                "runbook": "docs/runbook.md",
            },
        }
    )


def _field(name: str, kind: str) -> dict[str, str]:
    return {
        "to": name,
        "column": name.lower(),
        "type": kind,
        "nulls": "clear",
        "data_class": "none",
    }
