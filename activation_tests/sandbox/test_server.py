"""Starting, stopping and restarting the sandbox."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from activation.errors import Unavailable
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation.sandbox.state import FILE_NAME
from activation_tests.sandbox.org import Org, contact
from activation_tests.sandbox.turning_clock import TurningClock

_PROGRAM = (
    "import sys; from pathlib import Path; from activation.sandbox.server import serve;"
    "serve(Path(sys.argv[1]), 0, on_ready=lambda address: print(address, flush=True))"
)


def started(folder: Path) -> subprocess.Popen[str]:
    """Start a sandbox in a process of its own, which prints its address."""
    command = [sys.executable, "-c", _PROGRAM, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_was_there_is_there_after_a_restart(tmp_path: Path) -> None:
    """Records, schema edits, sessions, quota and log survive; ids go on counting."""
    with running(tmp_path) as address:
        org, sandbox = Org(address), Sandbox(address)
        first = org.upsert(contact("c-1", Title="Head")).json()[0]["id"]
        sandbox.edit_field("Contact", "Phone", removed=True)
        sandbox.set_quota(limit=50)
        logged, quota = sandbox.requests(), sandbox.quota()
        org.http.close()

    with running(tmp_path) as address:
        sandbox, org.address = Sandbox(address), address
        assert sandbox.requests() == logged
        assert sandbox.quota() == quota
        assert org.stored("c-1")["Title"] == "Head"
        assert "Phone" not in org.stored("c-1")
        assert org.upsert(contact("c-1"), contact("c-2")).json()[0]["id"] == first
        assert sandbox.requests()[-1]["id"] > logged[-1]["id"]
        org.http.close()


def test_half_a_request_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A caller that dies in the middle of a request leaves no entry in the log and no noise."""
    with running(tmp_path) as address:
        where = urlsplit(address)
        with socket.create_connection(("127.0.0.1", where.port or 0)) as line:
            head = "PATCH /services/data/v66.0/composite/sobjects HTTP/1.1\r\nHost: x\r\n"
            line.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())

        assert Sandbox(address).health()["sandbox"]
        assert Sandbox(address).requests() == []
    assert not caplog.records


def test_keys_are_not_kept_unless_asked_for(tmp_path: Path) -> None:
    """By default the log counts keys and names none; nor is a token on disk."""
    with running(tmp_path) as address:
        org = Org(address)
        org.upsert(contact("person-key-1"))
        token = str(org.http.headers["Authorization"]).split()[1]
        assert Sandbox(address).requests()[-1]["keys"] == 1
        assert Sandbox(address).requests()[-1]["key_values"] is None
        org.http.close()

    database = sqlite3.connect(tmp_path / FILE_NAME)
    dump = "\n".join(line for line in database.iterdump() if "salesforce_Contact" not in line)
    database.close()
    assert "person-key-1" not in dump
    assert token not in dump


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    """The error names the port and the way out, and leaves the first sandbox alone."""
    with running(tmp_path / "one") as address:
        port = urlsplit(address).port
        assert port is not None
        with pytest.raises(Unavailable, match=f"Port {port} .*--port"), running(tmp_path, port):
            pass
        assert Sandbox(address).health()["sandbox"]


def test_the_sandbox_listens_on_loopback_only(address: str) -> None:
    """Its address is 127.0.0.1."""
    assert urlsplit(address).hostname == "127.0.0.1"


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    """A file that another version wrote is not touched."""
    database = sqlite3.connect(tmp_path / FILE_NAME)
    database.execute("PRAGMA user_version = 99")
    database.close()

    with (
        pytest.raises(Unavailable, match=r"another version of the sandbox \(99\)"),
        running(tmp_path),
    ):
        pass


def test_a_request_that_hangs_does_not_hold_the_shutdown(tmp_path: Path) -> None:
    """Leaving the block drops what still waits."""
    ended, clock = threading.Event(), TurningClock()

    def wait(org: Org) -> None:
        try:
            org.call("GET", "limits")
        except requests.ConnectionError:
            ended.set()

    with running(tmp_path, clock=clock) as address:
        org = Org(address)
        Sandbox(address).faults.add("slow", seconds=600)
        thread = threading.Thread(target=wait, args=(org,))
        thread.start()
        clock.await_sleeper()
    thread.join(5)
    org.http.close()

    assert ended.is_set()


def test_serving_tells_the_address_and_ends_on_an_interrupt(tmp_path: Path) -> None:
    """`serve` blocks; once the address is told calls are taken, and an interrupt ends it well."""
    with started(tmp_path) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert Sandbox(address).answers()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_a_killed_sandbox_loses_nothing_that_it_answered(tmp_path: Path) -> None:
    """What was answered before the process was killed is there when it is started again."""
    with started(tmp_path) as process:
        assert process.stdout is not None
        org = Org(process.stdout.readline().strip())
        assert org.upsert(*(contact(f"c-{n}") for n in range(200))).status_code == 200
        process.kill()
        org.http.close()

    with running(tmp_path) as address:
        assert Sandbox(address).count("Contact") == 200
