"""What is not sure of Salesforce, both ways."""

from __future__ import annotations

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.org import KEY, Org, contact, refusal
from activation_tests.sandbox.turning_clock import TurningClock


def test_text_of_an_unknown_external_id(org: Org, sandbox: Sandbox) -> None:
    """The field is named, or the text is that of any other 404; the code is the same."""
    named = org.upsert(contact("c-1"), by="Title")
    sandbox.set_quirk("salesforce", "unknown_external_id_text", "generic")
    generic = org.upsert(contact("c-1"), by="Title")

    assert refusal(named) == refusal(generic) == (404, "NOT_FOUND")
    assert "Title" in named.json()[0]["message"]
    assert generic.json()[0]["message"] == "The requested resource does not exist"


def test_failed_rows_may_say_created(org: Org, sandbox: Sandbox) -> None:
    """A failed row of an upsert says nothing of creation, or that nothing was created."""
    bad = contact("c-1", Email="nowhere")
    assert "created" not in org.upsert(bad).json()[0]

    sandbox.set_quirk("salesforce", "failed_upserts_say_created", "false")

    good, failed = org.upsert(contact("c-2"), bad).json()
    assert (good["created"], failed["created"]) == (True, False)


def test_how_long_a_session_lives(org: Org, sandbox: Sandbox, clock: TurningClock) -> None:
    """A session that was not used for its hours is over."""
    sandbox.set_quirk("salesforce", "session_hours", 0.5)
    clock.turn(1700)
    assert org.call("GET", "limits").status_code == 200

    clock.turn(1900)

    assert org.call("GET", "limits").status_code == 401


def test_a_record_that_was_not_modified(org: Org, clock: TurningClock) -> None:
    """If-Modified-Since saves a record that is as it was."""
    org.upsert(contact("c-1"))
    seen = {"If-Modified-Since": "Tue, 01 Sep 2026 10:00:00 GMT"}
    path = f"sobjects/Contact/{KEY}/c-1"

    assert org.call("GET", path, headers=seen).status_code == 304
    clock.turn(5)
    org.upsert(contact("c-1", Title="CEO"))
    assert org.call("GET", path, headers=seen).status_code == 200
    assert org.call("GET", path, headers={"If-Modified-Since": "soon"}).status_code == 200
