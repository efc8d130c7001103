"""What people are told: one message a change, with the first command to type."""

from __future__ import annotations

from dataclasses import dataclass

from activation.alerting.catalogue import Severity, catalogue
from activation.contract.model import Contract
from activation.ledger.alerts import AlertRecord


@dataclass(frozen=True, slots=True)
class Message:
    """A message for one channel."""

    channel: str
    severity: Severity
    title: str
    body: str
    recovery: bool


def message(record: AlertRecord, contract: Contract) -> Message:
    """
    Return what to say of an alert that began to fire, or that is over.

    Raises:
        KeyError: the catalogue has no such alert.
    """
    entry = catalogue()[record.kind].filled(contract)
    severity = entry.loudness(contract)
    anchor = f"{contract.alerting.runbook}#{record.kind}"
    if not record.firing:
        return Message(
            channel=contract.alerting.channel,
            severity=severity,
            title=f"[over] {record.sync}: {entry.title.lower()}",
            body=f"Over since {record.since:%Y-%m-%d %H:%M} UTC. It was: {record.summary}",
            recovery=True,
        )
    lines = [
        record.summary,
        "",
        f"what it means: {entry.means}",
        f"stop the harm: {entry.stop}",
        f"first: {entry.first}",
        f"runbook: {anchor}",
        f"owner: {contract.owner}",
        f"since: {record.since:%Y-%m-%d %H:%M} UTC",
    ]
    if record.run_id:
        lines.append(f"run: {record.run_id}")
    return Message(
        channel=contract.alerting.channel,
        severity=severity,
        title=f"[{severity}] {record.sync}: {entry.title.lower()}",
        body="\n".join(lines),
        recovery=False,
    )
