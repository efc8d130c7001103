"""Exchanges that were recorded of the real Braze in 2021, replayed in their order."""

from __future__ import annotations

import re

from activation_tests.sandbox.braze.workspace import Workspace

IDS = ["one@example.com", "two@example.com", "three@example.com", "not-there@example.com"]


def test_deleting_who_is_not_there(workspace: Workspace) -> None:
    """A deletion counts every id that it was given, known or not."""
    answer = workspace.post("/users/delete", {"external_ids": IDS})

    assert answer.status_code == 201
    assert answer.json() == {"deleted": 4, "message": "success"}
    assert answer.headers["Content-Type"] == "application/json"


def test_exporting_who_is_not_there(workspace: Workspace) -> None:
    """Unknown ids are told beside the profiles, and are no error."""
    answer = workspace.post("/users/export/ids", {"external_ids": IDS})

    assert answer.status_code == 201
    assert answer.json() == {"users": [], "invalid_user_ids": IDS, "message": "success"}


def test_a_profile_comes_and_goes(workspace: Workspace) -> None:
    """Accepted, not there yet, there and empty, whole, deleted, still there, gone."""
    answer = workspace.http.post(
        f"{workspace.sandbox.address}/users/track?=",
        json={
            "attributes": [
                {
                    "external_id": IDS[0],
                    "first_name": "John",
                    "last_name": "Doe",
                    "dob": "1980-12-21",
                    "groups": [],
                }
            ]
        },
        timeout=5,
    )

    assert answer.status_code == 201
    assert answer.json() == {"attributes_processed": 1, "message": "success"}
    assert workspace.export(external_ids=IDS[:1]) == {
        "users": [],
        "invalid_user_ids": IDS[:1],
        "message": "success",
    }
    workspace.settle(1)
    half = workspace.user(IDS[0])
    assert half is not None
    assert "first_name" not in half
    workspace.settle(1)
    (user,) = workspace.export(external_ids=IDS[:1])["users"]
    assert re.fullmatch("[0-9a-f]{24}", user.pop("braze_id"))
    assert re.fullmatch("[0-9a-f]{24}", user.pop("appboy_id"))
    assert 0 <= user.pop("random_bucket") < 10_000
    assert user == {
        "created_at": "2026-09-01T10:00:01.000Z",
        "external_id": IDS[0],
        "user_aliases": [],
        "first_name": "John",
        "last_name": "Doe",
        "custom_attributes": {"groups": []},
        "dob": "1980-12-21T00:00:00.000Z",
        "total_revenue": 0,
        "push_subscribe": "subscribed",
        "email_subscribe": "subscribed",
    }
    workspace.post("/users/delete", {"external_ids": IDS[:1]})
    assert workspace.user(IDS[0]) is not None
    workspace.settle()
    assert workspace.user(IDS[0]) is None


def test_known_and_unknown_ids_in_one_export(workspace: Workspace) -> None:
    """Profiles come in the order of the ids, and who is unknown beside them."""
    workspace.set({"external_id": IDS[1]}, {"external_id": IDS[0]})

    found = workspace.export(external_ids=IDS[:3])

    assert [user["external_id"] for user in found["users"]] == IDS[:2]
    assert found["invalid_user_ids"] == IDS[2:3]
