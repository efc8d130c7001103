"""Where a project and its state stand, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from activation.contract.values import parse_duration
from activation.errors import ConfigurationError

SANDBOX_PORT = 8765
LOCK_WAIT = 30
LEDGER_KEEP = "90d"
_SHORTEST_KEEP = timedelta(days=7)
_LARGEST_PORT = 65535
_MARKER = "workspace.yaml"


@dataclass(frozen=True, slots=True)
class Settings:
    """The places and addresses that one process works with; every path is absolute."""

    root: Path
    """The project: `ACTIVATION_PROJECT`, or the nearest folder upwards with workspace.yaml."""
    home: Path
    """Ledger and local state: `ACTIVATION_HOME`, or `.activation` in the project."""
    target: str
    """The set of connections: `ACTIVATION_TARGET`, or `sandbox`."""
    contracts: Path
    connections: Path
    dbt_project: Path
    manifest: Path
    """What `dbt parse` writes."""
    ledger_url: str
    """`ACTIVATION_LEDGER_URL`, or a SQLite file in `home`."""
    ledger_keep: timedelta
    """`ACTIVATION_LEDGER_KEEP`: how long the ledger knows of what is settled, or 90d."""
    dagster_home: Path
    """`DAGSTER_HOME`, or `dagster` in `home`."""
    sandbox_state: Path
    sandbox_port: int
    """`ACTIVATION_SANDBOX_PORT`, or 8765."""
    lock_wait: float
    """`ACTIVATION_LOCK_WAIT`: seconds that a warehouse held by another process is waited for."""

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, start: Path | None = None) -> Self:
        """
        Read the settings; an empty variable counts as not set.

        A relative path in a variable is taken from the project, not from the current folder, so
        that every process means the same place.

        Args:
            env: the environment; the process's own if None.
            start: where the search for the project begins; the current folder if None.

        Raises:
            ConfigurationError: `ACTIVATION_PROJECT` is no folder, or a number is none.
        """
        env = os.environ if env is None else env
        root = _root(env, start or Path.cwd())
        home = root / (env.get("ACTIVATION_HOME") or ".activation")
        dbt_project = root / "dbt_project"
        return cls(
            root=root,
            home=home,
            target=env.get("ACTIVATION_TARGET") or "sandbox",
            contracts=root / "activation" / "defs",
            connections=root / "activation" / "connections.yaml",
            dbt_project=dbt_project,
            manifest=dbt_project / "target" / "manifest.json",
            ledger_url=env.get("ACTIVATION_LEDGER_URL") or f"sqlite:///{home / 'ledger.db'}",
            ledger_keep=_ledger_keep(env),
            dagster_home=root / (env.get("DAGSTER_HOME") or home / "dagster"),
            sandbox_state=home / "sandbox",
            sandbox_port=sandbox_port(env),
            lock_wait=_lock_wait(env),
        )

    @property
    def kill_file(self) -> Path:
        """Return the file that pauses everything while it is there."""
        return self.home / "PAUSED"

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which dbt, Dagster and we mean the same places."""
        return {
            **env,
            "ACTIVATION_HOME": str(self.home),
            "ACTIVATION_PROJECT": str(self.root),
            "DAGSTER_HOME": str(self.dagster_home),
        }


def sandbox_port(env: Mapping[str, str]) -> int:
    """
    Return the port that the sandbox listens on.

    Raises:
        ConfigurationError: `ACTIVATION_SANDBOX_PORT` is not a port.
    """
    text = env.get("ACTIVATION_SANDBOX_PORT") or str(SANDBOX_PORT)
    # isdecimal alone would let other scripts' digits through, which int() reads too.
    if text.isascii() and text.isdecimal() and 0 < int(text) <= _LARGEST_PORT:
        return int(text)
    raise ConfigurationError(
        f"ACTIVATION_SANDBOX_PORT is {text!r}, which is not a port.",
        hint=f"Set it to a number from 1 to {_LARGEST_PORT}, or leave it out for {SANDBOX_PORT}.",
    )


def _ledger_keep(env: Mapping[str, str]) -> timedelta:
    text = env.get("ACTIVATION_LEDGER_KEEP") or LEDGER_KEEP
    try:
        keep = parse_duration(text)
    except ValueError:
        keep = timedelta(0)
    if keep < _SHORTEST_KEEP:
        raise ConfigurationError(
            f"ACTIVATION_LEDGER_KEEP is {text!r}, which is not a week or longer.",
            hint=f"Set it to a duration such as 180d, or leave it out for {LEDGER_KEEP}.",
        )
    return keep


def _lock_wait(env: Mapping[str, str]) -> float:
    text = env.get("ACTIVATION_LOCK_WAIT") or str(LOCK_WAIT)
    if text.isascii() and text.isdecimal():
        return float(text)
    raise ConfigurationError(
        f"ACTIVATION_LOCK_WAIT is {text!r}, which is not a number of seconds.",
        hint=f"Set it to a whole number, or leave it out for {LOCK_WAIT}.",
    )


def _root(env: Mapping[str, str], start: Path) -> Path:
    if named := env.get("ACTIVATION_PROJECT"):
        root = (start / named).resolve()
        if not root.is_dir():
            raise ConfigurationError(
                f"ACTIVATION_PROJECT is {named!r}, which is not a folder.",
                hint="Set it to the folder that holds workspace.yaml, or leave it out.",
            )
        return root
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / _MARKER).is_file():
            return folder
    return Path(__file__).resolve().parent.parent
