"""Gates and reconciliation as asset checks."""

import warnings
from collections.abc import Mapping, Sequence

import dagster as dg

from activation.contract.model import Contract
from activation.defs.components import evidence, lineage
from activation.defs.naming import destination_key, phases, plan_key
from activation.gates.verdict import Gate, Verdict
from activation.ledger.approvals import Approval
from activation.ledger.plans import VerdictRecord
from activation.sync import Delivered

GATES = {
    Gate.FRESHNESS: "The data, and all that it is made with, is young enough and goes forward.",
    Gate.GRAIN: "Nearly every source row has a key of its own, and keeps the one it had.",
    Gate.CONSENT: "Consent is known, young enough, and granted for every row to be sent.",
    Gate.BLAST_RADIUS: "The plan changes no more than the contract allows, and than is usual.",
    Gate.DISTRIBUTION: "Values are as the contract accepts them, and look like they did.",
    Gate.SCHEMA: "Source, contract and destination fit; what changed since the last plan is told.",
    Gate.KILL_SWITCH: "Nobody has paused this sync, its connection, or everything.",
}

AFTER = {
    "parity": "Source and destination agree, row by row, within the contract's bound.",
    "row_conservation": "planned = delivered + rejected + in_doubt + blocked + held.",
    "dead_letters": "Few rows wait for a fix.",
}


def _spec(
    contract: Contract, asset: dg.AssetKey, name: str, description: str, *, blocking: bool
) -> dg.AssetCheckSpec:
    with warnings.catch_warnings():
        # Partitioned checks are a preview; a gate must be judged phase by phase, and the
        # sending code reads the verdict from our own ledger, not from here.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name,
            asset=asset,
            description=description,
            blocking=blocking,
            partitions_def=phases(contract.sync),
            metadata={"activation/runbook": lineage.runbook(contract, name)},
        )


def gate_checks(contract: Contract) -> list[dg.AssetCheckSpec]:
    """Return one blocking check a gate, on the plan."""
    key = plan_key(contract)
    return [_spec(contract, key, gate.value, text, blocking=True) for gate, text in GATES.items()]


def gate_results(contract: Contract, verdicts: Sequence[Verdict]) -> list[dg.AssetCheckResult]:
    """Return the verdicts with their evidence."""
    key = plan_key(contract)
    return [
        dg.AssetCheckResult(
            asset_key=key,
            check_name=verdict.gate.value,
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=verdict.summary,
            metadata=evidence.of_verdict(verdict),
        )
        for verdict in verdicts
    ]


def approved_results(
    contract: Contract,
    phase: str,
    approvals: Sequence[Approval],
    verdicts: Mapping[str, VerdictRecord],
) -> list[dg.AssetCheckEvaluation]:
    """Return what the overridden checks say from now on: failed, and who answers for it."""
    key = plan_key(contract)
    return [
        dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=approval.gate,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Overridden by {approval.author}: {approval.reason}. "
            f"{verdicts[approval.gate].summary}",
            metadata={
                **evidence.of_verdict(verdicts[approval.gate]),
                **evidence.of_approval(approval),
            },
            partition=phase,
        )
        for approval in approvals
    ]


def delivery_checks(contract: Contract) -> list[dg.AssetCheckSpec]:
    """Return the checks on the destination asset; they judge what has already been sent."""
    key = destination_key(contract)
    return [_spec(contract, key, name, text, blocking=False) for name, text in AFTER.items()]


def after_delivery(contract: Contract, delivered: Delivered) -> list[dg.AssetCheckResult]:
    """Return parity (if it could be read), row conservation and dead-letter depth."""
    key = destination_key(contract)
    return [
        dg.AssetCheckResult(
            asset_key=key,
            check_name=finding.name,
            passed=finding.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=finding.summary,
            metadata=evidence.of_finding(finding),
        )
        for finding in delivered.findings
    ]
