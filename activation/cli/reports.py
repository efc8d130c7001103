"""What commands tell, as plain data with stable keys; `--json` prints it unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from activation.cli import outlooks, verdicts
from activation.contract.model import Contract
from activation.errors import ExitCode
from activation.ledger import Ledger
from activation.ledger.audit import Entry
from activation.ledger.conservation import Tally
from activation.ledger.holds import held
from activation.ledger.runs import RunRecord, RunState
from activation.planning.model import Disposition
from activation.reconciliation.parity import UNEXPLAINED, Discrepancy
from activation.reconciliation.triage import TRIAGE
from activation.rollout.promoting import outlook
from activation.sync import Planned, Services

if TYPE_CHECKING:
    from activation.defs.launch import Launched

_EXIT = {
    RunState.DONE: ExitCode.DONE,
    RunState.REFUSED: ExitCode.REFUSED,
    RunState.STOPPED: ExitCode.STOPPED,
    RunState.FAILED: ExitCode.STOPPED,
    RunState.RUNNING: ExitCode.STOPPED,
}
_NOTHING = Tally().as_dict()


def escape(text: str) -> str:
    """Return the text so that the console shows it as it is."""
    return text.replace("[", r"\[")


def planned(plan: Planned) -> dict[str, Any]:
    """Return a plan: what would change, what it costs, and what the gates say."""
    frozen = plan.plan
    return {
        "sync": frozen.sync,
        "phase": frozen.phase,
        "plan": frozen.digest,
        "planned": frozen.rows(),
        "to_send": frozen.rows(Disposition.SEND),
        "blocked": frozen.rows(Disposition.BLOCKED),
        "held": frozen.rows(Disposition.HELD),
        "requests": plan.requests,
        "cost": {
            "requests": plan.cost.requests,
            "jobs": plan.cost.jobs,
            "lookups": plan.cost.lookups,
            "read_backs": plan.cost.read_backs,
            "billed": plan.cost.billed,
            "billed_unit": plan.cost.billed_unit,
            "days": plan.outlook.days,
        },
        "verbs": {verb.value: rows for verb, rows in frozen.verbs.items()},
        "written_fields": dict(frozen.written),
        "kept_fields": dict(frozen.kept),
        "quota": outlooks.quota(plan.outlook),
        "forecast": outlooks.forecast(plan.outlook),
        "actions": [
            {
                "operation": count.operation,
                "disposition": count.disposition.value,
                "reason": count.reason,
                "rows": count.rows,
            }
            for count in frozen.counts
        ],
        "source": {
            "rows": frozen.source.rows,
            "null_keys": frozen.source.null_keys,
            "repeated_keys": frozen.source.repeated_keys,
            "newest_version": _time(frozen.source.newest_version),
            "consent_newest": {
                model: _time(newest) for model, newest in frozen.source.consents.items()
            },
        },
        "blast_radius": {
            "delivered_before": frozen.blast.delivered_before,
            "created": frozen.blast.created,
            "changed": frozen.blast.changed,
            "cleared": frozen.blast.cleared,
            "deleted": frozen.blast.deleted,
            "lost": frozen.blast.lost,
            "late": frozen.blast.late,
            "revoked": frozen.blast.revoked,
        },
        "mapping_changed": frozen.mapping_changed,
        "irreversible": list(plan.irreversible),
        "gates": [verdicts.gate(verdict) for verdict in plan.verdicts],
        "gates_passed": plan.passed,
        "samples": [
            {
                "operation": change.operation,
                "key": change.key_hash,
                "fields": {
                    field: {"before": before, "after": after}
                    for field, (before, after) in change.fields.items()
                },
            }
            for change in plan.samples
        ],
    }


def parity(contract: Contract, phase: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a comparison, each class with its meaning."""
    limit = contract.parity.unexplained
    return {
        "sync": contract.sync,
        "phase": phase,
        "statement": record["statement"],
        "keys": record["keys"],
        "bound": record["bound"],
        "limit": limit,
        "full": record["full"],
        "unexplained": record["unexplained"],
        "passed": record["bound"] <= limit,
        "classes": [
            {
                "class": kind.value,
                "rows": record["classes"].get(kind.value, 0),
                "explained": kind not in UNEXPLAINED,
                "meaning": TRIAGE[kind].meaning,
                "what_to_do": TRIAGE[kind].what_to_do,
            }
            for kind in Discrepancy
        ],
        "drifted_fields": dict(record["fields"]),
    }


def ran(
    services: Services, contract: Contract, phase: str, run_id: str, message: str | None
) -> dict[str, Any]:
    """
    Return what a Dagster run came to, read from the ledger.

    A run that never reached delivery has no record there: its gates stopped it, or its plan
    could not be made, which `message` then says.
    """
    ledger = services.ledger
    recorded = ledger.runs.get(run_id)
    plan = ledger.plans.latest(contract.sync, phase)
    gates = []
    if plan is not None and (recorded is not None or plan_is_of(run_id, plan.summary)):
        approvals = ledger.approvals.of(plan.digest)
        gates = [
            verdicts.gate(verdict, approvals.get(name))
            for name, verdict in ledger.plans.verdicts(plan.digest).items()
        ]
    if recorded is None:
        failed = [verdict["gate"] for verdict in gates if not verdict["passed"]]
        state = RunState.REFUSED if failed else RunState.FAILED
        code = ExitCode.REFUSED if failed else ExitCode.STOPPED
        said = f"its gates did not let it through: {', '.join(failed)}; nothing was sent"
        return {
            **_empty_run(contract, phase, run_id, gates),
            "plan": plan.digest if failed and plan is not None else None,
            "state": state.value,
            "exit_code": int(code),
            "message": said if failed else message,
        }
    compared = parity(contract, phase, recorded.parity) if recorded.parity else None
    code = _EXIT[recorded.state]
    if code is ExitCode.DONE and compared is not None and not compared["passed"]:
        code = ExitCode.REFUSED
    return {
        **_empty_run(contract, phase, run_id, gates),
        "plan": recorded.plan_digest,
        "state": recorded.state.value,
        "outcomes": {operation: dict(tally) for operation, tally in recorded.tally.items()},
        "totals": totals(recorded),
        "reasons": reasons(ledger, recorded.plan_digest),
        "balanced": balanced(recorded),
        "requests": recorded.requests,
        "parity": compared,
        "exit_code": int(code),
        "message": recorded.message or message,
    }


def built(launched: Launched) -> dict[str, Any]:
    """Return how building the models ended; a failed dbt test refuses, all else stops."""
    code = ExitCode.REFUSED if launched.failed_checks else ExitCode.STOPPED
    return {
        "run_id": launched.run_id,
        "passed": launched.success,
        "failed_checks": list(launched.failed_checks),
        "message": launched.message,
        "exit_code": int(ExitCode.DONE if launched.success else code),
    }


def rollout(contract: Contract, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the runs of one sync, from narrow to wide, came to."""
    return {
        "sync": contract.sync,
        "model": contract.source.model,
        "connection": contract.destination.connection,
        "object": contract.destination.object,
        "phases": [run["phase"] for run in runs],
        "delivered": sum(run["totals"]["delivered"] for run in runs),
        "requests": sum(run["requests"] for run in runs),
        "unexplained": next((r["parity"]["unexplained"] for r in runs[::-1] if r["parity"]), None),
        "exit_code": max((run["exit_code"] for run in runs), default=int(ExitCode.DONE)),
    }


def totals(run: RunRecord) -> dict[str, int]:
    """Return a run's rows by outcome."""
    return {name: sum(tally.get(name, 0) for tally in run.tally.values()) for name in _NOTHING}


def reasons(ledger: Ledger, plan_digest: str | None) -> dict[str, dict[str, int]]:
    """Return why rows of a plan were blocked or held, most frequent first."""
    blocked: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for tally in ledger.outcomes(plan_digest).values() if plan_digest else ():
        blocked.update(tally.blocked_by)
        held.update(tally.held_by)
    return {
        outcome: {reason: rows for reason, rows in counter.most_common() if rows}
        for outcome, counter in (("blocked", blocked), ("held", held))
    }


def balanced(run: RunRecord) -> bool:
    """Tell whether every planned row of a run has an outcome, operation by operation."""
    return all(
        tally["planned"] == sum(rows for name, rows in tally.items() if name != "planned")
        for tally in run.tally.values()
    )


def status(services: Services, contract: Contract) -> dict[str, Any]:
    """Return how a sync stands: switches, phases, backlog, runs, dead letters, quota."""
    ledger, connection = services.ledger, contract.destination.connection
    switch = ledger.switches.paused(contract.sync, connection)
    opened = {phase.phase: phase for phase in ledger.phases.opened(contract.sync)}
    hold = ledger.holds.of(contract.sync)
    runs = ledger.runs.list(contract.sync)
    rows, waiting = outlooks.backlog(services, contract)
    return {
        "sync": contract.sync,
        "paused": None if switch is None else f"{switch.scope}: {switch.reason}",
        "held": None if hold is None else held(hold, contract.sync),
        "backlog": rows,
        "forecast": outlooks.forecast(waiting),
        "phases": [
            {
                "phase": phase.name,
                "share": phase.share,
                "open": phase.name in opened,
                "opened_at": _time(opened[phase.name].opened_at) if phase.name in opened else None,
                "loaded_at": _time(opened[phase.name].loaded_at) if phase.name in opened else None,
            }
            for phase in contract.rollout.phases
        ],
        "promotion": promotion(contract, ledger),
        "plans": verdicts.plans(contract, ledger),
        "runs": [
            {
                "run": run.run_id,
                "phase": run.phase,
                "plan": run.plan_digest,
                "state": run.state.value,
                "started_at": _time(run.started_at),
                "ended_at": _time(run.ended_at),
                **totals(run),
                "requests": run.requests,
                "parity": None if run.parity is None else run.parity["statement"],
                "message": run.message,
            }
            for run in runs
        ],
        "dead_letters": [
            {
                "code": letter.code,
                "fate": letter.fate,
                "rows": letter.rows,
                "oldest": _time(letter.oldest),
            }
            for letter in ledger.dead_letters.counts(contract.sync)
        ],
        "quota": outlooks.quota(waiting),
        "erasures": [
            {
                "person": erasure.person[:12],
                "state": erasure.state.value,
                "asked_at": _time(erasure.asked_at),
                "why": erasure.why,
            }
            for erasure in ledger.erasures.list(sync=contract.sync)
            if erasure.due
        ],
    }


def promotion(contract: Contract, ledger: Ledger) -> dict[str, Any]:
    """Return how the rollout stands, and what its next phase still lacks."""
    found = outlook(contract, ledger)
    return {
        "sync": contract.sync,
        "phase": None if found is None else found.phase.phase,
        "next": None if found is None or found.following is None else found.following.name,
        "stopped": None if found is None else found.phase.stopped_because,
        "step": None if found is None or found.decision is None else found.decision.step.value,
        "conditions": [
            {"condition": c.name, "state": c.state.value, "need": c.need, "have": c.have}
            for c in (() if found is None else found.conditions)
        ],
    }


def plan_is_of(run_id: str, summary: Mapping[str, Any]) -> bool:
    """Tell whether a plan was made by this run."""
    return summary.get("run_id") == run_id


def _empty_run(
    contract: Contract, phase: str, run_id: str, gates: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "sync": contract.sync,
        "phase": phase,
        "run_id": run_id,
        "plan": None,
        "outcomes": {},
        "totals": dict(_NOTHING),
        "reasons": {"blocked": {}, "held": {}},
        "balanced": True,
        "requests": 0,
        "parity": None,
        "gates": gates,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%d %H:%M:%SZ")


def audit_entry(entry: Entry) -> dict[str, Any]:
    """Return one act of the audit chain."""
    return {
        "no": entry.no,
        "at": entry.at.isoformat(),
        "act": str(entry.act),
        "subject": dict(entry.subject),
        "author": entry.author,
        "reason": entry.reason,
        "hash": entry.hash,
    }


def short(name: str, value: str) -> str:
    """Return `name=value`, a digest cut to the length in which people speak of it."""
    return f"{name}={value[:12] if name in {'plan', 'person'} else value}"
