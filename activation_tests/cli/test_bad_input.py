"""Bad input and missing parts: one clear sentence, the right exit code, nothing half done."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from activation.errors import ExitCode
from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, Project


@pytest.fixture(autouse=True)
def _nothing_half_done(project: Project) -> Iterator[None]:
    """See that a command which was not carried out has left nothing behind."""
    yield
    assert project.writes() == []
    assert not (project.settings.home / "dagster").exists()
    with project.services() as services:
        assert services.ledger.runs.list(SYNC) == ()
        assert services.ledger.plans.latest(SYNC, "full") is None
        assert {phase.phase for phase in services.ledger.phases.opened(SYNC)} <= {"canary"}


def _misspell(project: Project, right: str, wrong: str) -> int:
    """Put a wrong word in the place of a right one in the contract; return its line."""
    lines = project.contract_file.read_text().splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if line.strip().startswith(right)]
    lines[number - 1] = lines[number - 1].replace(right, wrong, 1)
    project.contract_file.write_text("\n".join(lines) + "\n")
    return number


@pytest.mark.parametrize("command", ["validate", "plan", "run", "status", "reconcile"])
def test_an_unknown_sync_names_the_nearest(activation: Command, command: str) -> None:
    """A sync that does not exist is told with the one that was probably meant."""
    said = activation(command, "salesforce_contct")

    assert said.code == ExitCode.USAGE
    assert said.out == ""
    assert "no sync `salesforce_contct`. next: Did you mean `salesforce_contact`?" in said.sentence


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", SYNC, "--phase", "ful"),
        ("run", SYNC, "--phase", "ful"),
        ("reconcile", SYNC, "--phase", "ful"),
        ("open", SYNC, "ful", "--reason", "test"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_unknown_phase_names_the_phases(activation: Command, arguments: tuple[str, ...]) -> None:
    """A phase that the contract lacks is told with those that it has."""
    said = activation(*arguments)

    assert said.code == ExitCode.USAGE
    assert "no phase `ful`. next: Its phases are canary, early, half, full." in said.sentence


def test_a_shut_phase_says_how_it_is_opened(activation: Command) -> None:
    """A phase that nobody has opened is refused, with the command that opens it."""
    said = activation("run", SYNC, "--phase", "full")

    assert said.code == ExitCode.REFUSED
    assert f"activation open {SYNC} full --reason" in said.sentence


@pytest.mark.parametrize("command", ["validate", "plan", "run", "status", "reconcile"])
def test_a_misspelt_key_is_told_with_its_line(
    project: Project, activation: Command, command: str
) -> None:
    """A wrong key in a contract is told with file, line and the nearest right key."""
    line = _misspell(project, "freshness:", "freshnes:")

    said = activation(command, SYNC)

    assert said.code == ExitCode.USAGE
    assert f"defs.yaml:{line}" in said.sentence
    assert "`freshnes`" in said.sentence
    assert "did you mean `freshness`?" in said.sentence


def test_an_unknown_model_is_told_with_its_line(project: Project, activation: Command) -> None:
    """`validate` names file, line and the nearest model; nothing else says yes to it."""
    line = _misspell(project, "model: customer_churn", "model: customer_chrun")
    project.open_phase("canary")

    validated = activation("validate")
    ran = activation("run", SYNC)

    assert validated.code == ExitCode.USAGE
    assert f"defs.yaml:{line}" in validated.out
    assert "no model `customer_chrun`; did you mean `customer_churn`?" in validated.out
    assert ran.code == ExitCode.USAGE
    assert "no model `customer_chrun`" in ran.sentence


def test_a_missing_variable_is_named(activation: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that are not set are told by the variable's name."""
    monkeypatch.setenv("ACTIVATION_TARGET", "production")
    monkeypatch.setenv("ACTIVATION_SALESFORCE_BASE_URL", "https://example.my.salesforce.com")
    monkeypatch.delenv("SALESFORCE_CLIENT_ID", raising=False)

    said = activation("plan", SYNC)

    assert said.code == ExitCode.USAGE
    assert "SALESFORCE_CLIENT_ID" in said.sentence


def test_the_demo_keeps_to_the_sandbox(
    activation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo does not run against anything but the sandbox."""
    monkeypatch.setenv("ACTIVATION_TARGET", "production")

    said = activation("demo")

    assert said.code == ExitCode.USAGE
    assert "Unset ACTIVATION_TARGET" in said.sentence


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ACTIVATION_SANDBOX_PORT", "http"),
        ("ACTIVATION_LOCK_WAIT", "soon"),
        ("ACTIVATION_PROJECT", "no-such-folder"),
        ("ACTIVATION_TARGET", "prodution"),
    ],
)
def test_a_wrong_setting_is_named(
    activation: Command, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A variable with a value that cannot be is told by its name and its value."""
    with monkeypatch.context() as patch:
        patch.setenv(variable, value)
        said = activation("plan", SYNC)

    assert said.code == ExitCode.USAGE
    assert value in said.sentence


@contextmanager
def _held(file: Path) -> Iterator[int]:
    """Let another process hold a DuckDB file; yield its id."""
    script = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder.pid
        assert holder.stdin is not None
        holder.stdin.close()


@pytest.mark.parametrize("command", ["plan", "reconcile"])
def test_a_locked_warehouse_names_its_holder(
    project: Project, activation: Command, command: str
) -> None:
    """A DuckDB file that another process holds is told with that process, and can be repeated."""
    project.open_phase("canary")
    file = project.settings.home / "warehouse.duckdb"
    project.warehouse.close()

    with _held(file) as holder:
        said = activation(command, SYNC)

    assert said.code == ExitCode.STOPPED
    assert f"held by process {holder}. next: Wait until it is done" in said.sentence


def test_a_silent_vendor_is_named(
    activation: Command, monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    """A sandbox that is not running is told with its address and the command that starts it."""
    project.open_phase("canary")
    with monkeypatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        patch.setenv("ACTIVATION_SANDBOX_PORT", str(port))
        told = {command: activation(command, SYNC) for command in ("plan", "run", "reconcile")}
        validated = activation("validate", SYNC)

    for said in told.values():
        assert said.code == ExitCode.STOPPED
        assert f"connection salesforce at http://127.0.0.1:{port}" in said.sentence
        assert "next: Start the sandbox: activation sandbox" in said.sentence
    # Nothing is wrong with the contract; the vendor does not answer now.
    assert validated.code == ExitCode.STOPPED
    assert "next: Start the sandbox: activation sandbox" in validated.sentence


def test_a_port_in_use_is_named(activation: Command) -> None:
    """The sandbox does not start on a port that something else has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = activation("sandbox", "--port", str(port))

    assert said.code == ExitCode.STOPPED
    assert f"Port {port}" in said.sentence
    assert "--port" in said.sentence


def test_a_command_that_is_not_there_is_named(activation: Command) -> None:
    """What the sandbox is to run for its time must exist."""
    said = activation("sandbox", "--port", "0", "--", "no-such-command")

    assert said.code == ExitCode.USAGE
    assert "no command `no-such-command`" in said.sentence


@pytest.mark.parametrize("text", [None, "[]", "{"])
def test_a_missing_manifest_says_how_it_is_made(
    project: Project, activation: Command, text: str | None
) -> None:
    """Without dbt's manifest, or with something else in its place, nothing is planned."""
    project.settings.manifest.unlink()
    if text is not None:
        project.settings.manifest.write_text(text)

    said = activation("plan", SYNC)

    assert said.code == ExitCode.USAGE
    assert "manifest" in said.sentence
    assert "next: Run `make setup`" in said.sentence


def test_a_missing_warehouse_says_how_it_is_built(project: Project, activation: Command) -> None:
    """Without a warehouse file nothing is planned, and none is made by looking for it."""
    file = project.settings.home / "warehouse.duckdb"
    aside = file.with_suffix(".aside")
    project.warehouse.close()
    file.rename(aside)

    said = activation("plan", SYNC)

    assert not file.exists()
    assert said.code == ExitCode.STOPPED
    assert f"{file} does not exist. next: Build it" in said.sentence


def test_a_model_that_was_never_built_is_told(project: Project, activation: Command) -> None:
    """A model that dbt knows and the warehouse lacks ends a plan without a traceback."""
    project.sql("DROP TABLE main_marts.customer_churn")

    said = activation("plan", SYNC)

    assert said.code != ExitCode.DONE
    assert "customer_churn" in said.sentence


@pytest.mark.parametrize("command", ["pause", "resume"])
@pytest.mark.parametrize("scope", [(), ("--all", "--connection", "salesforce"), (SYNC, "--all")])
def test_a_switch_needs_one_scope(
    activation: Command, command: str, scope: tuple[str, ...]
) -> None:
    """Nothing is switched by a command that does not say what, or says it twice."""
    said = activation(command, *scope, "--reason", "test")

    assert said.code == ExitCode.USAGE
    assert "Name a SYNC, or --connection C, or --all." in said.sentence


def test_an_unknown_connection_names_those_in_use(activation: Command) -> None:
    """A connection that no sync uses cannot be paused."""
    said = activation("pause", "--connection", "hubspot", "--reason", "test")

    assert said.code == ExitCode.USAGE
    assert "Connections in use: salesforce." in said.sentence


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("pause", "--all"), "--reason"),
        (("pln", SYNC), "pln"),
        (("plan",), "SYNC"),
        (("plan", SYNC, "--rows", "many"), "many"),
        (("plan", SYNC, "--phse", "full"), "--phse"),
        (("demo", "--rows", "0"), "--rows"),
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_named(
    activation: Command, arguments: tuple[str, ...], word: str
) -> None:
    """A command line that cannot be read ends with exit 2 and the word that is wrong."""
    said = activation(*arguments)

    assert said.code == ExitCode.USAGE
    assert word in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_scripts_read_errors_as_objects(activation: Command) -> None:
    """With `--json` an error is one object on standard output too."""
    said = activation("run", "salesforce_contct", "--json")

    assert said.code == ExitCode.USAGE
    assert said.report == {
        "error": "UsageError",
        "message": "there is no sync `salesforce_contct`.",
        "hint": "Did you mean `salesforce_contact`?",
        "exit_code": 2,
    }
