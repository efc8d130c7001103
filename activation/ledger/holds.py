"""
What a rollback leaves behind: its sync sends nothing of its model until somebody releases it.

Otherwise the next ordinary run would send again what was taken back.  A hold is kept beside the
kill switch and is no part of it: a rollback itself must be able to send.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from activation.ledger import audit, tables
from activation.ledger.store import Store
from activation.ledger.switches import Switch, require_words

_THIS = tables.switch.c.scope == sa.bindparam("this")
_ON = sa.select(tables.switch).where(_THIS, tables.switch.c.paused)
_FORGET = tables.switch.delete().where(_THIS)


@dataclass(frozen=True, slots=True)
class Holds:
    """Which syncs are held after a rollback, by whom, and why."""

    store: Store

    def of(self, sync: str) -> Switch | None:
        """Return the hold on a sync, or None."""
        with self.store.read() as connected:
            row = connected.execute(_ON, {"this": _scope(sync)}).mappings().one_or_none()
        return None if row is None else Switch(**row)

    def hold(self, sync: str, undone: str, *, reason: str, author: str) -> None:
        """
        Let no plan of the sync be sent but rollbacks.

        Raises:
            UsageError: reason or author is empty.
        """
        require_words(reason=reason, author=author)
        now = self.store.clock.now()
        known = self.of(sync)
        if known is not None and (known.reason, known.author) == (reason.strip(), author.strip()):
            return  # a step of the same rollback
        held = {"paused": True, "reason": reason.strip(), "author": author.strip(), "at": now}
        subject = {"sync": sync, "undone": undone}
        with self.store.write() as connected:
            connected.execute(_FORGET, {"this": _scope(sync)})
            connected.execute(tables.switch.insert().values(scope=_scope(sync), **held))
            audit.append(
                connected, audit.Act.ROLLBACK, subject, author=author, reason=reason, at=now
            )

    def release(self, sync: str, *, reason: str, author: str) -> bool:
        """
        Let the sync send again; tell whether it was held.

        Raises:
            UsageError: reason or author is empty.
        """
        require_words(reason=reason, author=author)
        now = self.store.clock.now()
        with self.store.write() as connected:
            if connected.execute(_FORGET, {"this": _scope(sync)}).rowcount == 0:
                return False
            subject = {"sync": sync, "phase": "all"}
            audit.append(
                connected, audit.Act.RELEASE, subject, author=author, reason=reason, at=now
            )
        return True


def held(switch: Switch, sync: str) -> str:
    """Return in words that a sync is held, and how it is released."""
    return (
        f"{sync} is held since {switch.author} took a delivery back: {switch.reason}; "
        f"`activation promotion {sync} --release --reason ...` lets it go on."
    )


def _scope(sync: str) -> str:
    return f"rollback:{sync}"
