"""Tokens and scopes, properties and schemas, lists, subscriptions."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from activation.errors import UsageError
from activation.sandbox.client import Sandbox
from activation_tests.sandbox.hubspot.portal import TOKEN, Portal, refusal, row
from activation_tests.sandbox.turning_clock import TurningClock

PREFERENCES = "/communication-preferences"
LIST = "/crm/v3/lists/1/memberships"


def _token(sandbox: Sandbox, **form: str) -> requests.Response:
    given = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "w", **form}
    return requests.post(f"{sandbox.address}/oauth/v3/token", data=given, timeout=5)


def test_no_token_is_no_access(sandbox: Sandbox) -> None:
    """The 401 has HubSpot's own words."""
    answer = requests.get(f"{sandbox.address}/crm/v3/objects/contacts", timeout=5)

    assert refusal(answer) == (401, "INVALID_AUTHENTICATION")
    assert answer.json()["message"].startswith("Authentication credentials not found. This API")


def test_an_oauth_token_lives_for_half_an_hour(sandbox: Sandbox, clock: TurningClock) -> None:
    """Then the 401 says that it expired; client credentials bring no refresh token."""
    given = _token(sandbox).json()
    portal = Portal(sandbox.address, given["access_token"])

    assert (given["expires_in"], given["token_use"]) == (1800, "client_credentials")
    assert "refresh_token" not in given
    clock.turn(1799)
    assert portal.upsert(row("u-1")).status_code == 200
    clock.turn(1)
    assert refusal(portal.upsert(row("u-1"))) == (401, "EXPIRED_AUTHENTICATION")
    portal.http.close()


def test_a_refresh_token_brings_another(sandbox: Sandbox) -> None:
    """The refresh token stays; a wrong grant is refused."""
    form = {"grant_type": "refresh_token", "refresh_token": "r"}
    given = _token(sandbox, **form).json()

    assert (given["refresh_token"], given["token_use"]) == ("r", "access_token")
    assert _token(sandbox, grant_type="password").status_code == 400
    assert _token(sandbox, client_secret="").status_code == 400


def test_the_fault_of_a_session_ends_only_oauth_tokens(sandbox: Sandbox) -> None:
    """A static token is good again; one of OAuth is not."""
    static, fresh = Portal(sandbox.address), Portal(sandbox.address)
    fresh.http.headers["Authorization"] = f"Bearer {_token(sandbox).json()['access_token']}"
    statuses = []
    for portal in (static, fresh):
        sandbox.faults.add("expired_session", times=1)
        statuses.append([portal.upsert(row("u-1")).status_code for _ in range(2)])

    assert statuses == [[401, 200], [401, 401]]
    for portal in (static, fresh):
        portal.http.close()


def test_what_a_token_may_do_can_be_asked(sandbox: Sandbox) -> None:
    """Private apps and OAuth have an address each."""
    private = requests.post(
        f"{sandbox.address}/oauth/v2/private-apps/get/access-token-info",
        json={"tokenKey": TOKEN},
        timeout=5,
    ).json()
    token = _token(sandbox).json()["access_token"]
    shown = requests.get(f"{sandbox.address}/oauth/v1/access-tokens/{token}", timeout=5).json()
    told = requests.post(
        f"{sandbox.address}/oauth/v3/token/introspect", data={"token": token}, timeout=5
    ).json()

    assert "crm.objects.contacts.write" in private["scopes"]
    assert (told["active"], shown["hub_id"]) == (True, private["hubId"])


@pytest.mark.parametrize(
    ("scope", "call"),
    [
        ("crm.objects.contacts.write", ("POST", "/crm/v3/objects/contacts/batch/upsert", {})),
        ("crm.objects.contacts.read", ("GET", "/crm/v3/objects/contacts", None)),
        ("crm.lists.write", ("PUT", f"{LIST}/add", [])),
        (
            "communication_preferences.statuses.batch.write",
            ("POST", f"{PREFERENCES}/v4/statuses/batch/write", {"inputs": []}),
        ),
    ],
)
def test_a_missing_scope_is_named(
    portal: Portal, sandbox: Sandbox, scope: str, call: tuple[str, str, Any]
) -> None:
    """The 403 says which one would do."""
    assert portal.call(*call).status_code == 200
    sandbox.call("DELETE", f"hubspot/scopes/{scope}")

    answer = portal.call(*call)

    assert refusal(answer) == (403, "MISSING_SCOPES")
    (error,) = answer.json()["errors"]
    assert error["context"] == {"requiredGranularScopes": [scope]}


def test_properties_are_described_as_recorded(portal: Portal) -> None:
    """Options, uniqueness and what is read only; e-mail does not say that it is unique."""
    found = {
        p["name"]: p for p in portal.call("GET", "/crm/v3/properties/contacts").json()["results"]
    }

    assert found["customer_key"]["hasUniqueValue"] is True
    assert found["email"]["hasUniqueValue"] is False
    assert found["createdate"]["modificationMetadata"]["readOnlyValue"] is True
    assert found["hs_email_domain"]["calculated"] is True
    assert [o["value"] for o in found["lead_grade"]["options"]] == ["A", "B", "C", "D"]


def test_a_property_can_be_added_by_the_api(portal: Portal) -> None:
    """It needs its parts; then records can be matched by it, and a second one is a conflict."""
    given = {
        "name": "account_ref",
        "label": "Account",
        "type": "string",
        "fieldType": "text",
        "groupName": "contactinformation",
        "hasUniqueValue": True,
    }
    path = "/crm/v3/properties/contacts"

    assert refusal(portal.call("POST", path, {"name": "account_ref"})) == (400, "VALIDATION_ERROR")
    assert portal.call("POST", path, given).status_code == 201
    assert portal.call("POST", path, given).status_code == 409
    assert portal.call("GET", f"{path}/account_ref").json()["label"] == "Account"
    made = portal.upsert({"id": "a", "idProperty": "account_ref", "properties": {}})
    assert made.json()["results"][0]["properties"]["account_ref"] == "a"


def test_people_change_properties(portal: Portal, sandbox: Sandbox) -> None:
    """Removed, read only, with other options, or new; a fault hides one for a while."""
    sandbox.edit_field("contacts", "lead_grade", system="hubspot", options=["A"])
    sandbox.edit_field("contacts", "city", system="hubspot", removed=True)
    sandbox.edit_field("contacts", "extra", system="hubspot", type="number")
    sandbox.faults.add("drop_field", object="contacts", field="jobtitle")

    (error,) = portal.upsert(row("u-1", lead_grade="B")).json()["errors"]
    assert error["code"] == "INVALID_OPTION"
    for name in ("city", "jobtitle"):
        (error,) = portal.upsert(row("u-1", **{name: "x"})).json()["errors"]
        assert error["code"] == "PROPERTY_DOESNT_EXIST"
    assert portal.upsert(row("u-1", extra=1)).status_code == 200
    for changes in ({"hidden": True}, {"type": 1}):
        with pytest.raises(UsageError, match="What can be changed"):
            sandbox.edit_field("contacts", "extra", system="hubspot", **changes)
    sandbox.call("DELETE", "hubspot/schema")
    assert portal.upsert(row("u-1", city="x")).status_code == 200


def test_schemas_tell_what_a_custom_object_requires(portal: Portal) -> None:
    """Custom objects are listed; any object can be asked for."""
    (custom,) = portal.call("GET", "/crm/v3/schemas").json()["results"]
    contact = portal.call("GET", "/crm/v3/schemas/CONTACT").json()

    assert (custom["objectTypeId"], custom["requiredProperties"]) == (
        "2-3604285",
        ["workspace_key"],
    )
    assert custom["fullyQualifiedName"] == "p20858001_workspaces"
    assert (contact["metaType"], contact["objectTypeId"]) == ("HUBSPOT", "0-1")


def test_members_are_added_and_removed_by_id(portal: Portal, sandbox: Sandbox) -> None:
    """Bodies are bare arrays; members, strangers and repeats are told apart or ignored."""
    ids = portal.made("u-1", "u-2")

    added = portal.call("PUT", f"{LIST}/add", [ids["u-1"], ids["u-1"], "999"]).json()
    again = portal.call("PUT", f"{LIST}/add", [ids["u-1"], ids["u-2"]]).json()
    removed = portal.call("PUT", f"{LIST}/remove", [ids["u-1"], "999"]).json()

    # HubSpot itself misspells the first name.
    assert added == {
        "recordsIdsAdded": [ids["u-1"]],
        "recordIdsRemoved": [],
        "recordIdsMissing": ["999"],
    }
    assert again["recordsIdsAdded"] == [ids["u-2"]]
    assert removed["recordIdsRemoved"] == [ids["u-1"]]
    assert [r["id"] for r in sandbox.records("lists/1", system="hubspot")] == [ids["u-2"]]
    assert refusal(portal.call("PUT", f"{LIST}/add", {"ids": []})) == (400, "VALIDATION_ERROR")


def test_a_change_of_members_can_do_both(portal: Portal) -> None:
    """Added and removed in one call; who is on which lists can be asked."""
    ids = portal.made("u-1", "u-2")
    portal.call("PUT", f"{LIST}/add", [ids["u-1"]])

    portal.call(
        "PUT",
        f"{LIST}/add-and-remove",
        {"recordIdsToAdd": [ids["u-2"]], "recordIdsToRemove": [ids["u-1"]]},
    )
    asked = portal.call(
        "POST",
        "/crm/v3/lists/records/memberships/batch/read",
        {"inputs": [{"objectTypeId": "0-1", "recordId": i} for i in ids.values()]},
    ).json()["results"]

    lists = {r["recordId"]: [m["listId"] for m in r["recordListMemberships"]] for r in asked}
    assert lists == {ids["u-1"]: [], ids["u-2"]: ["1"]}


def test_members_come_in_pages(portal: Portal) -> None:
    """At most 250 of them; archived records are not on the list."""
    ids = portal.made(*(f"u-{n}" for n in range(5)))
    portal.call("PUT", f"{LIST}/add", list(ids.values()))
    portal.batch("archive", {"id": ids["u-0"]})

    first = portal.call("GET", LIST, params={"limit": 3}).json()
    second = portal.call(
        "GET", LIST, params={"limit": 3, "after": first["paging"]["next"]["after"]}
    ).json()

    found = [m["recordId"] for page in (first, second) for m in page["results"]]
    assert sorted(found) == sorted(i for key, i in ids.items() if key != "u-0")
    assert refusal(portal.call("GET", LIST, params={"limit": 251}))[0] == 400


def test_lists_are_made_found_deleted_and_restored(portal: Portal) -> None:
    """A list needs its parts; one that fills itself cannot be changed."""
    given = {"name": "Champions", "objectTypeId": "0-1", "processingType": "DYNAMIC"}
    made = portal.call("POST", "/crm/v3/lists", given).json()["list"]
    path = f"/crm/v3/lists/{made['listId']}"

    assert refusal(portal.call("POST", "/crm/v3/lists", {"name": "x"}))[0] == 400
    assert refusal(portal.call("PUT", f"{path}/memberships/add", []))[0] == 400
    found = portal.call("POST", "/crm/v3/lists/search", {"query": "champ"}).json()
    assert [one["listId"] for one in found["lists"]] == [made["listId"]]
    assert portal.call("DELETE", path).status_code == 204
    assert refusal(portal.call("GET", path)) == (404, "OBJECT_NOT_FOUND")
    assert portal.call("PUT", f"{path}/restore").status_code == 204
    assert portal.call("GET", path).json()["list"]["name"] == "Champions"


def test_a_list_can_be_emptied(portal: Portal, sandbox: Sandbox) -> None:
    """Everybody leaves at once."""
    portal.call("PUT", f"{LIST}/add", list(portal.made("u-1", "u-2").values()))

    assert portal.call("DELETE", LIST).status_code == 204
    assert sandbox.count("lists/1", system="hubspot") == 0


def test_statuses_are_written_by_address(portal: Portal, sandbox: Sandbox) -> None:
    """Each result says what came of it; a bad address is an error beside the others."""

    def one(email: str, state: str, subscription: int = 1001) -> dict[str, Any]:
        return {
            "subscriberIdString": email,
            "subscriptionId": subscription,
            "channel": "EMAIL",
            "statusState": state,
        }

    path = f"{PREFERENCES}/v4/statuses/batch/write"
    first = portal.call(
        "POST",
        path,
        {
            "inputs": [
                one("Kim@example.com", "UNSUBSCRIBED"),
                one("x", "UNSUBSCRIBED"),
                one("kim@example.com", "UNSUBSCRIBED", 9),
            ]
        },
    ).json()
    again = portal.call("POST", path, {"inputs": [one("kim@example.com", "UNSUBSCRIBED")]}).json()

    (result,) = first["results"]
    assert (result["subscriberIdString"], result["status"]) == ("kim@example.com", "UNSUBSCRIBED")
    assert result["setStatusSuccessReason"] == "REQUESTED_CHANGE_OCCURRED"
    assert first["numErrors"] == 2
    assert again["results"][0]["setStatusSuccessReason"] == "NO_STATUS_CHANGE"
    assert sandbox.records("subscriptions/1001", system="hubspot") == [
        {"email": "kim@example.com", "status": "UNSUBSCRIBED"}
    ]


@pytest.mark.parametrize("restricted", [True, False])
def test_who_opted_out_stays_out(portal: Portal, sandbox: Sandbox, *, restricted: bool) -> None:
    """Subscribing again is refused, or with the quirk off told as such."""
    sandbox.set_quirk("hubspot", "refuses_resubscription", value=restricted)
    given = {"emailAddress": "kim@example.com", "subscriptionId": "1002"}
    out = portal.call("POST", f"{PREFERENCES}/v3/unsubscribe", given)
    back = portal.call("POST", f"{PREFERENCES}/v3/subscribe", given)

    status = portal.call("GET", f"{PREFERENCES}/v3/status/email/kim@example.com").json()

    assert out.json()["status"] == "NOT_SUBSCRIBED"
    assert back.status_code == (400 if restricted else 200)
    states = {s["id"]: s["status"] for s in status["subscriptionStatuses"]}
    assert states["1002"] == ("NOT_SUBSCRIBED" if restricted else "SUBSCRIBED")


def test_statuses_are_read_by_address(portal: Portal) -> None:
    """An address that nobody set is not specified; opting out of all counts for each."""
    portal.call("POST", f"{PREFERENCES}/v4/statuses/kim@example.com/unsubscribe-all?channel=EMAIL")

    answer = portal.call(
        "POST",
        f"{PREFERENCES}/v4/statuses/batch/read?channel=EMAIL",
        {"inputs": ["kim@example.com", "lee@example.com"]},
    ).json()

    found = {
        r["subscriberIdString"]: {s["status"] for s in r["statuses"]} for r in answer["results"]
    }
    assert found == {"kim@example.com": {"UNSUBSCRIBED"}, "lee@example.com": {"NOT_SPECIFIED"}}


def test_subscription_types_are_told_in_both_versions(portal: Portal) -> None:
    """The older one names its list otherwise."""
    old = portal.call("GET", f"{PREFERENCES}/v3/definitions").json()["subscriptionDefinitions"]
    new = portal.call("GET", f"{PREFERENCES}/v4/definitions").json()["results"]

    assert old == new
    assert [one["id"] for one in old] == ["1001", "1002"]
