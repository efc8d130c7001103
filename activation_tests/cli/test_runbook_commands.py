"""Every command of a runbook can be typed as it stands."""

from __future__ import annotations

import re
import shlex

import pytest

from activation.errors import ExitCode
from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, Project


def commands(text: str) -> list[str]:
    """Return the commands of a runbook, each once."""
    spans = re.findall(r"`(activation [^`]+)`", text) + re.findall(
        r"^ *(activation .+)$", text, re.MULTILINE
    )
    return sorted(set(spans))


@pytest.mark.usefixtures("definitions")
def test_every_command_works(project: Project, activation: Command) -> None:
    """Each command of the runbook can be typed as it stands: none is a mistake of usage."""
    project.fill(200)
    project.open_phase()
    project.run()
    found = commands(activation("runbook", SYNC).out)
    assert len(found) > 8

    for line in found:
        words = shlex.split(line)[1:]
        if "--write" in words:
            continue  # held where runbooks are rendered
        said = activation(*words)
        expected = {ExitCode.DONE, ExitCode.REFUSED}
        if "--release" in words:
            expected = {ExitCode.USAGE}  # nothing is stopped here, and it says so
            assert "not stopped" in said.sentence
        assert said.code in expected, (line, said.err)
        activation("resume", SYNC, "--reason", "next")
        activation("resume", "--connection", "salesforce", "--reason", "next")
