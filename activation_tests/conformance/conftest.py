from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.stage import Stage
from activation_tests.conformance.subject import SandboxSubject, Subject
from activation_tests.conformance.subjects import SUBJECTS
from activation_tests.conformance.table import behaviours
from activation_tests.sandbox.turning_clock import TurningClock


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every behaviour over every subject; a gap must fail as it says."""
    if "stage" not in metafunc.fixturenames:
        return
    known = {behaviour.name for behaviour in behaviours()}
    name = metafunc.function.__name__.removeprefix("test_")
    assert name in known, f"{metafunc.module.__name__} is not among the modules of table.py"
    cases = []
    for subject in SUBJECTS:
        if unknown := sorted(set(subject.gaps) - known):
            pytest.fail(f"{subject.name} has a gap in {unknown[0]!r}, which is no behaviour")
        marks = []
        if gap := subject.gaps.get(name):
            reason = f"{gap.standing}: {gap.reason}"
            marks = [pytest.mark.xfail(raises=gap.raises, reason=reason, strict=True)]
        cases.append(pytest.param(subject, id=subject.name.replace(" ", "-"), marks=marks))
    metafunc.parametrize("stage", cases, indirect=True)


@pytest.fixture(scope="session")
def conformance_clock() -> TurningClock:
    """Return the clock of the sandbox under these tests."""
    return TurningClock()


@pytest.fixture(scope="session")
def conformance_sandbox(
    tmp_path_factory: pytest.TempPathFactory, conformance_clock: TurningClock
) -> Iterator[Sandbox]:
    """Run one sandbox for all subjects."""
    folder = tmp_path_factory.mktemp("conformance")
    with running(folder, clock=conformance_clock, log_keys=True) as address:
        yield Sandbox(address)


@pytest.fixture
def stage(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    migrated_ledger: Path,
    conformance_clock: TurningClock,
    conformance_sandbox: Sandbox,
) -> Iterator[Stage]:
    """Return the subject's stage: an empty account, and time that stands still."""
    conformance_clock.reset()
    conformance_sandbox.reset()
    subject: type[Subject] = request.param
    assert not inspect.isabstract(subject), f"{subject.name} lacks a method"
    made = subject(conformance_sandbox) if issubclass(subject, SandboxSubject) else subject()
    opened = Stage(made, SharedTime(conformance_clock), tmp_path, migrated_ledger)
    yield opened
    opened.close()
