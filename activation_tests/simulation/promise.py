"""The contracts of the simulated syncs."""

from __future__ import annotations

from functools import cache

from activation.contract.destination import Mode
from activation.contract.model import Contract
from activation_tests.simulation.scenario import Work

CONNECTION = "crm"


def contract(work: Work, requests_per_day: int) -> Contract:
    """Return the contract of a sync with that quota."""
    return _contract(work.sync, work.mode, requests_per_day, work.concurrency)


@cache
def _contract(sync: str, mode: Mode, requests_per_day: int, concurrency: int) -> Contract:
    return Contract.model_validate(
        {
            "sync": sync,
            "objective": "Show each contact's score to the people who call.",
            "owner": "team:growth",
            "source": {"model": sync, "grain": ["contact"], "version": "scored_at"},
            "destination": {
                "connection": CONNECTION,
                "object": sync,
                "key": "Key__c",
                "mode": mode,
            },
            "fields": [_field("Stamp", "integer"), _field("Note", "text(80)")],
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
