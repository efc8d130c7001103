"""The sandbox put together: state, faults, log and the vendors that it stands in for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from activation.clock import Clock
from activation.sandbox.braze.system import Braze
from activation.sandbox.faults import Faults
from activation.sandbox.gateway import Connections, Gateway
from activation.sandbox.hubspot.system import HubSpot
from activation.sandbox.requests_log import RequestsLog
from activation.sandbox.salesforce.system import Salesforce
from activation.sandbox.state import State
from activation.sandbox.system import Surroundings, System
from activation.sandbox.time_scale import sandbox_clock
from activation.sandbox.zendesk.system import Zendesk

_VENDORS: tuple[Callable[[Surroundings], System], ...] = (Salesforce, HubSpot, Braze, Zendesk)


class Application:
    """What one running sandbox consists of."""

    def __init__(  # noqa: PLR0913
        self,
        folder: Path,
        *,
        address: str,
        clock: Clock,
        connections: Connections,
        credentials: tuple[str, str] | None = None,
        log_keys: bool = False,
        time_scale: float = 1.0,
    ) -> None:
        """Open the state in that folder and set the vendors up."""
        self.state = State(folder)
        self.faults = Faults()
        self.log = RequestsLog(self.state, log_keys=log_keys)
        self.clock = sandbox_clock(clock, time_scale, self.log.latest())
        self._connections = connections
        self._outside = clock
        surroundings = Surroundings(
            self.state, self.clock, self.faults, address, credentials, time_scale, clock
        )
        vendors: list[System] = [make(surroundings) for make in _VENDORS]
        self.systems = {system.name: system for system in vendors}

    def asgi(self, admin: list[BaseRoute]) -> ASGIApp:
        """Return the application with these admin routes beside the vendors' own."""
        routes = list(admin)
        for system in self.systems.values():
            routes += [*system.routes(), *system.admin_routes()]
        app = Starlette(routes=routes)
        app.router.redirect_slashes = False
        return Gateway(
            app,
            systems=list(self.systems.values()),
            faults=self.faults,
            log=self.log,
            clock=self.clock,
            outside=self._outside,
            connections=self._connections,
        )

    def reset(self) -> None:
        """Return to an empty sandbox: no records, faults, quirks, schema edits, log, quota used."""
        self.faults.clear()
        for system in self.systems.values():
            system.reset()
            system.quirks.reset()
            for quota in system.quotas.values():
                quota.reset()
        self.log.clear()

    def close(self) -> None:
        """Close the state."""
        self.state.close()
