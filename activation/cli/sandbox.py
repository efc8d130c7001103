"""`sandbox`: the vendors that a rehearsal talks to, on loopback."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from activation.cli.output import Output
from activation.errors import ExitCode, Unavailable, UsageError
from activation.sandbox.client import Sandbox
from activation.sandbox.rehearsal import make_ready
from activation.settings import Settings

_START_SECONDS = 30.0
_ASK_AGAIN_SECONDS = 0.05
_ENDED_BY_SIGNAL = 128


def sandbox(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND...]", help="Run this while the sandbox is up."),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="On 127.0.0.1; 0: any free one.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget all records first.")] = False,
    time_scale: Annotated[
        float,
        typer.Option(
            "--time-scale", min=1, max=86400, help="Run its time faster: 1440 = a day a minute."
        ),
    ] = 1.0,
) -> int:
    """Serve the vendors on loopback, with their limits, quirks and faults; state on disk."""
    from activation.sandbox.server import running, serve

    settings = Settings.load()
    chosen = settings.sandbox_port if port is None else port
    output = Output()
    if reset and settings.sandbox_state.exists():
        shutil.rmtree(settings.sandbox_state)
    if not command:
        serve(
            settings.sandbox_state,
            chosen,
            time_scale=time_scale,
            on_ready=lambda address: output.text(
                f"the sandbox answers at {address}; Ctrl-C ends it"
            ),
        )
        return ExitCode.DONE
    if shutil.which(command[0]) is None:
        raise UsageError(f"there is no command `{command[0]}`.", hint="Check its path.")
    from activation.defs.instance import prepare

    with running(settings.sandbox_state, chosen, time_scale=time_scale) as address:
        output.note(f"the sandbox answers at {address}")
        environment = {
            **os.environ,
            "ACTIVATION_HOME": str(settings.home),
            "ACTIVATION_SANDBOX_PORT": address.rpartition(":")[2],
            "DAGSTER_HOME": str(prepare(settings)),
        }
        return _run(command, environment)


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end, and wait for it also when we are asked to end."""
    with subprocess.Popen(command, env=environment) as child, ExitStack() as restored:  # noqa: S603 - the user's own command

        def pass_on(number: int, _frame: object) -> None:
            child.send_signal(number)

        # A terminal gives Ctrl-C to both of us; what is sent to us alone is passed on.
        for number, handler in (
            (signal.SIGINT, signal.SIG_IGN),
            (signal.SIGTERM, pass_on),
            (signal.SIGHUP, pass_on),
        ):
            restored.callback(signal.signal, number, signal.signal(number, handler))
        code = child.wait()
    return code if code >= 0 else _ENDED_BY_SIGNAL - code


@contextmanager
def sandboxed(settings: Settings, output: Output) -> Iterator[None]:
    """
    Use the sandbox that already answers on the port, or run one for the time of the block.

    Its accounts have what the shipped contracts need.

    Raises:
        Unavailable: none answers, and none could be started.
    """
    there = Sandbox(f"http://127.0.0.1:{settings.sandbox_port}")
    if there.answers():
        make_ready(there)
        yield
        return
    log = settings.home / "logs" / "sandbox.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as lines:
        command = [sys.executable, "-m", "activation.cli", "sandbox", "--port"]
        server = subprocess.Popen(  # noqa: S603 - our own command
            [*command, str(settings.sandbox_port)],
            stdout=lines,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for us; the vendor answers until what is under way has ended.
            start_new_session=True,
        )
    try:
        with output.step("starting the sandbox"):
            _await(there, server, settings.sandbox_port, log)
            make_ready(there)
        yield
    finally:
        server.terminate()
        server.wait(timeout=10)


def _await(there: Sandbox, server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not there.answers():
        if server.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(
                f"the sandbox did not come up on port {port}.",
                hint=f"Its log is {log}; ACTIVATION_SANDBOX_PORT chooses another port.",
            )
        time.sleep(_ASK_AGAIN_SECONDS)
