"""What all of the account's parts work with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from activation.clock import Clock
from activation.sandbox.quirks import Quirks
from activation.sandbox.state import State
from activation.sandbox.zendesk.fields import Fields
from activation.sandbox.zendesk.identities import Identities
from activation.sandbox.zendesk.memberships import Memberships
from activation.sandbox.zendesk.records import Records


@dataclass(frozen=True, slots=True)
class Parts:
    """The stores of one account, the time and the quirks."""

    state: State
    clock: Clock
    quirks: Quirks
    address: str
    fields: Fields
    users: Records
    identities: Identities
    organizations: Records
    memberships: Memberships

    def now(self) -> str:
        """Return the time as Zendesk writes it."""
        return stamp(self.clock.now())


def stamp(moment: datetime) -> str:
    """Return a time as Zendesk writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
