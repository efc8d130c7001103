from __future__ import annotations

from typing import Any

import pytest

from activation_tests.sandbox.braze.workspace import Workspace

ALIAS = {"alias_name": "a-1", "alias_label": "crm"}


def alias_only(workspace: Workspace, **attributes: Any) -> None:
    """Make an alias-only profile."""
    workspace.set({"user_alias": ALIAS, "_update_existing_only": False, **attributes})


def test_an_alias_only_profile_gets_an_external_id(workspace: Workspace) -> None:
    """If nobody has the external id, the profile is identified with all that it has."""
    alias_only(workspace, plan="pro")

    answer = workspace.post(
        "/users/identify", {"aliases_to_identify": [{"external_id": "u", "user_alias": ALIAS}]}
    )
    workspace.settle()

    assert (answer.status_code, answer.json()) == (
        201,
        {"aliases_processed": 1, "message": "success"},
    )
    assert workspace.custom("u") == {"plan": "pro"}
    assert workspace.sandbox.count("users", system="braze") == 1


@pytest.mark.parametrize(
    ("behaviour", "kept"),
    [("merge", {"plan": "mine", "other": "theirs"}), ("none", {"plan": "mine"})],
)
def test_an_alias_only_profile_goes_into_the_identified_one(
    workspace: Workspace, behaviour: str, kept: dict[str, str]
) -> None:
    """What only the alias-only profile has is taken over if merging is asked for; it is gone."""
    workspace.set({"external_id": "u", "plan": "mine"})
    alias_only(workspace, plan="theirs", other="theirs")

    workspace.post(
        "/users/identify",
        {
            "aliases_to_identify": [{"external_id": "u", "user_alias": ALIAS}],
            "merge_behavior": behaviour,
        },
    )
    workspace.settle()

    assert workspace.custom("u") == kept
    (found,) = workspace.export(user_aliases=[ALIAS])["users"]
    assert found["external_id"] == "u"
    assert workspace.sandbox.count("users", system="braze") == 1


def test_profiles_are_identified_by_address(workspace: Workspace) -> None:
    """An address of an unidentified profile serves as well."""
    workspace.set({"email": "kim@example.com", "plan": "pro"})

    workspace.post(
        "/users/identify",
        {"emails_to_identify": [{"external_id": "u", "email": "kim@example.com"}]},
    )
    workspace.settle()

    assert workspace.custom("u") == {"plan": "pro"}


def test_merging_is_202_and_takes_a_while(workspace: Workspace) -> None:
    """The merged profile is gone; the kept one has what only the other had."""
    workspace.set(
        {"external_id": "keep", "plan": "mine"},
        {"external_id": "lose", "plan": "theirs", "other": "x", "first_name": "Kim"},
    )
    update = {
        "identifier_to_merge": {"external_id": "lose"},
        "identifier_to_keep": {"external_id": "keep"},
    }

    answer = workspace.post("/users/merge", {"merge_updates": [update]})
    assert (answer.status_code, answer.json()) == (202, {"message": "success"})
    assert workspace.user("lose") is not None
    workspace.settle()

    assert workspace.user("lose") is None
    user = workspace.user("keep")
    assert user is not None
    assert user["custom_attributes"] == {"plan": "mine", "other": "x"}
    assert user["first_name"] == "Kim"


@pytest.mark.parametrize(
    ("updates", "told"),
    [
        ("x", "'merge_updates' must be an array of objects"),
        (["x"], "'merge_updates' must be an array of objects"),
        ([{}] * 51, "a single request may not contain more than 50 merge updates"),
        (
            [{"identifier_to_merge": {"external_id": "a"}}],
            "'merge_updates' must only have 'identifier_to_merge' and 'identifier_to_keep'",
        ),
        (
            [{"identifier_to_merge": {"external_id": 7}, "identifier_to_keep": {}}],
            (
                "identifiers must be objects with an 'external_id' property that is a string, or "
                "'user_alias' property that is an object"
            ),
        ),
        (
            [
                {
                    "identifier_to_merge": {"external_id": "a"},
                    "identifier_to_keep": {"user_alias": ALIAS},
                }
            ],
            "identifiers must be objects of the same type",
        ),
    ],
)
def test_merges_that_cannot_be(workspace: Workspace, updates: Any, told: str) -> None:
    """The messages are those of the documentation."""
    answer = workspace.post("/users/merge", {"merge_updates": updates})

    assert (answer.status_code, answer.json()) == (400, {"message": told})


def test_external_ids_are_renamed_and_removed(workspace: Workspace) -> None:
    """The old id finds the profile until it is removed; errors name their place."""
    workspace.set({"external_id": "old", "plan": "pro"}, {"external_id": "taken"})
    rename = [
        {"current_external_id": "old", "new_external_id": "new"},
        {"current_external_id": "taken", "new_external_id": "new"},
        {"current_external_id": "nobody", "new_external_id": "x"},
    ]

    renamed = workspace.post("/users/external_ids/rename", {"external_id_renames": rename}).json()

    assert renamed["message"] == "success"
    assert renamed["external_ids"] == ["new"]
    assert len(renamed["rename_errors"]) == 2
    for name in ("old", "new"):
        user = workspace.user(name)
        assert user is not None
        assert user["external_id"] == "new"
    removed = workspace.post("/users/external_ids/remove", {"external_ids": ["old", "new"]}).json()
    assert removed["removed_ids"] == ["old"]
    assert len(removed["removal_errors"]) == 1
    assert workspace.user("old") is None


def test_aliases_are_made_and_renamed(workspace: Workspace) -> None:
    """Without an external id a profile is made; an unknown external id makes none."""
    workspace.post(
        "/users/alias/new",
        {
            "user_aliases": [
                ALIAS,
                {"external_id": "nobody", "alias_name": "b", "alias_label": "crm"},
            ]
        },
    )
    assert workspace.sandbox.count("users", system="braze") == 1

    workspace.post(
        "/users/alias/update",
        {
            "alias_updates": [
                {"alias_label": "crm", "old_alias_name": "a-1", "new_alias_name": "a-2"}
            ]
        },
    )

    assert workspace.export(user_aliases=[ALIAS])["users"] == []
    assert len(workspace.export(user_aliases=[{**ALIAS, "alias_name": "a-2"}])["users"]) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "Exactly one of"),
        ({"external_ids": ["a"], "braze_ids": ["b"]}, "Exactly one of"),
        ({"external_ids": "a"}, "must be an array"),
        (
            {"external_ids": [f"u-{n}" for n in range(51)]},
            "The max number of ids per request was exceeded",
        ),
    ],
)
def test_deletions_that_cannot_be(workspace: Workspace, body: dict[str, Any], told: str) -> None:
    """One kind of identifier, 50 of it."""
    answer = workspace.post("/users/delete", body)

    assert answer.status_code == 400
    assert told in answer.json()["message"]


def test_a_deleted_user_comes_back_as_somebody_else(workspace: Workspace) -> None:
    """The same external id after a deletion is a new profile with nothing on it."""
    workspace.set({"external_id": "u", "plan": "pro"})
    before = workspace.user("u")
    workspace.post("/users/delete", {"external_ids": ["u"]})
    workspace.settle()

    workspace.set({"external_id": "u", "first_name": "Kim"})

    after = workspace.user("u")
    assert before is not None
    assert after is not None
    assert after["braze_id"] != before["braze_id"]
    assert "custom_attributes" not in after


def test_addresses_are_deleted_as_objects(workspace: Workspace) -> None:
    """An address may stand in an object beside whom to prefer."""
    workspace.set({"external_id": "u", "email": "kim@example.com"})

    workspace.post("/users/delete", {"email_addresses": [{"email": "kim@example.com"}]})
    workspace.settle()

    assert workspace.user("u") is None
