"""The code location: everything under `defs/`, run in one process."""

from pathlib import Path

import dagster as dg

_HERE = Path(__file__).parent


def load() -> dg.Definitions:
    """Return all that Dagster's servers load: the project, and the catalogue of components."""
    return _in_process(dg.load_from_defs_folder(path_within_project=_HERE))


def load_project() -> dg.Definitions:
    """
    Return the project alone.

    The catalogue, which only the UI shows, imports every installed integration: with
    dagster-snowflake among them that is as long as all else that a command does.
    """
    return _in_process(dg.ComponentTree.for_project(_HERE).build_defs_at_path(_HERE))


def _in_process(project: dg.Definitions) -> dg.Definitions:
    # A step in a process of its own costs a hundred times its work.
    return dg.Definitions.merge(project, dg.Definitions(executor=dg.in_process_executor))
