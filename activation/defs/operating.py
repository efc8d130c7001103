"""What an operator switches, as jobs with a form; their runs are the audit trail of the UI."""

import os

import dagster as dg

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


@dg.op(description="Lets a rollout that its conditions stopped go on, judged anew from now.")
def release_rollout(config: Named) -> None:
    """Release."""
    from activation.ledger import open_ledger
    from activation.sync import find_contract

    settings = Settings.load()
    contract = find_contract(settings, config.sync)
    with open_ledger(settings.ledger_url) as ledger:
        ledger.phases.release(contract.sync, reason=config.reason, author=config.author)


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


@dg.job(executor_def=_IN_PROCESS, description="Let a stopped rollout go on.")
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
