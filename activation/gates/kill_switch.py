"""Nobody has paused this sync, its connection, or everything."""

from __future__ import annotations

from activation.contract.model import Contract
from activation.gates.verdict import Gate, Verdict


def kill_switch(contract: Contract, paused: str | None) -> Verdict:
    """Fail if sending is paused; `paused` says by whom, when and why."""
    if paused is None:
        return Verdict(Gate.KILL_SWITCH, passed=True, summary="Sending is not paused.")
    return Verdict(
        Gate.KILL_SWITCH,
        passed=False,
        summary=f"Sending is paused: {paused}",
        next_step=(
            f"Find out why: `activation status {contract.sync}`. When the reason is gone, "
            "`activation resume` what was paused: the sync, the connection, or everything; a sync "
            f"that is held after a rollback goes on with `activation promotion {contract.sync} "
            "--release`."
        ),
    )
