"""The two assets of a sync: the gated plan, and the destination object that it changes."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from activation.contract.model import Contract
from activation.defs.components import evidence, lineage
from activation.defs.components.checks import (
    after_delivery,
    delivery_checks,
    gate_checks,
    gate_results,
)
from activation.defs.components.failures import failure, told
from activation.defs.naming import (
    REPLAY_TAG,
    destination_key,
    phases,
    plan_key,
    referenced_keys,
)
from activation.defs.resources import ActivationResource

Results = Iterator[dg.MaterializeResult[Any]]


def plan_asset(contract: Contract, upstream: lineage.Upstream) -> dg.AssetsDefinition:
    """
    Return the plan: what would change, frozen under a digest, sent nowhere.

    Its checks are the gates.
    They block the destination asset in the same run; delivery reads the verdicts again.
    """
    key = plan_key(contract)

    @dg.multi_asset(
        name=f"{contract.sync}_plan",
        specs=[
            dg.AssetSpec(
                key,
                deps=upstream.keys,
                description=f"What the next delivery of `{contract.sync}` changes, "
                "frozen under a digest. Sends nothing.",
                group_name=contract.destination.connection,
                owners=[contract.owner],
                kinds={"activation", "duckdb"},
                partitions_def=phases(contract.sync),
                code_version=contract.digest[:12],
                metadata={"activation/runbook": lineage.runbook(contract)},
            )
        ],
        check_specs=gate_checks(contract),
    )
    def plan(context: dg.AssetExecutionContext, activation: ActivationResource) -> Results:
        with told(), activation.sync(contract.sync) as sync:
            replays = REPLAY_TAG.items() <= context.run.tags.items()
            make = sync.plan_replay if replays else sync.plan
            planned = make(context.partition_key, run_id=context.run.run_id)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata=evidence.of_plan(planned),
            check_results=gate_results(contract, planned.verdicts),
        )

    return plan


def destination_asset(contract: Contract, upstream: lineage.Upstream) -> dg.AssetsDefinition:
    """
    Return the destination object: sends the newest plan of the phase, folds, reconciles.

    A plan that has not passed its gates, or is not the newest, is refused here whatever
    launched the run.
    """
    key = destination_key(contract)

    @dg.multi_asset(
        name=contract.sync,
        specs=[
            dg.AssetSpec(
                key,
                deps=[plan_key(contract), *map(_whole, referenced_keys(contract))],
                description=lineage.description(contract),
                group_name=contract.destination.connection,
                owners=[contract.owner],
                kinds={"activation", contract.destination.connection},
                partitions_def=phases(contract.sync),
                code_version=contract.digest[:12],
                metadata={
                    "dagster/column_schema": lineage.column_schema(contract),
                    "dagster/column_lineage": lineage.column_lineage(contract, upstream.source),
                    "dagster/table_name": (
                        f"{contract.destination.connection}.{contract.destination.object}"
                    ),
                    "activation/runbook": lineage.runbook(contract),
                },
            )
        ],
        check_specs=delivery_checks(contract),
    )
    def destination(context: dg.AssetExecutionContext, activation: ActivationResource) -> Results:
        with told(), activation.sync(contract.sync) as sync:
            delivered = sync.deliver(context.partition_key, run_id=context.run.run_id)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata=evidence.of_delivery(delivered),
            check_results=after_delivery(contract, delivered),
        )
        if delivered.stopped is not None:
            # The counts above stay recorded; the run itself is not done.
            raise failure(delivered.stopped)

    return destination


def _whole(key: dg.AssetKey) -> dg.AssetDep:
    """Depend on all phases of another sync: its records are named whatever phase they came with."""
    return dg.AssetDep(key, partition_mapping=dg.AllPartitionMapping())
