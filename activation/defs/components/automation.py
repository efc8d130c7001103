"""A job and a schedule for each contract; the schedule runs the widest open phase."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from activation.contract.model import Contract
from activation.defs.components.lineage import Upstream
from activation.defs.naming import (
    REPLAY_TAG,
    destination_key,
    job_name,
    phases,
    plan_key,
    promotion_name,
    replay_name,
    schedule_name,
)


def job(contract: Contract, upstream: Upstream) -> Any:
    """
    Return the job: models, plan with its gates, delivery with its checks.

    Its type, an asset job that is not resolved yet, has no public name in Dagster.
    """
    return dg.define_asset_job(
        job_name(contract.sync),
        selection=dg.AssetSelection.assets(
            *upstream.keys, plan_key(contract), destination_key(contract)
        )
        | dg.AssetSelection.assets(*upstream.keys).upstream(),
        description=f"Build the models, plan, pass the gates, deliver {contract.sync}, reconcile.",
        tags={"activation/sync": contract.sync, "activation/connection": _connection(contract)},
        executor_def=dg.in_process_executor,
    )


def schedule(contract: Contract, target: Any) -> dg.ScheduleDefinition | None:
    """Return the schedule, or None if the contract has none."""
    if contract.schedule is None:
        return None

    @dg.schedule(
        name=schedule_name(contract.sync),
        cron_schedule=contract.schedule,
        execution_timezone="UTC",
        job=target,
        description="Run the widest open phase; the narrower ones are inside it.",
    )
    def widest_open_phase(
        context: dg.ScheduleEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        opened = set(context.instance.get_dynamic_partitions(phases(contract.sync).name or ""))
        widest = [phase.name for phase in contract.rollout.phases if phase.name in opened]
        if not widest:
            first = contract.rollout.phases[0].name
            yield dg.SkipReason(
                f"no phase of {contract.sync} is open; open one with "
                f"`activation open {contract.sync} {first} --reason ...`"
            )
            return
        yield dg.RunRequest(partition_key=widest[-1])

    return widest_open_phase


def promotion_sensor(contract: Contract, target: Any) -> dg.SensorDefinition | None:
    """Return what opens the next phase once its conditions hold; None if the contract has none."""
    if contract.rollout.promotion is None:
        return None

    @dg.sensor(
        name=promotion_name(contract.sync),
        job=target,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Opens the next phase once every condition of the contract holds, and runs it; "
        "stops the rollout when one is broken.",
    )
    def next_phase(_context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        from activation.ledger import open_ledger
        from activation.rollout.promoting import promote
        from activation.settings import Settings

        with open_ledger(Settings.load().ledger_url) as ledger:
            found, opened = promote(contract, ledger)
        if opened is not None:
            partitions = phases(contract.sync)
            return dg.SensorResult(
                dynamic_partitions_requests=[partitions.build_add_request([opened.name])],
                run_requests=[
                    dg.RunRequest(run_key=f"open-{opened.name}", partition_key=opened.name)
                ],
            )
        if found is None:
            return dg.SkipReason(f"no phase of {contract.sync} is open")
        if found.phase.stopped_because is not None:
            return dg.SkipReason(f"stopped: {found.phase.stopped_because}")
        decided = found.decision
        return dg.SkipReason(
            f"{found.phase.phase} is the last phase" if decided is None else decided.because
        )

    return next_phase


def replay_sensor(contract: Contract, target: Any) -> dg.SensorDefinition:
    """Return what tries dead letters again whose cause may have passed."""

    @dg.sensor(
        name=replay_name(contract.sync),
        job=target,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends refused rows again, as they are now, once their wait is over or an "
        "operator has put them back: at most a fifth of what the sync may send in a day.",
    )
    def due_letters(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        from activation.ledger import open_ledger
        from activation.settings import Settings
        from activation.sync.replaying import replay_due

        under_way = dg.RunsFilter(
            job_name=job_name(contract.sync),
            statuses=[
                dg.DagsterRunStatus.QUEUED,
                dg.DagsterRunStatus.NOT_STARTED,
                dg.DagsterRunStatus.STARTING,
                dg.DagsterRunStatus.STARTED,
            ],
        )
        if context.instance.get_run_ids(under_way, limit=1):
            return dg.SkipReason("a run of the sync is under way")
        with open_ledger(Settings.load().ledger_url) as ledger:
            found = replay_due(contract, ledger)
        if found.phase is None:
            return dg.SkipReason(found.because)
        return dg.RunRequest(
            partition_key=found.phase,
            # The models are as they are: what is replayed is the row of now, not a new load.
            asset_selection=[plan_key(contract), destination_key(contract)],
            tags=REPLAY_TAG,
        )

    return due_letters


def _connection(contract: Contract) -> str:
    return contract.destination.connection
