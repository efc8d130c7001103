"""What a vendor's stand-in brings, so that the sandbox can host several beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.responses import Response
from starlette.routing import BaseRoute

from activation.clock import Clock, SystemClock
from activation.sandbox.faults import Fault, Faults
from activation.sandbox.quirks import Quirks
from activation.sandbox.state import State
from activation.sandbox.windows import Window


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the sandbox hands to each vendor's stand-in."""

    state: State
    clock: Clock
    faults: Faults
    address: str
    """The sandbox's own base address, without a slash at its end."""
    credentials: tuple[str, str] | None = None
    """The only client id and secret that are accepted; None accepts any that are not empty."""
    time_scale: float = 1.0
    """How many times faster than the caller's clock ours runs."""
    outside: Clock = field(default_factory=SystemClock)
    """The caller's clock."""

    def told(self, seconds: float) -> float:
        """Return seconds of ours as the caller's, which is how long to wait is told in headers."""
        return seconds / self.time_scale

    def told_at(self, seconds: float) -> float:
        """Return the moment, so many seconds of ours from now, in the caller's epoch seconds."""
        return self.outside.now().timestamp() + self.told(seconds)


class System(Protocol):
    """One vendor's stand-in."""

    name: str
    quotas: Mapping[str, Window]
    """What limits its requests, by name; the first is the account's main one."""
    quirks: Quirks
    """Behaviour that is not sure, or differs from account to account."""

    def routes(self) -> list[BaseRoute]:
        """Return the vendor's own addresses."""
        ...

    def admin_routes(self) -> list[BaseRoute]:
        """Return what can be changed from outside, under `/_sandbox/<name>/`."""
        ...

    def owns(self, path: str) -> bool:
        """Tell whether the path is one of this vendor's."""
        ...

    def is_data(self, path: str) -> bool:
        """Tell whether the path is a data call, which faults strike unless they say otherwise."""
        ...

    def logged_path(self, path: str) -> str:
        """Return the path as the log may keep it: no keys in it."""
        ...

    def refusal(self, fault: Fault, headers: dict[bytes, bytes]) -> Response:
        """Return the vendor's answer to a request that the fault refuses."""
        ...

    def records(self, name: str, limit: int) -> tuple[list[dict[str, Any]], int]:
        """
        Return up to `limit` records of an object and how many there are.

        Raises:
            UsageError: there is no such object.
        """
        ...

    def reset(self) -> None:
        """Forget every record, schema edit and session."""
        ...
