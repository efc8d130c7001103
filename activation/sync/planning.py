"""Plan: compare, judge, freeze; or the same as a preview that leaves no trace."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from activation.contract.model import DataClass
from activation.contract.rollout import Phase
from activation.delivery.order import target_of
from activation.errors import DestinationError
from activation.gates import drift
from activation.gates.evaluate import evaluate
from activation.gates.past import NOTHING_PAST, Past
from activation.gates.verdict import Verdict
from activation.ledger.holds import held
from activation.planning.actions import sample
from activation.planning.drafts import drop_draft
from activation.planning.model import Plan
from activation.planning.planner import draft_plan, finish_plan, make_plan
from activation.planning.questions import Answers, asks
from activation.sync import history
from activation.sync.costs import cost_of
from activation.sync.erasing import carry_out_first
from activation.sync.folding import fold_delivered
from activation.sync.lookups import ask, most_rows
from activation.sync.outlooks import outlook_of, remembered
from activation.sync.parts import Parts
from activation.sync.results import Change, Planned
from activation.sync.settling import settle_unknown

_MASK = "•••"


def plan(
    parts: Parts,
    phase: Phase,
    *,
    run_id: str,
    only: frozenset[str] | None = None,
    summary: Mapping[str, Any] | None = None,
) -> Planned:
    """
    Settle what a dead run left, fold what arrived, then make, judge and record a plan.

    With `only`, it is of the keys with these hashes; `summary` is kept with it.
    """
    ledger, name = parts.ledger, parts.contract.destination.connection
    _ = parts.schema  # a destination that does not answer ends it here
    if ledger.switches.paused(parts.contract.sync, name) is None:
        asyncio.run(settle_unknown(parts, run_id))
        carry_out_first(parts, run_id=run_id)
    seen = ledger.plans.last_attempt(parts.contract.sync)
    kept = parts.contract.replay.keep_dead_letters
    ledger.dead_letters.forget(parts.contract.sync, older_than=kept)
    with parts.services.warehouse.session() as session:
        fold_delivered(parts, session)
    made = _make(parts, phase, freeze=True, only=only)
    before = history.past(ledger, parts.contract, phase.name)
    planned = _planned(parts, made, _judge(parts, made.plan, before), ())
    looked = drift.seen(parts.contract, made.plan, parts.schema)
    for_later = history.remembered(parts.contract, made.plan, looked, before)
    if only is not None:
        # Of some rows alone, what it does is no measure for a whole plan.
        del for_later["blast"]
    recorded(parts, planned, seen, {"run_id": run_id, **for_later, **(summary or {})})
    return planned


def recorded(parts: Parts, planned: Planned, seen: int, summary: Mapping[str, Any]) -> None:
    """Keep a frozen plan and what the gates say of it; `seen` is the newest attempt it knows of."""
    ledger, made = parts.ledger, planned.plan
    told = {**summary, "kept": dict(made.kept), **remembered(parts, planned.cost)}
    connection = parts.contract.destination.connection
    ledger.plans.record(made, connection=connection, attempts_seen=seen, summary=told)
    ledger.plans.record_verdicts(made.digest, planned.verdicts)


def judge_rollback(parts: Parts, made: Plan) -> Planned:
    """Judge a plan that takes something back."""
    return _planned(parts, _Made(made, None), _judge(parts, made, NOTHING_PAST), ())


def preview(parts: Parts, phase: Phase, *, rows: int) -> Planned:
    """Make and judge a plan without leaving a trace; show the first `rows` of its changes."""
    made = _make(parts, phase, freeze=False, rows=rows)
    changes = () if made.sample is None else tuple(_changes(parts, made.sample))
    before = history.past(parts.ledger, parts.contract, phase.name)
    return _planned(parts, made, _judge(parts, made.plan, before), changes)


@dataclass(frozen=True, slots=True)
class _Made:
    """A plan, some of its actions, and the requests that it took to make it."""

    plan: Plan
    sample: pa.Table | None
    lookups: int = 0


def _make(
    parts: Parts,
    phase: Phase,
    *,
    freeze: bool,
    rows: int = 0,
    only: frozenset[str] | None = None,
) -> _Made:
    contract, warehouse = parts.contract, parts.services.warehouse
    inputs, now = replace(parts.inputs(), only=only), parts.clock.now()
    if not asks(contract):
        with warehouse.session() as session:
            made = make_plan(
                session,
                contract,
                parts.models,
                parts.facts,
                phase=phase,
                inputs=inputs,
                now=now,
                freeze=freeze,
            )
            return _Made(made, sample(session, made, rows) if rows else None)
    with warehouse.session() as session:
        draft = draft_plan(
            session,
            contract,
            parts.models,
            parts.facts,
            phase=phase,
            inputs=inputs,
            now=now,
            suffix=secrets.token_hex(6),
            most=most_rows(parts),
        )
    try:
        # A look-up tells the vendor of people, so the kill switch stops it too.
        switch = parts.ledger.switches.paused(contract.sync, contract.destination.connection)
        answers = ask(parts, draft.questions) if switch is None else Answers()
    except BaseException:
        with warehouse.session() as session:
            drop_draft(session, draft.table)
        raise
    with warehouse.session() as session:
        made = finish_plan(
            session,
            draft,
            answers,
            parts.models,
            parts.facts,
            phase=phase,
            inputs=inputs,
            now=now,
            freeze=freeze,
        )
        return _Made(made, sample(session, made, rows) if rows else None, answers.requests)


def _judge(parts: Parts, made: Plan, before: Past) -> tuple[Verdict, ...]:
    contract = parts.contract
    switch = parts.ledger.switches.paused(contract.sync, contract.destination.connection)
    paused = None if switch is None else f"{switch.scope} is paused: {switch.reason}"
    hold = None if made.undoes else parts.ledger.holds.of(contract.sync)
    if paused is None and hold is not None:
        paused = held(hold, contract.sync)
    return evaluate(
        contract,
        made,
        schema=parts.schema,
        paused=paused,
        now=parts.clock.now(),
        past=before,
    )


def _planned(
    parts: Parts, made: _Made, verdicts: tuple[Verdict, ...], changes: tuple[Change, ...]
) -> Planned:
    cost = cost_of(parts, made.plan, lookups=made.lookups)
    outlook = outlook_of(
        parts.services,
        parts.contract,
        remembered(parts, cost),
        cost.requests,
        reading=parts.destination.quota(),
    )
    traits = parts.destination.object_traits(parts.contract.destination.object)
    return Planned(made.plan, verdicts, cost, outlook, changes, traits.irreversible)


def _changes(parts: Parts, after: pa.Table) -> Iterator[Change]:
    target, contract = target_of(parts.contract), parts.contract
    names = parts.ledger.people.keys.current
    keys = after["sync_key"].to_pylist()
    before: dict[str, dict[str, Any]] = {}
    try:
        for page in parts.destination.read_back(target, keys) if keys else ():
            before |= {row["sync_key"].casefold(): row for row in page.rows.to_pylist()}
    except DestinationError as error:
        raise parts.unreachable(error) from None
    for row in after.to_pylist():
        there = before.get(row["sync_key"].casefold(), {})
        yield Change(
            operation=row["operation"],
            key_hash=names.row(contract.sync, row["sync_key"])[:12],
            fields={
                field.to: (
                    _shown(there.get(field.to), field.data_class),
                    _shown(row[field.to], field.data_class),
                )
                for field in contract.fields
                if _is_written(row, field.to) and there.get(field.to) != row[field.to]
            },
        )


def _is_written(row: dict[str, Any], field: str) -> bool:
    return row["changed"] is None or field in row["changed"]


def _shown(value: object, data_class: DataClass) -> str | None:
    if value is None:
        return None
    return str(value) if data_class is DataClass.NONE else _MASK
