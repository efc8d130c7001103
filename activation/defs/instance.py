"""The Dagster instance of this project: where runs, checks and partitions are kept."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from activation.defs.naming import phases
from activation.ledger import Ledger
from activation.settings import Settings

_CONFIG = """\
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  # One dbt run at a time on one DuckDB file; see the pool of the dbt assets.
  pools: {default_limit: 1, granularity: op}
  runs:
    max_concurrent_runs: 4
    tag_concurrency_limits:
      - {key: "activation/sync", value: {applyLimitPerUniqueValue: true}, limit: 1}
run_retries:
  enabled: false
"""

# What a step prints is kept by two processes a step, which say so when Ctrl-C ends them; what our
# steps have to say is in the events, and what dbt prints is in a file.
_KEEP_NO_OUTPUT = {
    "compute_logs": {
        "module": "dagster.core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}


def prepare(settings: Settings) -> Path:
    """Make the instance's folder, with its configuration unless there is one, and return it."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text(_CONFIG)
    return home


@contextmanager
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the project's instance for a command: all that its dagster.yaml says, but one thing."""
    home = str(prepare(settings))
    os.environ["DAGSTER_HOME"] = home
    reference = InstanceRef.from_dir(home, overrides=_KEEP_NO_OUTPUT)
    with dg.DagsterInstance.from_ref(reference) as opened:
        yield opened


def mirror_phases(opened: dg.DagsterInstance, ledger: Ledger, sync: str) -> None:
    """
    Make the partitions of a sync those phases that the ledger holds open.

    The ledger is the record; a partition that it does not know is taken away.
    """
    partitions = phases(sync).name
    if partitions is None:  # it is always named; the type says it may not be
        return
    recorded = {phase.phase for phase in ledger.phases.opened(sync)}
    existing = set(opened.get_dynamic_partitions(partitions))
    if missing := sorted(recorded - existing):
        opened.add_dynamic_partitions(partitions, missing)
    for stray in sorted(existing - recorded):
        opened.delete_dynamic_partition(partitions, stray)
