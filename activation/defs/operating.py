"""What an operator switches, as jobs with a form; their runs are the audit trail of the UI."""

import os
from datetime import UTC, datetime

import dagster as dg

from activation.defs.naming import ROLLBACK_JOB, ROLLBACK_OP, destination_key, plan_key
from activation.settings import Settings


class Switched(dg.Config):
    """What to switch, and why."""

    scope: str
    """`all`, `connection:NAME` or `sync:NAME`."""
    reason: str
    author: str = "dagster"


class Opened(dg.Config):
    """Which phase to open, and why."""

    sync: str
    phase: str
    reason: str
    author: str = "dagster"


class Named(dg.Config):
    """Which sync, and why."""

    sync: str
    reason: str
    author: str = "dagster"


class Chosen(dg.Config):
    """
    Whom, and why: people by a model of the warehouse, so that no key is in a run's config.

    Dagster keeps every run's config for as long as it keeps runs; an erasure would not reach it.
    """

    model: str
    """A dbt model with a column of people's keys, such as the requests that came in."""
    column: str
    reason: str
    author: str = "dagster"


class Listed(Chosen):
    """The same, for everything, one connection, or one sync."""

    scope: str = "all"
    """`all`, `connection:NAME` or `sync:NAME`."""


class Approved(dg.Config):
    """Which plan may be sent although a gate has stopped it, and why."""

    plan: str
    """Its digest, or the first 12 digits, as a stopped run tells it."""
    reason: str
    author: str = "dagster"
    gates: list[str] = []  # noqa: RUF012 - Dagster copies it
    """The gates to override; all that have stopped it if none is named."""


@dg.op(description="No request of this scope starts after this; what is not sent stays planned.")
def pause_scope(config: Switched) -> None:
    """Pause."""
    from activation.ledger import open_ledger

    with open_ledger(Settings.load().ledger_url) as ledger:
        ledger.switches.pause(config.scope, reason=config.reason, author=config.author)


@dg.op(description="Takes the pause of this scope back.")
def resume_scope(config: Switched) -> None:
    """Resume."""
    from activation.ledger import open_ledger

    with open_ledger(Settings.load().ledger_url) as ledger:
        ledger.switches.resume(config.scope, reason=config.reason, author=config.author)


@dg.op(description="From now on the rows of this phase may be reached; its partition appears.")
def open_one_phase(context: dg.OpExecutionContext, config: Opened) -> None:
    """Open a phase."""
    from activation.defs.instance import mirror_phases
    from activation.errors import UsageError
    from activation.ledger import open_ledger
    from activation.sync import find_contract

    settings = Settings.load()
    contract = find_contract(settings, config.sync)
    if contract.rollout.phase(config.phase) is None:
        names = ", ".join(phase.name for phase in contract.rollout.phases)
        raise UsageError(f"{config.sync} has no phase `{config.phase}`.", hint=f"Phases: {names}.")
    with open_ledger(settings.ledger_url) as ledger:
        ledger.phases.open(config.sync, config.phase, reason=config.reason, author=config.author)
        mirror_phases(context.instance, ledger, config.sync)


@dg.op(description="Lets a sync go on that is held by a rollback, or a rollout that was stopped.")
def release_rollout(config: Named) -> None:
    """Release."""
    from activation.ledger import open_ledger
    from activation.rollout.rollback import release
    from activation.sync import find_contract

    settings = Settings.load()
    contract = find_contract(settings, config.sync)
    with open_ledger(settings.ledger_url) as ledger:
        release(contract, ledger, reason=config.reason, author=config.author)


@dg.op(description="Takes what the destination holds for delivered; sends nothing.")
def resync_state(context: dg.OpExecutionContext, config: Named) -> None:
    """Resync."""
    from activation.sync import Sync, find_contract, open_services

    settings = Settings.load()
    contract = find_contract(settings, config.sync)
    with open_services(settings, environment=os.environ) as services:
        adopted = Sync(contract, services).resync(reason=config.reason, author=config.author)
    context.add_output_metadata(
        {
            "records": adopted.found,
            "equal": adopted.equal,
            "different": adopted.different,
            "sourceless": adopted.sourceless,
        }
    )


@dg.op(description="Lets nothing be sent about these people but what takes data away.")
def suppress_listed(context: dg.OpExecutionContext, config: Listed) -> None:
    """Suppress."""
    from activation.sync import open_services
    from activation.sync.people import people_of_model, suppress

    with open_services(Settings.load(), environment=os.environ) as services:
        people = people_of_model(services, config.model, config.column)
        new = suppress(
            services, people, scope=config.scope, reason=config.reason, author=config.author
        )
    context.add_output_metadata({"people": len(people), "new": new})


@dg.op(description="Leaves a tombstone for each of these people, and notes what is due.")
def mark_listed(context: dg.OpExecutionContext, config: Chosen) -> None:
    """Mark for erasure."""
    from activation.sync import open_services
    from activation.sync.people import ask_erasure, people_of_model

    with open_services(Settings.load(), environment=os.environ) as services:
        people = people_of_model(services, config.model, config.column)
        new = ask_erasure(services, people, reason=config.reason, author=config.author)
    context.add_output_metadata({"people": len(people), "new": new})


@dg.op(
    description="Removes from every destination who is to be erased, and confirms it.",
    ins={"marked": dg.In(dg.Nothing)},
)
def carry_out_due(context: dg.OpExecutionContext) -> None:
    """Carry out."""
    from collections import Counter

    from activation.sync import open_services
    from activation.sync.people import carry_out_erasures

    with open_services(Settings.load(), environment=os.environ) as services:
        done, stopped = carry_out_erasures(services, run_id=context.run_id)
    states = Counter(str(erasure.state) for erasure in done)
    context.add_output_metadata({"looked at": len(done), **states})
    for sync, why in sorted(stopped.items()):
        context.log.warning("%s: what is due stays due: %s", sync, why)


class Replayed(dg.Config):
    """Which dead letters to send again, and why; what is empty asks for nothing."""

    sync: str
    error_class: str = ""
    older_than: str = ""
    """An age, such as 6h."""
    plan: str = ""
    run: str = ""
    reason: str
    author: str = "dagster"


@dg.op(description="Puts refused rows back; the next plan, or the replay sensor, sends them.")
def replay_letters(context: dg.OpExecutionContext, config: Replayed) -> None:
    """Replay."""
    from activation.contract.values import parse_duration
    from activation.errors import UsageError
    from activation.ledger import open_ledger
    from activation.ledger.selection import Selection
    from activation.sync import find_contract

    settings = Settings.load()
    sync = find_contract(settings, config.sync).sync
    try:
        older = parse_duration(config.older_than) if config.older_than else None
    except ValueError as error:
        raise UsageError(str(error), hint="Write it as 6h or 2d.") from None
    chosen = Selection(config.error_class or None, older, config.plan or None, config.run or None)
    with open_ledger(settings.ledger_url) as ledger:
        ids = [letter.id for letter in chosen.letters(ledger, sync)]
        rows = ledger.dead_letters.replay(sync, ids, reason=config.reason, author=config.author)
    context.add_output_metadata({"rows": rows})


class TakenBack(dg.Config):
    """Which deliveries to take back: of one run, of one phase, or all since a time."""

    sync: str
    run: str = ""
    phase: str = ""
    since: str = ""
    """An ISO time; UTC if it names no zone."""
    reason: str
    author: str = "dagster"


@dg.op(
    name=ROLLBACK_OP,
    description="Writes back what was there before, where our values still stand; the sync is held "
    "until it is released.",
)
def roll_back_deliveries(context: dg.OpExecutionContext, config: TakenBack) -> None:
    """Roll back."""
    from activation.defs.components import evidence
    from activation.defs.components.failures import failure, told
    from activation.errors import Refused
    from activation.rollout.rollback import Order
    from activation.sync import Sync, find_contract, open_services

    settings = Settings.load()
    with told(), open_services(settings, environment=os.environ) as services:
        contract = find_contract(settings, config.sync)
        order = Order(config.run or None, config.phase or None, _moment(config.since))
        done = Sync(contract, services).roll_back(
            order, run_id=context.run.run_id, reason=config.reason, author=config.author
        )
    shown = {**evidence.of_plan(done.planned)}
    if done.delivered is not None:
        shown |= evidence.of_delivery(done.delivered)
        shown |= {f"check/{f.name}": f.summary for f in done.delivered.findings}
    phase = done.planned.plan.phase
    for key in (plan_key(contract), *([destination_key(contract)] if done.delivered else [])):
        context.log_event(dg.AssetMaterialization(key, partition=phase, metadata=shown))
    if done.delivered is None:
        failed = [v.summary for v in done.planned.verdicts if not v.passed]
        raise failure(Refused(f"its gates did not let it through: {' '.join(failed)}"))
    if done.delivered.stopped is not None:
        raise failure(done.delivered.stopped)


def _moment(text: str) -> datetime | None:
    """
    Return a time that was typed into a form.

    Raises:
        UsageError: it is none.
    """
    from activation.errors import UsageError

    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`{text}` is no time.", hint="Write it as 2026-01-31T06:00.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@dg.op(
    description="Lets one plan be sent for a day although a gate has stopped it. Materialise the "
    "destination asset alone afterwards: a new plan would need a new approval."
)
def approve_plan(context: dg.OpExecutionContext, config: Approved) -> None:
    """Approve, and say so on the plan's checks."""
    from activation.defs.components.checks import approved_results
    from activation.ledger import open_ledger
    from activation.sync import find_contract

    settings = Settings.load()
    with open_ledger(settings.ledger_url) as ledger:
        approvals = ledger.approvals.approve(
            config.plan, config.gates, reason=config.reason, author=config.author
        )
        plan = ledger.plans.get(approvals[0].plan_digest)
        verdicts = ledger.plans.verdicts(plan.digest)
    contract = find_contract(settings, plan.sync)
    for result in approved_results(contract, plan.phase, approvals, verdicts):
        context.instance.report_runless_asset_event(result)
    context.add_output_metadata(
        {
            "plan": plan.digest,
            "sync": plan.sync,
            "phase": plan.phase,
            "gates": ", ".join(one.gate for one in approvals),
            "until": approvals[0].expires_at.isoformat(),
        }
    )


_IN_PROCESS = dg.in_process_executor


@dg.job(executor_def=_IN_PROCESS, description="Stop sending: a sync, a connection, or everything.")
def pause() -> None:
    """Pause."""
    pause_scope()


@dg.job(executor_def=_IN_PROCESS, description="Let what was paused send again.")
def resume() -> None:
    """Resume."""
    resume_scope()


@dg.job(executor_def=_IN_PROCESS, description="Open a phase of a rollout.")
def open_phase() -> None:
    """Open."""
    open_one_phase()


@dg.job(executor_def=_IN_PROCESS, description="Let a stopped rollout, or a held sync, go on.")
def release() -> None:
    """Release."""
    release_rollout()


@dg.job(executor_def=_IN_PROCESS, description="Make the delivered state of what is there.")
def resync() -> None:
    """Resync."""
    resync_state()


@dg.job(executor_def=_IN_PROCESS, description="Send nothing more about the people of a model.")
def suppress_people() -> None:
    """Suppress."""
    suppress_listed()


@dg.job(executor_def=_IN_PROCESS, description="Erase the people of a model, everywhere, for good.")
def erase_people() -> None:
    """Erase."""
    carry_out_due(mark_listed())


@dg.job(executor_def=_IN_PROCESS, description="Carry out every erasure that is due.")
def erasures() -> None:
    """Carry out."""
    carry_out_due()


@dg.job(
    name=ROLLBACK_JOB,
    executor_def=_IN_PROCESS,
    description="Take deliveries back; `activation rollback --preview` tells what would come back.",
)
def rollback() -> None:
    """Roll back."""
    roll_back_deliveries()


@dg.job(executor_def=_IN_PROCESS, description="Send dead letters again, as their rows are now.")
def replay() -> None:
    """Replay."""
    replay_letters()


@dg.job(executor_def=_IN_PROCESS, description="Let one plan be sent that a gate has stopped.")
def approve() -> None:
    """Approve."""
    approve_plan()
