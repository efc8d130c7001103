"""The code location: everything under `defs/`, run in one process."""

from pathlib import Path

import dagster as dg


def load() -> dg.Definitions:
    """Return all that Dagster loads of this project."""
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
        # A step in a process of its own costs a hundred times its work (imports).
        dg.Definitions(executor=dg.in_process_executor),
    )
