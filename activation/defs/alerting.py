"""Alerts: a look at the ledger every minute, and what failed before the ledger knew of it."""

import os
from collections.abc import Iterator

import dagster as dg

from activation.settings import Settings


@dg.sensor(
    name="activation_alerts",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells each change once: failed gates and checks, failed, stopped and missed runs.",
)
def alerts(context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason]:
    """Look at every sync; launch nothing."""
    from activation.alerting.watching import watch
    from activation.contract.loading import load_contracts
    from activation.ledger import open_ledger

    settings = Settings.load()
    contracts = load_contracts(settings.contracts)
    with open_ledger(settings.ledger_url) as ledger:
        look = watch(contracts.values(), ledger, home=settings.home, env=os.environ)
    for trouble in look.troubles:
        context.log.error(trouble)
    firing = ", ".join(f"{record.sync}: {record.kind}" for record in look.firing)
    yield dg.SkipReason(f"told {len(look.told)} changes; firing: {firing or 'nothing'}")


@dg.run_failure_sensor(
    name="activation_run_failures",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Lets the ledger know of runs that broke before they could say so themselves.",
)
def run_failures(context: dg.RunFailureSensorContext) -> None:
    """Keep a failed run of a sync that has left no trace in the ledger."""
    from activation.ledger import open_ledger
    from activation.ledger.runs import RunState

    run = context.dagster_run
    sync, phase = run.tags.get("activation/sync"), run.tags.get("dagster/partition", "")
    if sync is None:
        return
    with open_ledger(Settings.load().ledger_url) as ledger:
        if ledger.runs.get(run.run_id) is not None:
            return
        plan = ledger.plans.latest(sync, phase)
        if plan is not None and plan.summary.get("run_id") == run.run_id:
            return  # its gates have said why
        steps = ", ".join(event.step_key or "" for event in context.get_step_failure_events())
        # What another package's exception says could hold anything; its place is in the run's log.
        message = f"it broke in {steps or 'its beginning'}; the run's log says how"
        ledger.runs.start(run.run_id, sync, phase)
        ledger.runs.end(run.run_id, RunState.FAILED, message=message)
