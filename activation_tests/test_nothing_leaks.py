"""
Unique tokens planted as every secret and in every personal field, and then looked for.

They are in the warehouse and at the vendor, where they belong, and nowhere else: not in the
ledger, Dagster's storage, logs, reports or what the commands print, whatever went wrong meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from activation.destinations.salesforce.collections import Collections
from activation.ledger import open_ledger
from activation_tests.cli.conftest import Command, activation, project  # noqa: F401 - fixtures
from activation_tests.sync.project import SYNC, Project, unguarded

ROWS = 60
_KEYED = (4, 5, 6)
SECRETS = {
    "ACTIVATION_SANDBOX_CLIENT_ID": hashlib.sha256(b"client id").hexdigest()[:24],
    "ACTIVATION_SANDBOX_CLIENT_SECRET": hashlib.sha256(b"client secret").hexdigest()[:24],
}


def token(field: str, row: int) -> str:
    """Return what stands for a personal value: a text that nothing else holds."""
    return hashlib.sha256(f"{field} {row}".encode()).hexdigest()[:24]


def key(row: int) -> str:
    """Return a customer's key, which is a token for those who are suppressed or erased."""
    return token("key", row) if row in _KEYED else f"C-{row:05d}"


def planted() -> list[str]:
    """Return every token."""
    personal = [token("key", row) for row in _KEYED]
    personal += [token(f, row) for f in ("first", "last", "email") for row in range(ROWS)]
    return [*SECRETS.values(), *personal]


def spellings(secret: str) -> Iterator[bytes]:
    """Yield a token as it may hide: as it is, in capitals, in hex, in base64 at any offset."""
    raw = secret.encode()
    yield from (raw, secret.upper().encode(), raw.hex().encode())
    for offset in range(3):
        # Without the characters that its neighbours have a part in.
        encoded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        yield encoded[(offset * 8 + 5) // 6 : -2]


def hits(content: bytes, where: str) -> list[str]:
    """Return the tokens that a content holds, each with its place."""
    return [
        f"{where}: {secret}"
        for secret in planted()
        if any(spelling in content for spelling in spellings(secret))
    ]


def plant(project: Project) -> None:  # noqa: F811
    """Put a token into every personal value; with quotes and letters that are escaped in JSON."""
    project.fill(ROWS)
    for row in range(ROWS):
        project.sql(
            "UPDATE main_marts.customer_churn SET first_name = $first, last_name = $last, "
            "email = $email WHERE customer_id = format('C-{:05d}', $row)",
            {
                "first": f'é"{token("first", row)}',
                "last": f"{token('last', row)}'ß\\",
                "email": f"{token('email', row)}@example.com",
                "row": row,
            },
        )
    for row in _KEYED:
        for model in ("customer_churn", "customer_consent"):
            project.sql(
                f"UPDATE main_marts.{model} SET customer_id = $key "  # noqa: S608
                "WHERE customer_id = format('C-{:05d}', $row)",
                {"key": key(row), "row": row},
            )


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every secret be a token."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def test_a_sweep_finds_what_is_there() -> None:
    """The sweep itself would find a token in each of its spellings, and finds no other text."""
    found = token("last", 7)
    for content in (
        found,
        found.upper(),
        found.encode().hex(),
        base64.b64encode(f'{{"LastName": "{found}"}}'.encode()).decode(),
        base64.b64encode(f'{{"Last": "{found}"}}'.encode()).decode(),
        base64.b64encode(f'{{"LastN": "{found}"}}'.encode()).decode(),
    ):
        assert hits(content.encode(), "here") == [f"here: {found}"]
    assert hits(b"nothing of the kind", "here") == []


@pytest.mark.usefixtures("definitions", "secrets")
def test_no_token_is_at_rest_or_printed(
    project: Project,  # noqa: F811
    activation: Command,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refusals and errors that echo the payload, a crash, dead letters, every command: no hit."""
    plant(project)
    project.edit_contract(unguarded)
    said: list[str] = []

    def run(*arguments: str) -> None:
        out = activation(*arguments)
        said.extend((out.out, out.err))

    echo = " ".join(token("last", row) for row in range(ROWS))
    run("open", SYNC, "full", "--reason", "the sweep")
    faults = project.sandbox.faults
    faults.add("whole_batch_refused", times=1, message=f"cannot read: {echo}", method="PATCH")
    faults.add("expired_session", times=1, method="PATCH")
    faults.add(
        "refuse_value",
        field="Email",
        value=f"{token('email', 3)}@example.com",
        message=f"bad value {token('email', 3)}@example.com of {token('last', 3)}",
    )
    run("run", SYNC)
    faults.clear()
    project.score_again(changed=20)
    with monkeypatch.context() as patch:
        patch.setattr(Collections, "decode", _break)
        run("run", SYNC)
    run("run", SYNC, "--json")
    project.score_again(changed=ROWS)
    faults.add("whole_batch_refused", message=f"cannot read: {echo}", method="PATCH")
    run("run", SYNC)
    faults.clear()
    project.score_again(changed=ROWS)
    faults.add("server_error_after_apply", times=1, method="PATCH")
    run("run", SYNC)
    keys = project.root / "keys.txt"
    keys.write_text(f"{key(4)}\n{key(5)}\n")
    faults.add("whole_batch_refused", times=1, message=f"no: {key(4)} {echo}", method="DELETE")
    for right in (
        ("suppress", key(6), "--sync", SYNC, "--reason", "the sweep", "--json"),
        ("recipients", key(4), key(6), "--json"),
        ("recipients", "--from", str(keys)),
        ("erase", "--from", str(keys), "--preview"),
        ("erase", "--from", str(keys), "--reason", "the sweep", "--json"),
        ("erasures", "run"),
        ("erasures", "list", "--all", "--json"),
        ("suppress", key(6), "--sync", SYNC, "--lift", "--reason", "the sweep"),
    ):
        run(*right)
    keys.unlink()
    project.sql("UPDATE main_marts.customer_churn SET churn_score = NULL")
    for command in (
        ("plan", SYNC, "--rows", "50"),
        ("plan", SYNC, "--rows", "50", "--json"),
        ("status", "--json"),
        ("reconcile", SYNC, "--full", "--json"),
        ("alerts", "--tell", "--json"),
        ("audit", "list", "--json"),
        ("validate",),
        ("strategy", SYNC, "--measure"),
        ("design", "customer_churn", "salesforce.Contact"),
        ("run", SYNC, "--resync", "--reason", "the sweep", "--json"),
    ):
        run(*command)

    found = hits("\n".join(said).encode(), "printed")
    for path in _at_rest(project):
        found += hits(path.read_bytes(), str(path.relative_to(project.root)))
    assert found == []
    with open_ledger(project.settings.ledger_url) as ledger:
        # The sweep would mean nothing had nothing happened.
        assert ledger.dead_letters.list(SYNC, state=None)
        # One was in the batch that nobody answered, which may yet land.
        assert sorted(e.state for e in ledger.erasures.list()) == ["confirmed", "open"]
        there = {r["Customer_Key__c"] for r in project.sandbox.records("Contact")}
        assert there & {key(row) for row in _KEYED} == {key(6)}
        assert {run.state.value for run in ledger.runs.list(SYNC, limit=50)} >= {
            "done",
            "failed",
            "stopped",
        }


def _break(_self: Collections, answer: object, keys: object) -> object:
    """Break as a bug would, with the payload in the exception's text."""
    message = f"cannot decode {answer!r} of {keys!r}: {token('first', 1)} {token('last', 1)}"
    raise KeyError(message)


def _at_rest(project: Project) -> Iterator[Path]:  # noqa: F811
    """Yield every file that a project leaves behind, but for the warehouse."""
    for path in sorted((project.root / "home").rglob("*")):
        if path.is_file() and not path.name.startswith("warehouse.duckdb"):
            yield path
