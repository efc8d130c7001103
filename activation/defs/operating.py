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
