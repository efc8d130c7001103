"""The sandbox's own addresses."""

from __future__ import annotations

import pytest
import requests

from activation.errors import Unavailable, UsageError
from activation.sandbox.client import Sandbox
from activation_tests.sandbox.org import DATA, KEY, Org, contact


def test_health_names_the_systems(sandbox: Sandbox) -> None:
    """Health says that this is a sandbox, of what, and what its clock says."""
    health = sandbox.health()

    assert health["sandbox"] is True
    assert "salesforce" in health["systems"]
    assert health["time"] == "2026-09-01T10:00:00+00:00"
    assert sandbox.answers()


def test_the_log_proves_what_was_written(org: Org, sandbox: Sandbox) -> None:
    """Each call is logged with its rows and keys, and never with its values."""
    org.upsert(contact("c-1", Title="Secret title"), contact("C-2"))
    org.call("GET", f"sobjects/Contact/{KEY}/c-1")
    org.query("SELECT Id FROM Contact WHERE Title = 'Secret title'")

    token, write, read, query = sandbox.requests()
    assert token["path"] == "/services/oauth2/token"
    assert write["time"] == "2026-09-01T10:00:00+00:00"
    assert (write["method"], write["status"], write["answered"]) == ("PATCH", 200, True)
    assert (write["rows"], write["keys"], write["key_values"]) == (2, 2, ["c-1", "C-2"])
    assert read["path"] == f"{DATA}/sobjects/Contact/{KEY}/{{value}}"
    assert query["path"] == f"{DATA}/query"
    assert "Secret" not in str(sandbox.requests())
    assert sandbox.requests(since=write["id"]) == [read, query]


def test_admin_calls_cost_and_log_nothing(org: Org, sandbox: Sandbox) -> None:
    """A person's edits and our looking leave no trace in log and quota."""
    org.upsert(contact("c-1"))
    before = (sandbox.quota(), sandbox.requests())

    sandbox.edit_record("Contact", "c-1", Title="x")
    sandbox.create_record("Contact", LastName="By hand")
    sandbox.records("Contact")

    assert (sandbox.quota(), sandbox.requests()) == before


def test_records_are_told_with_their_number(org: Org, sandbox: Sandbox) -> None:
    """A limit cuts the records, not the count; deleted ones are in neither."""
    org.upsert(*(contact(f"c-{n}") for n in range(5)))
    sandbox.delete_record("Contact", "c-0")

    assert [record[KEY] for record in sandbox.records("Contact", limit=2)] == ["c-1", "c-2"]
    assert sandbox.count("Contact") == 4


def test_edits_by_hand_are_checked_like_others(sandbox: Sandbox) -> None:
    """An edit of nobody, or with a bad value, is refused and says why."""
    identity = sandbox.create_record("Contact", LastName="Test")
    with pytest.raises(UsageError, match="no such record"):
        sandbox.edit_record("Contact", "nobody", Title="x")
    with pytest.raises(UsageError, match="invalid email"):
        sandbox.edit_record("Contact", identity, Email="bad")
    sandbox.edit_record("Contact", identity, Title="x")
    assert sandbox.records("Contact")[0]["Title"] == "x"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "records/salesforce/Opportunity"),
        ("GET", "records/nobody/contacts"),
        ("GET", "quota?system=nobody"),
        ("GET", "quota?name=nothing"),
        ("GET", "quirks?system=nobody"),
        ("POST", "quirks"),
        ("POST", "faults"),
        ("GET", "requests?since=x"),
        ("POST", "quota"),
    ],
)
def test_wrong_admin_calls_are_told(sandbox: Sandbox, method: str, path: str) -> None:
    """What the sandbox does not know is refused with a sentence."""
    with pytest.raises(UsageError):
        sandbox.call(method, path, {"limit": "many"} if method == "POST" else None)


def test_each_quota_of_a_vendor_is_told_and_set_by_name(sandbox: Sandbox) -> None:
    """Without a name the main one is meant."""
    sandbox.set_quota(limit=9)
    sandbox.set_quota("daily", system="salesforce", used=4)

    assert sandbox.quota("daily", system="salesforce") == sandbox.quota() == {"limit": 9, "used": 4}
    assert sandbox.quotas("salesforce")["daily"] == {"limit": 9, "used": 4}


def test_a_body_that_is_not_json_is_told(sandbox: Sandbox) -> None:
    """A body that cannot be read is refused."""
    answer = requests.post(f"{sandbox.address}/_sandbox/faults", data="{", timeout=5)

    assert (answer.status_code, answer.json()) == (400, {"error": "The body is not JSON."})


def test_reset_empties_everything(org: Org, sandbox: Sandbox) -> None:
    """After a reset there are no records, faults, edits, sessions, log or quota used."""
    org.upsert(contact("c-1"))
    sandbox.faults.add("slow")
    sandbox.edit_field("Contact", "Title", removed=True)
    sandbox.set_quota(limit=7)

    sandbox.reset()

    assert sandbox.count("Contact") == 0
    assert sandbox.faults.all() == []
    assert sandbox.requests() == []
    assert sandbox.quota() == {"limit": 110_000, "used": 0}
    assert org.call("GET", "limits").status_code == 401
    org.login()
    assert org.upsert(contact("c-1", Title="x")).json()[0]["created"]


def test_no_sandbox_is_told(sandbox: Sandbox) -> None:
    """Where nothing or something else answers, the client says how to start one."""
    nothing, other = Sandbox("http://127.0.0.1:9"), Sandbox(f"{sandbox.address}/services")

    for client in (nothing, other):
        assert not client.answers()
    with pytest.raises(Unavailable, match="activation sandbox"):
        nothing.health()
