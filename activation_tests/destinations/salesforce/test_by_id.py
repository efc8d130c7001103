"""Writes that go by record id, against the sandbox: what is asked for first, and what then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from activation.contract.model import NullPolicy
from activation.destinations.base import Connection, RequestEndpoint, RowResult, Target
from activation.destinations.salesforce.destination import Salesforce
from activation.destinations.traits import Removal, Verb
from activation.errors import Applied, BatchRefused, ConfigurationError, Transient
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.destinations.salesforce.rows import mapping

CONTACTS = Target(
    "Contact",
    "Customer_Key__c",
    (mapping("LastName", "text(80)"), mapping("Title", "text(80)", NullPolicy.KEEP)),
)
MEMBERS = Target(
    "CampaignMember",
    "Member_Key__c",
    (
        mapping("Campaign.Campaign_Key__c", "text(80)"),
        mapping("Contact.Customer_Key__c", "text(80)"),
        mapping("Status", "text(40)", NullPolicy.KEEP),
    ),
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one sandbox for the module."""
    with running(tmp_path_factory.mktemp("sandbox"), log_keys=True) as base:
        yield base


@pytest.fixture
def sandbox(address: str) -> Sandbox:
    """Return an org with three contacts and a campaign."""
    sandbox = Sandbox(address)
    sandbox.reset()
    sandbox.create_record("Campaign", Campaign_Key__c="spring", Name="Spring")
    for number in range(3):
        sandbox.create_record("Contact", Customer_Key__c=f"c-{number}", LastName="Person")
    return sandbox


@pytest.fixture
def org(sandbox: Sandbox) -> Iterator[Salesforce]:
    """Connect to the org."""
    credentials = {"client_id": "app", "client_secret": "s3cret"}
    salesforce = Salesforce(Connection("crm", "salesforce", sandbox.address, credentials))
    yield salesforce
    salesforce.close()


def write(
    org: Salesforce, target: Target, verb: Verb, keys: Sequence[str], **columns: Any
) -> tuple[RowResult, ...]:
    """Encode, send and decode."""
    target = replace(target, verb=verb)
    endpoint = org.endpoint(target, rows=len(keys))
    assert isinstance(endpoint, RequestEndpoint)
    table: dict[str, Any] = {"sync_key": list(keys)}
    for mapped in target.fields:
        table[mapped.to] = pa.array(columns.get(mapped.to, [None] * len(keys)), pa.string())
    payload = endpoint.encode(target, pa.table(table))
    return endpoint.decode(endpoint.send(target, payload, seconds=5), keys)


def join(org: Salesforce, *people: str, status: str | None = None) -> tuple[RowResult, ...]:
    """Let people join the campaign."""
    columns = {
        "Campaign.Campaign_Key__c": ["spring"] * len(people),
        "Contact.Customer_Key__c": list(people),
        "Status": [status] * len(people),
    }
    return write(org, MEMBERS, Verb.UPSERT, [f"spring:{person}" for person in people], **columns)


def codes(results: Sequence[RowResult]) -> list[str | None]:
    """Return the code of each row's error, or None where it was delivered."""
    return [result.error.code if result.error else None for result in results]


def methods(sandbox: Sandbox, since: int) -> list[str]:
    """Return the methods of the requests for data since then."""
    return [e["method"] for e in sandbox.requests(since) if "oauth2" not in e["path"]]


def latest(sandbox: Sandbox) -> int:
    """Return the number of the latest request."""
    return int(max((entry["id"] for entry in sandbox.requests()), default=0))


def test_an_update_is_two_requests(org: Salesforce, sandbox: Sandbox) -> None:
    """One asks for the ids, one writes; a row that is not there costs nothing more."""
    since = latest(sandbox)

    results = write(org, CONTACTS, Verb.UPDATE, ["c-9", "c-1"], LastName=["New", "New"])

    assert codes(results) == ["NOT_FOUND", None]
    assert methods(sandbox, since) == ["GET", "PATCH"]
    assert [r["LastName"] for r in sandbox.records("Contact")] == ["Person", "New", "Person"]


def test_an_update_of_nobody_writes_nothing(org: Salesforce, sandbox: Sandbox) -> None:
    """With no record to be written, nothing is written."""
    since = latest(sandbox)

    assert codes(write(org, CONTACTS, Verb.UPDATE, ["c-8", "c-9"])) == ["NOT_FOUND"] * 2
    assert methods(sandbox, since) == ["GET"]


def test_a_key_of_several_records(org: Salesforce, sandbox: Sandbox) -> None:
    """An ambiguous key is refused by all verbs, and its neighbours go through."""
    sandbox.edit_field("Contact", "Customer_Key__c", unique=False)
    sandbox.create_record("Contact", Customer_Key__c="C-1", LastName="Twin")
    ambiguous = ["c-0", "c-1x"]
    sandbox.create_record("Contact", Customer_Key__c="c-1x", LastName="Other")
    sandbox.create_record("Contact", Customer_Key__c="C-1X", LastName="Other")
    ambiguous = ["c-0", "C-1x"]

    for verb in (Verb.UPSERT, Verb.UPDATE, Verb.REMOVE):
        results = write(org, CONTACTS, verb, ambiguous, LastName=["New", "New"])
        assert codes(results) == [None, "DUPLICATE_EXTERNAL_ID"]
    assert sandbox.count("Contact") == 5


def test_the_very_key_wins(org: Salesforce, sandbox: Sandbox) -> None:
    """Of records whose keys differ in case alone, the one with the very key is meant."""
    sandbox.edit_field("Contact", "Customer_Key__c", unique=False)
    sandbox.create_record("Contact", Customer_Key__c="C-1", LastName="Twin")

    assert codes(write(org, CONTACTS, Verb.REMOVE, ["C-1"])) == [None]

    assert [r["Customer_Key__c"] for r in sandbox.records("Contact")] == ["c-0", "c-1", "c-2"]


def test_a_repeated_key_fails_all_its_rows(org: Salesforce, sandbox: Sandbox) -> None:
    """Two rows with one key are both refused, as an upsert refuses them."""
    for verb in (Verb.UPDATE, Verb.REMOVE):
        results = write(org, CONTACTS, verb, ["c-1", "c-0", "c-1"], LastName=["New"] * 3)
        assert codes(results) == ["DUPLICATE_VALUE", None, "DUPLICATE_VALUE"]
    assert sandbox.count("Contact") == 2


def test_a_record_that_vanishes_in_between(org: Salesforce, sandbox: Sandbox) -> None:
    """A record that somebody deletes after it was found was removed; an update of it fails."""
    for verb, told in ((Verb.UPDATE, "ENTITY_IS_DELETED"), (Verb.REMOVE, None)):
        sandbox.faults.clear()
        sandbox.faults.add("refuse_value", field="Id", code="ENTITY_IS_DELETED", method="DELETE")
        sandbox.faults.add(
            "refuse_value", field="LastName", code="ENTITY_IS_DELETED", method="PATCH"
        )
        assert codes(write(org, CONTACTS, verb, ["c-1"], LastName=["New"])) == [told]


@pytest.mark.parametrize(
    ("method", "fault", "applied", "left"),
    [
        ("GET", "lost_response", Applied.NO, 3),
        ("GET", "server_error_after_apply", Applied.NO, 3),
        ("GET", "garbled_answer", Applied.NO, 3),
        ("DELETE", "lost_response", Applied.UNKNOWN, 2),
        ("DELETE", "garbled_answer", Applied.UNKNOWN, 2),
        ("DELETE", "unavailable", Applied.NO, 3),
    ],
)
def test_only_the_write_is_a_doubt(  # noqa: PLR0913, PLR0917
    org: Salesforce, sandbox: Sandbox, method: str, fault: str, applied: Applied, left: int
) -> None:
    """Trouble with the question leaves no doubt; the same removal then goes through."""
    sandbox.faults.add(fault, times=1, method=method, path_contains="/services/data")

    with pytest.raises(Transient) as caught:
        write(org, CONTACTS, Verb.REMOVE, ["c-1"])

    assert caught.value.applied is applied
    assert sandbox.count("Contact") == left
    assert codes(write(org, CONTACTS, Verb.REMOVE, ["c-1"])) == [None]
    assert sandbox.count("Contact") == 2


def test_members_join_and_leave(org: Salesforce, sandbox: Sandbox) -> None:
    """Who is not there is created, who is there updated, who leaves deleted; people stay."""
    assert [r.created for r in join(org, "c-0", "c-1")] == [True, True]
    since = latest(sandbox)

    results = join(org, "c-1", "c-2", status="Responded")

    assert [(r.error, r.created) for r in results] == [(None, False), (None, True)]
    assert methods(sandbox, since) == ["GET", "POST", "PATCH"]
    found = sandbox.records("CampaignMember")
    assert [r["Status"] for r in found] == [None, "Responded", "Responded"]
    left = write(org, MEMBERS, Verb.REMOVE, ["spring:c-0", "spring:c-9"])
    assert codes(left) == [None, None]
    assert (sandbox.count("CampaignMember"), sandbox.count("Contact")) == (2, 3)
    assert org.object_traits("CampaignMember").removal is Removal.UNLINKED


def test_a_member_with_nothing_new_is_not_written(org: Salesforce, sandbox: Sandbox) -> None:
    """A second join without a status to write costs the question only."""
    (first,) = join(org, "c-0")
    since = latest(sandbox)

    (again,) = join(org, "c-0")

    assert (again.destination_id, again.created) == (first.destination_id, False)
    assert methods(sandbox, since) == ["GET"]


def test_a_person_who_is_there_by_another_record(org: Salesforce, sandbox: Sandbox) -> None:
    """Somebody's own member record is not taken over."""
    join(org, "c-0")
    key = sandbox.records("CampaignMember")[0]["Id"]
    sandbox.edit_record("CampaignMember", key, Member_Key__c=None)

    assert codes(join(org, "c-0", "c-1")) == ["DUPLICATE_VALUE", None]


@pytest.mark.parametrize("fault", ["lost_response", "unavailable", "whole_batch_refused"])
def test_a_half_done_join_is_a_doubt(org: Salesforce, sandbox: Sandbox, fault: str) -> None:
    """When creations are through and updates are not, nobody says that nothing was written."""
    join(org, "c-0")
    sandbox.faults.add(fault, times=1, method="PATCH")

    with pytest.raises(Transient) as caught:
        join(org, "c-0", "c-1", status="Sent")

    assert caught.value.applied is Applied.UNKNOWN
    assert codes(join(org, "c-0", "c-1", status="Sent")) == [None, None]
    assert sandbox.count("CampaignMember") == 2


def test_an_update_that_is_refused_whole(org: Salesforce, sandbox: Sandbox) -> None:
    """With nothing written before it, a refusal is a refusal."""
    join(org, "c-0")
    sandbox.faults.add("whole_batch_refused", times=1, method="PATCH")

    with pytest.raises(BatchRefused):
        join(org, "c-0", status="Sent")


def test_what_is_not_offered(org: Salesforce) -> None:
    """Erasing, and creating members of campaigns only, are refused before anything is sent."""
    for target, verb in ((CONTACTS, Verb.ERASE), (MEMBERS, Verb.CREATE)):
        with pytest.raises(ConfigurationError, match=verb):
            org.endpoint(replace(target, verb=verb), rows=1)
