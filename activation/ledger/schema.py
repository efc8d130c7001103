"""Brings the tables of a ledger up to date, once, whoever comes first."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from activation.errors import Unavailable
from activation.ledger.store import Store

HEAD = "0010"
"""The newest revision under migrations/versions."""

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(store: Store) -> None:
    """
    Run the migrations that this ledger has not seen.

    Raises:
        Unavailable: it cannot be written, or a newer version of the package has written it.
    """
    with store.read() as connected:
        if _revision(connected) == HEAD:
            return
    with store.write() as connected:
        _upgrade(connected)


def _upgrade(connected: sa.Connection) -> None:
    # Alembic takes a tenth of a second to import, and nearly every start needs none of it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connected})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise Unavailable(
            f"The ledger was written by another version of this package ({error}).",
            hint="Install the version that wrote it, or a newer one.",
        ) from None


def _revision(connected: sa.Connection) -> str | None:
    if not sa.inspect(connected).has_table("alembic_version"):
        return None
    version = sa.table("alembic_version", sa.column("version_num", sa.Text))
    return connected.scalar(sa.select(version.c.version_num))
