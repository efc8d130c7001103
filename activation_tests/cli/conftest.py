"""The `activation` command, run in this process on a small project."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from activation_tests.sync.project import Project

with warnings.catch_warnings():
    # The typer that we are held to imports names that click will drop.
    warnings.simplefilter("ignore", DeprecationWarning)
    from activation.cli import main


@dataclass(frozen=True)
class Said:
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """Return the one JSON object on standard output."""
        report = json.loads(self.out)
        assert isinstance(report, dict)
        return report

    @property
    def sentence(self) -> str:
        """Return the one error that was told, with what to do next."""
        assert "Traceback" not in self.err
        assert self.err.count("error:") == 1, self.err
        return " ".join(self.err.partition("error:")[2].split())


Command = Callable[..., Said]


@pytest.fixture
def activation(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs the command with arguments."""

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = main(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


@pytest.fixture
def project(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project of 200 rows that the command finds."""
    project.enter(monkeypatch)
    monkeypatch.setenv("ACTIVATION_LOCK_WAIT", "0")
    monkeypatch.delenv("ACTIVATION_DEBUG", raising=False)
    project.fill(200)
    return project
