"""Consent that is withdrawn at random while deliveries run: the vendor's own log is the judge."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from activation.destinations.salesforce.collections import Collections
from activation.ledger.people import PersonAct
from activation.sync import people
from activation_tests.sync.project import SYNC, Project

ROWS = 1_200
_A_LOOK = 60.0
"""How old the answer of the consent models may be when a request leaves, in seconds."""


@pytest.mark.parametrize("seed", range(2))
def test_no_request_carries_whom_it_may_not(
    project: Project, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """
    Nobody is sent after the next look at consent, nor in any request after an act about them.

    Between requests some withdraw in the warehouse, some are suppressed, some erased; meanwhile
    time passes, answers are lost and requests are refused.
    """
    draw = random.Random(seed)  # noqa: S311 - a script, not a secret
    project.fill(ROWS)
    project.edit_contract(lambda c: c["guards"].update(dict.fromkeys(c["guards"], "100%")))
    project.edit_contract(lambda c: c["quota"].update(concurrency=1))
    project.open_phase()
    denied: dict[str, float] = {}
    barred: set[str] = set()
    wrong: list[str] = []
    requests = 0
    send = Collections.send

    def watched(self: Collections, target: Any, payload: bytes, **options: Any) -> Any:
        nonlocal requests
        requests += 1
        records = json.loads(payload)["records"]
        carried = {r["Customer_Key__c"] for r in records}
        # A withdrawal empties the record, which takes away and is right.
        full = {r["Customer_Key__c"] for r in records if r.get("Email")}
        now = project.clock.monotonic()
        wrong.extend(sorted(carried & barred & full))
        wrong.extend(k for k in sorted(full) if now - denied.get(k, now) > _A_LOOK)
        project.requests()
        answer = send(self, target, payload, **options)
        # The vendor saw what is judged here, and nothing else.
        wrong.extend(sorted(_logged(project) - carried))
        _happen(project, draw, denied, barred)
        project.clock.waited += draw.choice([20.0, 45.0, 70.0])
        return answer

    monkeypatch.setattr(Collections, "send", watched)
    for _ in range(2):
        if draw.random() < 0.5:
            fault = draw.choice(["unavailable", "server_error_after_apply", "whole_batch_refused"])
            project.sandbox.faults.add(fault, times=1, method="PATCH")
        planned = project.plan()
        assert planned.passed, [v.summary for v in planned.verdicts if not v.passed]
        delivered = project.deliver()
        assert (
            sum(v for k, v in delivered.totals.items() if k != "planned")
            == (delivered.totals["planned"])
        )
        project.sandbox.faults.clear()
        project.score_again(changed=ROWS)

    assert wrong == []
    assert requests >= 3
    assert denied
    assert barred


def _logged(project: Project) -> set[str]:
    """Return the keys that were written since the last call, by the sandbox's own log."""
    found = [r["key_values"] or [] for r in project.requests("PATCH")]
    lists = [json.loads(keys) if isinstance(keys, str) else keys for keys in found]
    return {key for keys in lists for key in keys}


def _happen(
    project: Project, draw: random.Random, denied: dict[str, float], barred: set[str]
) -> None:
    """Let a few people change their minds."""
    for _ in range(draw.randint(2, 8)):
        key = f"C-{draw.randrange(ROWS):05d}"
        what = draw.choice(["deny", "deny", "suppress", "erase"])
        if what == "deny":
            project.consent(key, "denied")
            denied.setdefault(key, project.clock.monotonic())
            continue
        with project.services() as services:
            if what == "erase":
                people.ask_erasure(services, [key], reason="at random", author="tests")
            else:
                act, scope = PersonAct.SUPPRESS, f"sync:{SYNC}"
                services.ledger.people.record(
                    act, [key.lower()], scope=scope, reason="at random", author="tests"
                )
        barred.add(key)
