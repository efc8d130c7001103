from __future__ import annotations

from typing import Any

import pytest

from activation.sandbox.braze.subscriptions import DEFAULT_GROUP
from activation_tests.sandbox.braze.workspace import Workspace


def entry(state: str = "subscribed", **whom: Any) -> dict[str, Any]:
    """Return a change of the group."""
    return {"subscription_group_id": DEFAULT_GROUP, "subscription_state": state, **whom}


def states(workspace: Workspace, *ids: str) -> dict[str, str]:
    """Return the states of users in the group."""
    answer = workspace.get(
        "/subscription/status/get",
        **{"subscription_group_id": DEFAULT_GROUP, "external_id[]": list(ids)},
    )
    assert answer.status_code == 200
    content = answer.json()
    assert content["message"] == "success"
    found: dict[str, str] = content["status"]
    return found


def test_joining_and_leaving(workspace: Workspace) -> None:
    """Who was never asked is unknown, and so is who is not there."""
    workspace.set(*[{"external_id": f"u-{n}"} for n in range(3)])

    answer = workspace.post(
        "/v2/subscription/status/set",
        {
            "subscription_groups": [
                entry(external_ids=["u-0"]),
                entry("unsubscribed", external_ids=["u-1"]),
            ]
        },
    )
    workspace.settle()

    assert (answer.status_code, answer.json()) == (201, {"message": "success"})
    assert states(workspace, "u-0", "u-1", "u-2", "nobody") == {
        "u-0": "Subscribed",
        "u-1": "Unsubscribed",
        "u-2": "Unknown",
        "nobody": "Unknown",
    }
    assert workspace.sandbox.count(f"subscription_groups/{DEFAULT_GROUP}", system="braze") == 2


def test_the_older_endpoint(workspace: Workspace) -> None:
    """One group, with one id or an array of them."""
    workspace.set({"external_id": "a"}, {"external_id": "b"})

    one = workspace.post("/subscription/status/set", entry(external_id="a"))
    many = workspace.post("/subscription/status/set", entry(external_id=["b"]))
    workspace.settle()

    assert [one.status_code, many.status_code] == [201, 201]
    assert set(states(workspace, "a", "b").values()) == {"Subscribed"}


def test_an_address_changes_everybody_who_has_it(workspace: Workspace) -> None:
    """By e-mail every profile with that address changes, also when tracking."""
    address = {"email": "kim@example.com"}
    workspace.set(*[{"external_id": f"u-{n}", **address} for n in range(2)])

    workspace.post(
        "/v2/subscription/status/set", {"subscription_groups": [entry(emails=["Kim@example.com"])]}
    )
    workspace.settle()
    assert set(states(workspace, "u-0", "u-1").values()) == {"Subscribed"}

    groups = [{"subscription_group_id": DEFAULT_GROUP, "subscription_state": "unsubscribed"}]
    workspace.set({"external_id": "u-0", "subscription_groups": groups})
    assert set(states(workspace, "u-0", "u-1").values()) == {"Unsubscribed"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            entry(emails=["a@example.com"], phones=["+49"]),
            "Either an email address or a phone number should be provided, but not both.",
        ),
        (entry("maybe", external_ids=["a"]), "'subscription_state'"),
        (entry(), "is required"),
        ({**entry(external_ids=["a"]), "subscription_group_id": "x"}, "subscription_group_id"),
        (entry(external_ids=[f"u-{n}" for n in range(51)]), "max number of ids"),
    ],
)
def test_changes_that_cannot_be(workspace: Workspace, change: dict[str, Any], told: str) -> None:
    """A request with one such change is refused as a whole."""
    answer = workspace.post("/v2/subscription/status/set", {"subscription_groups": [change]})

    assert answer.status_code == 400
    assert told in answer.json()["message"]


def test_an_address_can_agree_before_it_belongs_to_anybody(workspace: Workspace) -> None:
    """The state of an address is set on whoever gets it later."""
    answer = workspace.post(
        "/email/status", {"email": ["kim@example.com"], "subscription_state": "opted_in"}
    )
    workspace.settle()
    workspace.set({"external_id": "u", "email": "kim@example.com"})

    assert (answer.status_code, answer.json()) == (201, {"message": "success"})
    user = workspace.user("u")
    assert user is not None
    assert user["email_subscribe"] == "opted_in"
    workspace.post(
        "/email/status", {"email": "kim@example.com", "subscription_state": "unsubscribed"}
    )
    workspace.settle()
    user = workspace.user("u")
    assert user is not None
    assert user["email_subscribe"] == "unsubscribed"


def test_the_groups_of_a_user(workspace: Workspace) -> None:
    """Each group with its name, its channel and the user's state in it."""
    workspace.set({"external_id": "u"})
    workspace.sandbox.call("PATCH", "braze/groups/g-2", {"name": "Offers", "channel": "sms"})
    workspace.post("/subscription/status/set", entry(external_id="u"))
    workspace.settle()

    answer = workspace.get("/subscription/user/status", external_id="u")

    (user,) = answer.json()["users"]
    assert user["external_id"] == "u"
    assert {
        g["id"]: (g["name"], g["channel"], g["status"]) for g in user["subscription_groups"]
    } == {
        DEFAULT_GROUP: ("Newsletter", "email", "Subscribed"),
        "g-2": ("Offers", "sms", "Unknown"),
    }
