from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from sqlglot import exp, parse_one

from activation.errors import ConfigurationError, Unavailable
from activation.warehouse.duckdb_file import DuckDbFile
from activation.warehouse.opening import open_warehouse
from activation.warehouse.profile import WarehouseProfile
from activation.warehouse.sql import bound, column, named, table

_HOLDER = (
    "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); "
    "sys.stdin.readline()"
)


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Let another process hold the file; give its id."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.readline()
    try:
        yield process.pid
    finally:
        process.communicate("\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return an empty DuckDB file."""
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(file)).close()
    return file


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    """A file that dbt has not made yet is named, with the way to make it."""
    profile = WarehouseProfile("p", "t", "duckdb", tmp_path / "none.duckdb")
    with pytest.raises(Unavailable, match=r"none\.duckdb does not exist\. Build it with `dbt"):
        open_warehouse(profile).session().__enter__()


def test_a_held_file_is_waited_for_and_its_holder_named(path: Path) -> None:
    """A file that stays held is given up after the wait, naming who holds it."""
    slept: list[float] = []
    with (
        held(path) as holder,
        pytest.raises(Unavailable, match=f"held by process {holder}"),
        DuckDbFile(path, lock_wait=1, sleep=slept.append).session(),
    ):
        pass
    assert sum(slept) == 1


def test_a_file_that_becomes_free_is_opened(path: Path) -> None:
    """The wait ends when the other process lets go."""
    holding = held(path)
    holding.__enter__()
    released: list[float] = []

    def let_go(seconds: float) -> None:
        if not released:
            holding.__exit__(None, None, None)
        released.append(seconds)

    with DuckDbFile(path, sleep=let_go).session() as session:
        session.fetch(exp.select("1"))
    assert released


def test_a_file_that_is_no_warehouse_is_refused(tmp_path: Path) -> None:
    """Another kind of file is a wrong setting, not an outage."""
    file = tmp_path / "notes.txt"
    file.write_text("not a database" * 1000)
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        DuckDbFile(file).session().__enter__()


def test_an_unknown_setting_is_refused(path: Path) -> None:
    """A setting that DuckDB does not know is named."""
    with pytest.raises(ConfigurationError, match="speed"):
        DuckDbFile(path, settings={"speed": "high"}).session().__enter__()


def test_the_session_ends_with_its_block(path: Path) -> None:
    """After the block another process can hold the file."""
    with DuckDbFile(path).session() as session:
        session.fetch(exp.select("1"))
    with held(path):
        pass


def test_arrow_goes_in_and_comes_out_in_pages(path: Path) -> None:
    """Loaded rows can be added to, and streamed a few at a time."""
    rows = pa.table({"n": pa.array(range(5), pa.int64())})
    query = exp.select(column("n")).from_(table("numbers")).order_by(column("n"))
    with DuckDbFile(path).session() as session:
        session.load("numbers", rows)
        session.load("numbers", rows, append=True)
        pages = list(session.stream(query, rows=4))
        assert session.columns(None, "numbers") == {"n": "BIGINT"}
    assert [row for page in pages for row in page["n"].to_pylist()] == sorted([*range(5)] * 2)
    assert max(page.num_rows for page in pages) <= 4


def test_a_transaction_stands_as_a_whole_or_not_at_all(path: Path) -> None:
    """What was written before an error is taken back."""
    made = exp.Create(
        this=table("t", "main"), kind="TABLE", expression=exp.select(named(exp.null(), "x"))
    )

    def fail() -> None:
        with DuckDbFile(path).session() as session, session.transaction():
            session.execute(made)
            message = "stop"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    with DuckDbFile(path).session() as session:
        assert session.tables("main") == []


@pytest.mark.parametrize("nasty", ['a"; DROP TABLE x; --', "it's; --", "\\", "a.b", ""])
def test_names_and_values_are_never_read_as_sql(path: Path, nasty: str) -> None:
    """Quotes and semicolons in names and values come back as they went in."""
    alias = nasty or "x"
    query = exp.select(named(bound("value"), alias))
    with DuckDbFile(path).session() as session:
        found = session.fetch(query, {"value": nasty, "unused": 1}).to_pylist()
    assert found == [{alias: nasty}]


def test_an_interrupted_query_is_an_interruption(path: Path) -> None:
    """What a signal's handler raises in a long query ends it as Ctrl-C does."""
    endless = parse_one("SELECT sum(a.range * b.range) FROM range(1e9::INT) a, range(1e9::INT) b")

    def interrupt(_number: int, _frame: object) -> None:
        message = "an exception of whoever has the handler"
        raise SystemError(message)

    def ask() -> None:
        with DuckDbFile(path).session() as session:
            timer.start()
            session.fetch(endless)

    before = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        with pytest.raises(KeyboardInterrupt):
            ask()
    finally:
        timer.cancel()
        signal.signal(signal.SIGUSR1, before)
