import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from activation.errors import ConfigurationError, Paused, Unavailable
from activation.ledger import Ledger, open_ledger
from activation.ledger.schema import HEAD, MIGRATIONS
from activation.ledger.tables import metadata
from activation_tests.ledger.conftest import StandingClock


def test_migrations_make_the_tables(ledger: Ledger) -> None:
    """What the migrations make is what the code describes."""
    with ledger.store.read() as connected:
        differences = compare_metadata(MigrationContext.configure(connected), metadata)

    assert differences == []


def test_the_newest_revision_is_known() -> None:
    """The revision at which nothing is to be done is the last of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_sqlite_loses_nothing_on_power_failure(sqlite_url: str) -> None:
    """SQLite runs with a write-ahead log, synced at every commit, and waits for other writers."""
    with open_ledger(sqlite_url) as ledger, ledger.store.read() as connected:
        pragmas = {
            name: connected.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 10_000}


def test_opening_again_keeps_everything(url: str, clock: StandingClock) -> None:
    """A ledger that is opened a second time holds what the first one wrote, to the microsecond."""
    clock.later(microseconds=123_456)
    with open_ledger(url, clock) as first:
        first.switches.pause("all", reason="maintenance", author="operator")

    with open_ledger(url, clock) as second:
        (switch,) = second.switches.list()

    assert (switch.paused, switch.at) == (True, clock.now())


def test_many_may_open_a_new_ledger_at_once(url: str) -> None:
    """Processes that come first at the same time do not trip over each other's migration."""

    def opened(_number: int) -> int:
        with open_ledger(url) as ledger:
            return len(ledger.switches.list())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened, range(4))) == [0, 0, 0, 0]


def test_writers_wait_for_each_other(ledger: Ledger) -> None:
    """Writes from several threads all happen, one after the other."""

    def write(number: int) -> None:
        ledger.phases.open("s", f"p{number}", reason="r", author="a")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(20)))

    assert len(ledger.phases.opened("s")) == 20


def test_an_unreadable_url_is_a_configuration_error() -> None:
    """A URL that is none is told without repeating it, as it may hold a password."""
    with pytest.raises(ConfigurationError) as error:
        open_ledger("nonsense:secret")

    assert "secret" not in str(error.value)


def test_a_corrupt_file_is_unavailable(tmp_path: Path) -> None:
    """A file that is no database is told in a sentence."""
    path = tmp_path / "ledger.db"
    path.write_text("this is no database, whatever its name says " * 50)

    with pytest.raises(Unavailable, match="not a database"):
        open_ledger(f"sqlite:///{path}")


def test_a_newer_ledger_is_unavailable(url: str) -> None:
    """A ledger that a newer version has migrated is not touched."""
    with open_ledger(url) as ledger, ledger.store.write() as connected:
        connected.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(Unavailable, match="another version"):
        open_ledger(url)


def test_a_locked_ledger_is_unavailable(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that stays locked ends in a sentence, not in a traceback of the driver."""
    open_ledger(sqlite_url).close()
    blocker = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("activation.ledger.store._BUSY_SECONDS", 0)
    with open_ledger(sqlite_url) as impatient, pytest.raises(Unavailable, match="locked"):
        impatient.switches.pause("all", reason="r", author="a")
    blocker.close()


def test_an_unreadable_switch_counts_as_paused(ledger: Ledger) -> None:
    """When the switch cannot be read, nothing is sent."""
    with ledger.store.write() as connected:
        connected.execute(sa.text("DROP TABLE switch"))

    with pytest.raises(Paused, match="could not be read"):
        ledger.switches.check("s", "c")
