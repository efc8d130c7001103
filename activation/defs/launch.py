"""Runs a sync's job in this process, on the project's instance, as the UI would."""

import contextlib
import functools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg

from activation.contract.model import Contract
from activation.defs import location
from activation.defs.instance import instance, mirror_phases
from activation.defs.naming import (
    MODELS_JOB,
    ROLLBACK_JOB,
    ROLLBACK_OP,
    destination_key,
    job_name,
    plan_key,
)
from activation.errors import ActivationError
from activation.ledger import Ledger
from activation.rollout.rollback import Order
from activation.settings import Settings

# The run's own log keeps everything; the terminal is for the command's result.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Launched:
    """A finished Dagster run."""

    run_id: str
    success: bool
    failed_checks: tuple[str, ...]
    message: str | None
    """What the first failed step said, if one failed."""


def build_models(settings: Settings) -> Launched:
    """
    Build and test every dbt model, once for all syncs.

    Raises:
        ActivationError: the project's definitions do not load.
        KeyboardInterrupt: the run was interrupted; Dagster has recorded it as failed.
    """
    with instance(settings) as opened, _quiet(settings):
        return _execute(MODELS_JOB, opened)


def launch(
    contract: Contract, phase: str, settings: Settings, ledger: Ledger, *, replan: bool = True
) -> Launched:
    """
    Run plan, gates, delivery and parity of one phase, on the models as they are.

    Without `replan`, the newest plan that there is goes out, if its gates let it.

    Raises:
        ActivationError: the project's definitions do not load.
        KeyboardInterrupt: the run was interrupted; Dagster has recorded it as failed.
    """
    with instance(settings) as opened, _quiet(settings):
        mirror_phases(opened, ledger, contract.sync)
        return _execute(
            job_name(contract.sync),
            opened,
            partition_key=phase,
            asset_selection=[*([plan_key(contract)] if replan else []), destination_key(contract)],
        )


def carry_out_erasures(settings: Settings) -> Launched:
    """
    Carry out every erasure that is due, in a run of its own; no person's key is in its config.

    Raises:
        ActivationError: the project's definitions do not load.
    """
    with instance(settings) as opened, _quiet(settings):
        return _execute("erasures", opened)


def launch_rollback(
    contract: Contract, order: Order, settings: Settings, *, reason: str, author: str
) -> Launched:
    """
    Take deliveries back by the operators' job.

    Raises:
        ActivationError: the project's definitions do not load.
    """
    form = {
        "sync": contract.sync,
        "run": order.run or "",
        "phase": order.phase or "",
        "since": "" if order.since is None else order.since.isoformat(),
        "reason": reason,
        "author": author,
    }
    with instance(settings) as opened, _quiet(settings):
        return _execute(ROLLBACK_JOB, opened, config={"ops": {ROLLBACK_OP: {"config": form}}})


def _execute(
    job: str,
    opened: dg.DagsterInstance,
    *,
    partition_key: str | None = None,
    asset_selection: list[dg.AssetKey] | None = None,
    config: dict[str, Any] | None = None,
) -> Launched:
    result = (
        _definitions()
        .resolve_job_def(job)
        .execute_in_process(
            instance=opened,
            partition_key=partition_key,
            asset_selection=asset_selection,
            run_config={**_QUIET, **(config or {})},
            raise_on_error=False,
            tags={"activation/launched_by": "command_line"},
        )
    )
    if any(_interrupted(event) for event in result.all_events):
        # Dagster turns Ctrl-C into a failed step; whoever pressed it means all that would follow.
        raise KeyboardInterrupt
    failures = [event for event in result.all_node_events if event.is_step_failure]
    return Launched(
        run_id=result.run_id,
        success=result.success,
        failed_checks=tuple(
            check.check_name for check in result.get_asset_check_evaluations() if not check.passed
        ),
        message=_message(failures[0]) if failures else None,
    )


@functools.cache
def _definitions() -> dg.Definitions:
    """Load the project once a process; a process launches runs of one project."""
    try:
        return location.load_project()
    except ActivationError:
        raise
    except Exception as error:
        # Dagster wraps what a component raised; the sentence that helps is the innermost one.
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        if isinstance(cause, ActivationError):
            raise cause from None
        raise


def _interrupted(event: dg.DagsterEvent) -> bool:
    if event.is_step_failure:
        error = event.step_failure_data.error
    elif event.is_job_failure:
        error = event.job_failure_data.error
    else:
        return False
    named = {KeyboardInterrupt.__name__, dg.DagsterExecutionInterruptedError.__name__}
    return error is not None and error.cls_name in named


def _message(event: dg.DagsterEvent) -> str | None:
    data = event.step_failure_data
    failure = data.user_failure_data
    if failure is not None and failure.description:
        return failure.description
    error = data.error
    # Dagster wraps what a step raised; what went wrong is the innermost.
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else None


@contextlib.contextmanager
def _quiet(settings: Settings) -> Iterator[None]:
    """Send what dbt prints to a file: standard output is for the result, the rest for progress."""
    log = settings.home / "logs" / "dbt.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a", encoding="utf-8") as lines,
        contextlib.redirect_stdout(lines),
        warnings.catch_warnings(),
    ):
        # Dagster's own loader uses what Dagster calls preview and beta.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield
