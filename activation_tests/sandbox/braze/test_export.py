from __future__ import annotations

from typing import Any

import pytest

from activation_tests.sandbox.braze.workspace import Workspace

ALIAS = {"alias_name": "a-1", "alias_label": "crm"}


def test_only_the_fields_asked_for(workspace: Workspace) -> None:
    """Named fields come, and what is empty is left out."""
    workspace.set({"external_id": "u", "first_name": "Kim", "plan": "pro"})
    fields = ["external_id", "first_name", "last_name", "custom_attributes"]

    found = workspace.export(external_ids=["u"], fields_to_export=fields)

    assert found["users"] == [
        {"external_id": "u", "first_name": "Kim", "custom_attributes": {"plan": "pro"}}
    ]


def test_found_by_each_identifier(workspace: Workspace) -> None:
    """Alias, Braze's own id, address and number find the profile too."""
    workspace.set({"external_id": "u", "email": "kim@example.com", "phone": "+4930123456"})
    workspace.post("/users/alias/new", {"user_aliases": [{"external_id": "u", **ALIAS}]})
    user = workspace.user("u")
    assert user is not None

    for whom in (
        {"user_aliases": [ALIAS]},
        {"braze_id": user["braze_id"]},
        {"email_address": "KIM@example.com"},
        {"phone": "+4930123456"},
    ):
        (found,) = workspace.export(**whom)["users"]
        assert found["external_id"] == "u"
    assert workspace.export(braze_id="f" * 24)["users"] == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"external_ids": [f"u-{n}" for n in range(51)]},
            "The max number of external_ids and aliases per request was exceeded",
        ),
        ({"email_address": "a@example.com", "phone": "+49"}, "Only one of"),
        ({}, "No users to export"),
        ({"external_ids": [7]}, "must be strings"),
        ({"external_ids": ["u"], "fields_to_export": "email"}, "array of strings"),
    ],
)
def test_what_cannot_be_exported(workspace: Workspace, body: dict[str, Any], told: str) -> None:
    """Too many, too many kinds, or nobody at all: 400 with the reason."""
    answer = workspace.post("/users/export/ids", body)

    assert answer.status_code == 400
    assert told in answer.json()["message"]


def test_newer_accounts_must_name_fields(workspace: Workspace) -> None:
    """By a switch an export without fields is refused."""
    workspace.quirk(fields_to_export="required")

    answer = workspace.post("/users/export/ids", {"external_ids": ["u"]})

    assert answer.status_code == 400
