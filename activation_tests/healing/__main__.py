"""Heal dead letters of mixed causes: `python -m activation_tests.healing --letters 10000`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from activation.ledger import open_ledger
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.healing.healing import heal
from activation_tests.sync.project import make_project, opened_project


def main() -> int:
    """Heal so many letters, tell what became of them, and return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=10_000)
    parser.add_argument("--requests-per-day", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.db"
        open_ledger(f"sqlite:///{ledger}").close()
        root = make_project(Path(folder) / "project", ledger)
        with (
            running(Path(folder) / "vendor", log_keys=True) as address,
            opened_project(root, Sandbox(address)) as project,
        ):
            healed = heal(project, asked.letters, requests_per_day=asked.requests_per_day)
    # A Counter would be made of pairs by asdict.
    told = {f.name: getattr(healed, f.name) for f in fields(healed)}
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    broken = healed.stale or healed.unconsented or healed.unexplained
    return int(bool(broken) or max(healed.days.values()) > healed.allowed)


if __name__ == "__main__":
    sys.exit(main())
