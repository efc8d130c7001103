"""The one resource: opens syncs from the project's own configuration."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from activation.settings import Settings
from activation.sync import Sync, find_contract, open_services


class ActivationResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """
    Opens a sync with its warehouse, destination and ledger.

    What it opens is named by the environment (ACTIVATION_HOME, ACTIVATION_TARGET), so that
    the command line and the Dagster UI always speak of the same things.
    """

    @contextmanager
    def sync(self, name: str) -> Iterator[Sync]:
        """
        Open the sync of that name for the time of a `with` block.

        Raises:
            UsageError: no such contract, connection or variable.
            Unavailable: the ledger cannot be reached.
        """
        settings = Settings.load()
        with open_services(settings) as services:
            yield Sync(find_contract(settings, name), services)


@functools.cache
def activation() -> ActivationResource:
    """Return the one that every component brings along: Dagster wants the same object."""
    return ActivationResource()
