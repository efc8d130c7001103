"""What Dagster is pointed at; all of it is in `defs/`."""

import dagster as dg

from activation.defs import location


@dg.definitions
def defs() -> dg.Definitions:
    """Return the code location."""
    return location.load()
