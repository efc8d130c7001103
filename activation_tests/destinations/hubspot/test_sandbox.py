"""The adapter against the sandbox: what the conformance suite does not ask of everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from activation.contract.model import FieldKind
from activation.destinations.base import Connection, Fate, RowResult, Target
from activation.destinations.hubspot.destination import HubSpot
from activation.destinations.traits import Verb
from activation.errors import BatchRefused, ConfigurationError, Transient
from activation.sandbox.client import Sandbox
from activation_tests.destinations.hubspot.rows import (
    FIRST_NAME,
    KEY,
    TARGET,
    contacts,
    mapping,
    members,
    opt_outs,
)


@pytest.fixture
def account(vendor: Sandbox) -> Connection:
    """Connect to the sandbox."""
    return Connection("crm", "hubspot", vendor.address, {"access_token": "pat-na1-test"})


@pytest.fixture
def live(account: Connection) -> Iterator[HubSpot]:
    """Return the destination of the sandbox's account."""
    destination = HubSpot(account)
    yield destination
    destination.close()


def carry(
    hubspot: HubSpot, target: Target, keys: list[str], **columns: list[Any]
) -> tuple[RowResult, ...]:
    """Write rows and return what came of each."""
    names = {f.to: ["Kim"] * len(keys) for f in target.fields}
    rows = pa.table({"sync_key": keys, **names, **columns})
    endpoint = hubspot.endpoint(target, rows=len(keys))
    answer = endpoint.send(target, endpoint.encode(target, rows), seconds=10)
    return endpoint.decode(answer, keys)


def codes(results: tuple[RowResult, ...]) -> list[str | None]:
    """Return the code of each row's error, None where it was delivered."""
    return [None if r.error is None else r.error.code for r in results]


def read(hubspot: HubSpot, target: Target, keys: list[str] | None) -> list[Any]:
    """Return the keys that a read brings back, sorted."""
    pages = hubspot.read_back(target, keys)
    return sorted(key for page in pages for key in page.rows["sync_key"].to_pylist())


def test_a_shuffled_answer_is_put_in_order(live: HubSpot, vendor: Sandbox) -> None:
    """A hundred rows, each with the id of its own record, with and without trace ids."""
    keys = [f"u-{n:03d}" for n in range(100)]
    target = contacts(mapping("city", "text(80)"))
    for traced in (True, False):
        vendor.set_quirk("hubspot", "returns_trace_ids", traced)

        results = carry(live, target, keys, city=keys)

        stored = {r[KEY]: r["id"] for r in vendor.records("contacts", system="hubspot")}
        assert [r.destination_id for r in results] == [stored[key] for key in keys]


def test_a_success_that_stored_nothing_delivers_nothing(live: HubSpot, vendor: Sandbox) -> None:
    """Each row may go again."""
    vendor.faults.add("stored_nothing", times=1)

    results = carry(live, TARGET, ["u-0", "u-1"])

    assert codes(results) == ["NOT_TOLD", "NOT_TOLD"]
    assert codes(carry(live, TARGET, ["u-0", "u-1"])) == [None, None]


def test_the_newest_version_tells_errors_in_a_200(account: Connection) -> None:
    """The row is refused all the same."""
    hubspot = HubSpot(replace(account, api_version="2026-09"))
    target = contacts(mapping("email", "text(80)"))

    results = carry(hubspot, target, ["u-0", "u-1"], email=["a@example.com", "x"])

    assert codes(results) == [None, "INVALID_EMAIL"]
    hubspot.close()


def test_an_update_knows_records_by_id_or_key(live: HubSpot, vendor: Sandbox) -> None:
    """Ids and keys in one batch are two requests; a known id also gets the key."""
    stranger = vendor.create_record("contacts", system="hubspot", firstname="By hand")
    carry(live, TARGET, ["u-0"])
    update = replace(TARGET, verb=Verb.UPDATE)

    results = carry(live, update, ["u-0", "u-1", "u-2"], destination_id=[None, stranger, None])

    assert codes(results) == [None, None, "OBJECT_NOT_FOUND"]
    assert results[1].destination_id == stranger
    stored = {r["id"]: r for r in vendor.records("contacts", system="hubspot")}
    assert (stored[stranger][KEY], stored[stranger]["firstname"]) == ("u-1", "Kim")


def test_an_id_that_a_merge_made_stale_is_not_taken_for_delivered(
    live: HubSpot, vendor: Sandbox
) -> None:
    """HubSpot leaves such a row out of its answer without a word."""
    first, second = (r.destination_id for r in carry(live, TARGET, ["u-0", "u-1"]))
    vendor.merge_records("contacts", "u-0", "u-1", system="hubspot")
    update = replace(TARGET, verb=Verb.UPDATE)

    results = carry(live, update, ["u-9"], destination_id=[second])

    assert codes(results) == ["NOT_TOLD"]
    assert first


def test_a_removal_finds_the_record_by_its_key(live: HubSpot, vendor: Sandbox) -> None:
    """Whatever id the delivered state knows: archiving an id that is gone is a success too."""
    carry(live, TARGET, ["u-0", "u-1"])
    vendor.merge_records("contacts", "u-0", "u-1", system="hubspot")
    remove = replace(TARGET, verb=Verb.REMOVE)

    results = carry(live, remove, ["u-0", "u-7"], destination_id=["101", None])

    assert codes(results) == [None, None]
    assert vendor.count("contacts", system="hubspot") == 0


def test_an_erased_contact_leaves_nothing(live: HubSpot, vendor: Sandbox) -> None:
    """Neither the living record, nor one that was archived before."""
    carry(live, TARGET, ["u-0"])
    carry(live, replace(TARGET, verb=Verb.REMOVE), ["u-0"])
    carry(live, TARGET, ["u-0"])
    erase = replace(TARGET, verb=Verb.ERASE)

    assert codes(carry(live, erase, ["u-0"])) == [None]

    assert codes(carry(live, erase, ["u-0"])) == [None]
    assert read(live, TARGET, None) == []
    paths = [r["path"] for r in vendor.requests() if r["path"].endswith("gdpr-delete")]
    assert len(paths) == 1


def test_who_joins_a_list_and_who_was_there(live: HubSpot, vendor: Sandbox) -> None:
    """Joined, a member already, and without a record: each is told for itself."""
    carry(live, TARGET, ["u-0", "u-1", "u-2"])
    assert codes(carry(live, members(), ["u-0"])) == [None]

    results = carry(live, members(), ["u-0", "u-1", "nobody"])

    assert codes(results) == [None, None, "RECORD_NOT_FOUND"]
    assert [r.created for r in results[:2]] == [False, True]
    refused = results[2].error
    assert refused is not None
    assert refused.fate is Fate.LATER
    assert {r[KEY] for r in vendor.records("lists/1", system="hubspot")} == {"u-0", "u-1"}


def test_who_leaves_a_list(live: HubSpot, vendor: Sandbox) -> None:
    """Left, no member, and without a record: all of them are not on it."""
    carry(live, TARGET, ["u-0", "u-1", "u-2"])
    carry(live, members(), ["u-0", "u-1"])

    results = carry(live, members(verb=Verb.REMOVE), ["u-0", "u-2", "nobody"])

    assert codes(results) == [None, None, None]
    assert [r[KEY] for r in vendor.records("lists/1", system="hubspot")] == ["u-1"]


def test_a_lookup_that_fails_leaves_no_doubt(live: HubSpot, vendor: Sandbox) -> None:
    """Nothing was written by then, whatever became of the request."""
    carry(live, TARGET, ["u-0"])
    vendor.faults.add("lost_response", times=1, path_contains="/batch/read")

    with pytest.raises(Transient) as caught:
        carry(live, members(), ["u-0"])

    assert caught.value.applied == "no"


def test_members_are_read_back(live: HubSpot) -> None:
    """By key, or all of them, with the fields of the record."""
    carry(live, TARGET, ["u-0", "u-1", "u-2"])
    carry(live, members(), ["u-0", "u-2"])

    assert read(live, members(), ["u-0", "u-1", "nobody"]) == ["u-0"]
    assert read(live, members(), None) == ["u-0", "u-2"]


@pytest.mark.parametrize("kind", ["DYNAMIC", None])
def test_a_list_that_cannot_be_changed_is_told(
    live: HubSpot, vendor: Sandbox, kind: str | None
) -> None:
    """One that HubSpot fills, and one that is not there."""
    number = 99
    if kind:
        import requests

        given = {"name": "x", "objectTypeId": "0-1", "processingType": kind}
        made = requests.post(
            f"{vendor.address}/crm/v3/lists",
            json=given,
            headers={"Authorization": "Bearer t"},
            timeout=5,
        ).json()
        number = int(made["list"]["listId"])

    with pytest.raises(ConfigurationError):
        live.describe(f"lists/{number}")
    with pytest.raises((ConfigurationError, BatchRefused)):
        carry(live, members(number=number), ["u-0"])


def test_opt_outs_are_written_by_address(live: HubSpot, vendor: Sandbox) -> None:
    """In any case; again is no change; a bad address costs only itself."""
    emails = ["Kim@example.com", "not an address"]

    first = carry(live, opt_outs(), emails)
    second = carry(live, opt_outs(), emails[:1])

    assert codes(first) == [None, "INVALID_EMAIL"]
    assert codes(second) == [None]
    assert read(live, opt_outs(), ["KIM@example.com", "lee@example.com"]) == ["KIM@example.com"]
    assert vendor.records("subscriptions/1001", system="hubspot") == [
        {"email": "kim@example.com", "status": "UNSUBSCRIBED"}
    ]


def test_nothing_but_an_opt_out_is_written(live: HubSpot) -> None:
    """A row with another status never leaves."""
    target = opt_outs(mapping("status", "text(20)"))

    with pytest.raises(ValueError, match="UNSUBSCRIBED"):
        carry(live, target, ["kim@example.com"], status=["SUBSCRIBED"])
    assert codes(carry(live, target, ["kim@example.com"], status=["UNSUBSCRIBED"])) == [None]


def test_contacts_are_described(live: HubSpot) -> None:
    """Kinds, options, what is unique and what cannot be written; no lengths are told."""
    fields = live.describe("contacts").fields

    assert fields["lead_score"].kind is FieldKind.DECIMAL
    assert fields["lead_grade"].values == ("A", "B", "C", "D")
    assert fields["interests"].values is None
    assert fields["is_champion"].kind is FieldKind.BOOLEAN
    assert (fields[KEY].unique, fields[KEY].external_id) == (True, True)
    assert (fields["email"].unique, fields["email"].email) == (True, True)
    assert not fields["city"].unique
    assert not fields["hs_email_domain"].writable
    assert not fields["createdate"].writable
    assert {f.length for f in fields.values()} == {None}


def test_a_custom_object_is_described_with_what_it_requires(live: HubSpot, vendor: Sandbox) -> None:
    """By any of its names; without the schema's scope nothing is known to be required."""
    for name in ("2-3604285", "p20858001_workspaces"):
        assert live.describe(name).fields["workspace_key"].required
    for scope in ("crm.schemas.custom.read", "crm.objects.custom.read"):
        vendor.call("DELETE", f"hubspot/scopes/{scope}")

    with pytest.raises(Exception, match="MISSING_SCOPES"):
        live.describe("2-3604285")


def test_a_list_is_described_by_the_keys_of_its_records(live: HubSpot) -> None:
    """Nothing of a record is written through a list."""
    assert set(live.describe("lists/1").fields) == {"email", KEY}


def test_a_subscription_is_described(live: HubSpot) -> None:
    """Opting out is all that can be written, and it cannot be taken back."""
    schema = live.describe("subscriptions/1001")

    assert schema.fields["email"].external_id
    assert schema.fields["status"].values == ("UNSUBSCRIBED",)
    assert not schema.deletable
    with pytest.raises(ConfigurationError, match="no object subscriptions/7"):
        live.describe("subscriptions/7")


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        (TARGET, {"crm.objects.contacts.read", "crm.objects.contacts.write"}),
        (
            Target("2-3604285", "workspace_key", ()),
            {"crm.objects.custom.read", "crm.objects.custom.write"},
        ),
        (members(), {"crm.lists.read", "crm.lists.write", "crm.objects.contacts.read"}),
        (
            opt_outs(),
            {
                "communication_preferences.read_write",
                "communication_preferences.statuses.batch.read",
                "communication_preferences.statuses.batch.write",
            },
        ),
    ],
)
@pytest.mark.parametrize("oauth", [False, True])
def test_preflight_tells_what_is_needed_and_what_is_too_much(
    account: Connection, target: Target, needed: set[str], *, oauth: bool
) -> None:
    """Both kinds of token can be asked; every token has the scope oauth, which is not told."""
    credentials = {"client_id": "app", "client_secret": "s"} if oauth else account.credentials
    hubspot = HubSpot(replace(account, credentials=credentials))

    grants = hubspot.preflight(target)

    assert {g.permission for g in grants if g.needed} == needed
    assert all(g.held for g in grants)
    excess = {g.permission for g in grants if not g.needed}
    assert "crm.schemas.deals.write" in excess
    assert "oauth" not in excess
    hubspot.close()


def test_a_scope_that_is_missing_is_told(live: HubSpot, vendor: Sandbox) -> None:
    """Before anything is sent."""
    vendor.call("DELETE", "hubspot/scopes/crm.objects.contacts.write")

    missing = [g.permission for g in live.preflight(TARGET) if g.needed and not g.held]

    assert missing == ["crm.objects.contacts.write"]


@pytest.mark.parametrize("by", ["email", "city"])
def test_records_of_others_are_found(live: HubSpot, vendor: Sandbox, by: str) -> None:
    """By what is unique at once, by what is not once the search has caught up."""
    vendor.set_quirk("hubspot", "search_lag", 0)
    values = {"email": "kim@example.com", "city": "Graz"}
    identity = vendor.create_record("contacts", system="hubspot", **values)
    carry(live, contacts(FIRST_NAME), ["u-0"])

    matches = [
        row for m in live.find(TARGET, by, [values[by].upper()]) for row in m.rows.to_pylist()
    ]

    assert matches == [{"value": values[by].upper(), "destination_id": identity, "sync_key": None}]
