"""
Leases: one run of a sync at a time.

Each new owner gets a higher token.
Whatever an owner writes is refused once somebody holds a higher one, so that an owner that
slept too long cannot do harm when it wakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from activation.errors import Busy
from activation.ledger import tables
from activation.ledger.store import Store, upsert

_HELD = sa.select(tables.lease).where(tables.lease.c.sync == sa.bindparam("sync")).with_for_update()
_PROLONG = (
    tables.lease.update()
    .where(
        tables.lease.c.sync == sa.bindparam("of_sync"),
        tables.lease.c.token == sa.bindparam("of_token"),
    )
    .values(expires_at=sa.bindparam("until"))
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send for one sync."""

    sync: str
    owner: str
    token: int
    seconds: float
    """How long it lives without being renewed."""


@dataclass(frozen=True, slots=True)
class Leases:
    """Who may send for which sync."""

    store: Store

    def acquire(self, sync: str, owner: str, *, seconds: float) -> Lease:
        """
        Take the lease of a sync, or that of an owner whose time has run out.

        Raises:
            Busy: somebody else holds it.
        """
        now = self.store.clock.now()
        with self.store.write() as connected:
            held = connected.execute(_HELD, {"sync": sync}).one_or_none()
            if held is not None and held.expires_at > now:
                raise _busy(sync, held.owner, held.expires_at)
            token = 1 if held is None else held.token + 1
            expires_at = now + timedelta(seconds=seconds)
            taken = {"sync": sync, "owner": owner, "token": token, "expires_at": expires_at}
            upsert(connected, tables.lease, [taken])
        return Lease(sync, owner, token, seconds)

    def renew(self, lease: Lease) -> None:
        """
        Let the lease live on from now.

        Raises:
            Busy: somebody else has taken it.
        """
        with self.store.write() as connected:
            hold(connected, lease, self.store.clock.now())

    def release(self, lease: Lease) -> None:
        """Give the lease back; nothing happens if somebody else has it by now."""
        now = self.store.clock.now()
        with self.store.write() as connected:
            _prolong(connected, lease, now)


def hold(connected: sa.Connection, lease: Lease, now: datetime) -> None:
    """
    See that the lease is still ours, and renew it.

    Raises:
        Busy: somebody else has taken it.
    """
    if not _prolong(connected, lease, now + timedelta(seconds=lease.seconds)):
        held = connected.execute(_HELD, {"sync": lease.sync}).one_or_none()
        raise _busy(lease.sync, held.owner if held else "nobody", held.expires_at if held else now)


def _prolong(connected: sa.Connection, lease: Lease, until: datetime) -> bool:
    """Let the lease end then; return whether it is still ours."""
    whose = {"of_sync": lease.sync, "of_token": lease.token}
    return connected.execute(_PROLONG, {**whose, "until": until}).rowcount > 0


def _busy(sync: str, owner: str, until: datetime) -> Busy:
    return Busy(
        f"{sync} is being delivered by {owner}, whose lease runs until {until:%H:%M:%S} UTC.",
        hint="Wait for that run to end; a run that died frees the sync when its lease has run out.",
        sync=sync,
    )
