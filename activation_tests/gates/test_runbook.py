import re
from pathlib import Path

import pytest

import activation
from activation.gates.verdict import Gate

TEXT = (
    Path(activation.__file__).parents[1] / "docs" / "runbooks" / "salesforce_contact.md"
).read_text()
CHECKS = [*(gate.value for gate in Gate), "parity", "row_conservation", "dead_letters"]
COMMANDS = {
    "validate", "plan", "run", "status", "reconcile", "pause", "resume", "open", "sandbox", "demo",
}  # fmt: skip
PARTS = ("What it means", "Stop the harm", "Look at", "Fix", "Verify")


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_has_its_section(check: str) -> None:
    """Each gate and check says what it means, how to stop, look, fix and verify."""
    _, _, after = TEXT.partition(f"\n## {check}\n")
    section = after.partition("\n## ")[0]

    assert [part for part in PARTS if f"**{part}.**" not in section] == []
    assert "activation reconcile salesforce_contact" in section


def test_only_commands_that_exist_are_named() -> None:
    """The runbook names no command that the command line lacks."""
    named = set(re.findall(r"(?:`|^\s*)activation ([a-z-]+)", TEXT, re.MULTILINE))

    assert named <= COMMANDS
    assert {"pause", "resume", "reconcile"} <= named
