"""
The kill switch: everything, one connection, or one sync, paused or not.

A file `PAUSED` in ACTIVATION_HOME pauses everything too, with its text as the reason; it needs no
ledger, no command and no web server.
A switch or a file that cannot be read counts as paused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from activation.errors import Paused, Unavailable, UsageError
from activation.ledger import audit, tables
from activation.ledger.store import Store

EVERYTHING = "all"
_ON = sa.select(tables.switch).where(
    tables.switch.c.paused,
    tables.switch.c.scope.in_([EVERYTHING, sa.bindparam("connection"), sa.bindparam("sync")]),
)
_LONGEST_REASON = 200
_HINT = "`activation resume` lets it send again; what is not sent stays planned."
_HINT_OF_FILE = "Remove the file to let it send again; what is not sent stays planned."
_FORGET = tables.switch.delete().where(tables.switch.c.scope == sa.bindparam("scope"))
_TURN = tables.switch.insert()


@dataclass(frozen=True, slots=True)
class Switch:
    """The last word on one scope: `all`, `connection:NAME` or `sync:NAME`."""

    scope: str
    paused: bool
    reason: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Switches:
    """Who paused what, and why."""

    store: Store

    def pause(self, scope: str, *, reason: str, author: str) -> None:
        """
        Let no request of this scope start from now on.

        Raises:
            UsageError: the scope is none, or reason or author is empty.
        """
        self._turn(scope, paused=True, reason=reason, author=author)

    def resume(self, scope: str, *, reason: str, author: str) -> None:
        """
        Take the pause of this scope back; a wider or narrower pause stays.

        Raises:
            UsageError: the scope is none, or reason or author is empty.
        """
        self._turn(scope, paused=False, reason=reason, author=author)

    def list(self) -> tuple[Switch, ...]:
        """Return every switch that was ever turned."""
        table = tables.switch
        with self.store.read() as connected:
            rows = connected.execute(sa.select(table).order_by(table.c.scope)).mappings()
            return tuple(Switch(**row) for row in rows)

    def paused(self, sync: str, connection: str) -> Switch | None:
        """
        Return the widest pause that holds this sync back, or None.

        Raises:
            Unavailable: the ledger cannot be read.
        """
        if switch := _of_file(self.store):
            return switch
        with self.store.read() as connected:
            return _paused(connected, sync, connection)

    def check(self, sync: str, connection: str) -> None:
        """
        Let a request of this sync start, or not.

        Raises:
            Paused: the switch is on, or cannot be read.
        """
        try:
            switch = self.paused(sync, connection)
        except Unavailable as error:
            raise Paused(
                f"{error.message} The kill switch could not be read, so nothing is sent.",
                hint="See that the ledger can be reached, then repeat.",
                sync=sync,
            ) from None
        _refuse(switch, sync)

    def _turn(self, scope: str, *, paused: bool, reason: str, author: str) -> None:
        kind, _, name = scope.partition(":")
        if scope != EVERYTHING and (kind not in {"connection", "sync"} or not name):
            raise UsageError(
                f"`{scope}` is nothing that can be paused.",
                hint="Write all, connection:NAME or sync:NAME.",
            )
        require_words(reason=reason, author=author)
        reason, author, at = reason.strip(), author.strip(), self.store.clock.now()
        values = {"paused": paused, "reason": reason, "author": author, "at": at}
        act = audit.Act.PAUSE if paused else audit.Act.RESUME
        subject = {"scope": scope, **({"sync": name} if kind == "sync" else {})}
        with self.store.write() as connected:
            connected.execute(_FORGET, {"scope": scope})
            connected.execute(_TURN, {"scope": scope, **values})
            audit.append(connected, act, subject, author=author, reason=reason, at=at)


def check(store: Store, connected: sa.Connection, sync: str, connection: str) -> None:
    """
    Read the switch inside the transaction that writes an intent.

    Raises:
        Paused: the switch is on.
    """
    _refuse(_of_file(store) or _paused(connected, sync, connection), sync)


def require_words(**words: str) -> None:
    """
    See that a recorded act says who and why.

    Raises:
        UsageError: one of them is empty.
    """
    for name, word in words.items():
        if not word.strip():
            raise UsageError(f"The {name} is missing.", hint="It is kept with the act; say it.")


def _of_file(store: Store) -> Switch | None:
    path = store.kill_file
    if path is None:
        return None
    try:
        reason = path.read_text(errors="replace").strip()[:_LONGEST_REASON] or "no reason is given"
    except FileNotFoundError:
        if path.parent.is_dir():
            return None
        reason = f"{path.parent} is gone, so nobody knows"
    except OSError as error:
        reason = f"{path} cannot be read ({error.strerror})"
    return Switch(
        EVERYTHING, paused=True, reason=reason, author=f"the file {path.name}", at=store.clock.now()
    )


def _paused(connected: sa.Connection, sync: str, connection: str) -> Switch | None:
    scopes = {"connection": f"connection:{connection}", "sync": f"sync:{sync}"}
    on = {row["scope"]: Switch(**row) for row in connected.execute(_ON, scopes).mappings()}
    return next((on[scope] for scope in (EVERYTHING, *scopes.values()) if scope in on), None)


def _refuse(switch: Switch | None, sync: str) -> None:
    if switch is not None:
        raise Paused(
            f"{switch.scope} was paused by {switch.author}: {switch.reason}.",
            hint=_HINT if not switch.author.startswith("the file") else _HINT_OF_FILE,
            sync=sync,
            scope=switch.scope,
        )
