"""HubSpot's own client against the sandbox, its typed methods included."""

from __future__ import annotations

from typing import Any

import hubspot
import pytest
import urllib3
from hubspot.crm import contacts, lists, objects, properties
from hubspot.crm.contacts import exceptions

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.turning_clock import TurningClock

KEY = "customer_key"


@pytest.fixture
def client(sandbox: Sandbox) -> hubspot.HubSpot:
    """
    Return the client, which checks what it is answered against the published description.

    A member that the description requires and the answer lacks is a ValueError.
    """
    made = hubspot.HubSpot(
        access_token="t",  # noqa: S106 - any is taken
        host=sandbox.address,
        retry=urllib3.Retry(0),
        client_side_validation=True,
    )
    made.config["base_url"] = sandbox.address
    return made


def _inputs(*keys: str, **properties: str) -> objects.BatchInputSimplePublicObjectBatchInputUpsert:
    return objects.BatchInputSimplePublicObjectBatchInputUpsert(
        inputs=[
            objects.SimplePublicObjectBatchInputUpsert(
                id=key, id_property=KEY, object_write_trace_id=key, properties=properties
            )
            for key in keys
        ]
    )


def test_a_typed_upsert(client: hubspot.HubSpot) -> None:
    """Results are models; a second upsert says that nothing is new."""
    api = client.crm.objects.batch_api

    made = api.upsert("contacts", _inputs("u-1", "u-2", firstname="Kim"))
    again = api.upsert("contacts", _inputs("u-1"))

    assert (made.status, sorted(r.properties[KEY] for r in made.results)) == (
        "COMPLETE",
        ["u-1", "u-2"],
    )
    assert [r.new for r in made.results] == [True, True]
    assert [r.new for r in again.results] == [False]


def test_a_partial_failure_is_no_exception(client: hubspot.HubSpot) -> None:
    """A 207 comes as another model, with errors that hold all that is described."""
    given = _inputs("u-1", "u-2")
    given.inputs[1].properties = {"email": "x"}

    answer = client.crm.objects.batch_api.upsert("contacts", given)

    assert isinstance(answer, objects.BatchResponseSimplePublicUpsertObjectWithErrors)
    assert answer.num_errors == 1
    assert answer.errors[0].context == {"objectWriteTraceId": ["u-2"]}
    assert answer.errors[0].category == "VALIDATION_ERROR"


def test_typed_reads(client: hubspot.HubSpot) -> None:
    """By batch, with what is missing told; one by one; page by page."""
    client.crm.objects.batch_api.upsert("contacts", _inputs("u-1", "u-2", firstname="Kim"))
    wanted = contacts.BatchReadInputSimplePublicObjectId(
        id_property=KEY,
        inputs=[{"id": "u-1"}, {"id": "nobody"}],
        properties=["firstname"],
        properties_with_history=["firstname"],
    )

    partial = client.crm.contacts.batch_api.read(wanted)
    single = client.crm.contacts.basic_api.get_by_id("u-1", id_property=KEY)
    page = client.crm.contacts.basic_api.get_page(limit=1)

    assert isinstance(partial, contacts.BatchResponseSimplePublicObjectWithErrors)
    assert partial.results[0].properties["firstname"] == "Kim"
    assert partial.results[0].properties_with_history["firstname"][0].source_type == "INTEGRATION"
    assert partial.errors[0].context == {"ids": ["nobody"]}
    assert single.properties["firstname"] == "Kim"
    assert page.paging.next.after == page.results[0].id


def test_a_typed_search(client: hubspot.HubSpot, clock: TurningClock) -> None:
    """Found once the index has caught up."""
    client.crm.objects.batch_api.upsert("contacts", _inputs("u-1", firstname="Kim"))
    clock.turn(10)
    request = contacts.PublicObjectSearchRequest(
        filter_groups=[
            {"filters": [{"propertyName": "firstname", "operator": "EQ", "value": "Kim"}]}
        ],
        properties=[KEY],
        sorts=["hs_object_id"],
        limit=10,
        after="0",
    )

    answer = client.crm.contacts.search_api.do_search(request)

    assert (answer.total, answer.results[0].properties[KEY]) == (1, "u-1")


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ("expired_session", exceptions.UnauthorizedException, 401),
        ("unavailable", exceptions.ServiceException, 503),
        ("quota_exhausted", exceptions.ApiException, 429),
    ],
)
def test_refusals_are_the_clients_exceptions(
    client: hubspot.HubSpot, sandbox: Sandbox, fault: str, kind: type[Exception], status: int
) -> None:
    """Each with its status, its headers and its body."""
    sandbox.faults.add(fault, times=1)

    with pytest.raises(kind) as caught:
        client.crm.contacts.basic_api.get_page()

    error: Any = caught.value
    assert error.status == status
    assert "correlationId" in error.body


def test_typed_lists(client: hubspot.HubSpot) -> None:
    """Members are added by id and read back."""
    made = client.crm.objects.batch_api.upsert("contacts", _inputs("u-1"))
    identity = made.results[0].id
    given = lists.ListCreateRequest(
        name="Champions", object_type_id="0-1", processing_type="MANUAL"
    )

    listed = client.crm.lists.lists_api.create(given)
    memberships = client.crm.lists.memberships_api
    added = memberships.add(listed.list.list_id, [identity, "999"])
    page = memberships.get_page(listed.list.list_id)

    assert (added.records_ids_added, added.record_ids_missing) == ([identity], ["999"])
    assert [m.record_id for m in page.results] == [identity]


def test_typed_properties(client: hubspot.HubSpot) -> None:
    """Described with their options; a new one can be made."""
    found = client.crm.properties.core_api.get_all("contacts").results
    made = client.crm.properties.core_api.create(
        "contacts",
        properties.PropertyCreate(
            name="extra",
            label="Extra",
            type="string",
            field_type="text",
            group_name="contactinformation",
        ),
    )

    grade = next(p for p in found if p.name == "lead_grade")
    assert [o.value for o in grade.options] == ["A", "B", "C", "D"]
    assert made.name == "extra"


def test_typed_subscriptions(client: hubspot.HubSpot) -> None:
    """The older version of the API, which is what the client has."""
    api = client.communication_preferences
    given = {"emailAddress": "kim@example.com", "subscriptionId": "1001"}

    told = api.status_api.unsubscribe(given)
    status = api.status_api.get_email_status("kim@example.com")
    types = api.definition_api.get_page()

    assert told.status == "NOT_SUBSCRIBED"
    assert {s.id: s.status for s in status.subscription_statuses}["1001"] == "NOT_SUBSCRIBED"
    assert len(types.subscription_definitions) == 2


def test_typed_merge_and_erasure(client: hubspot.HubSpot) -> None:
    """Two contacts become one, and that one is gone for good."""
    made = client.crm.objects.batch_api.upsert("contacts", _inputs("u-1", "u-2"))
    first, second = (r.id for r in made.results)

    merged = client.crm.contacts.basic_api.merge(
        contacts.PublicMergeInput(primary_object_id=first, object_id_to_merge=second)
    )
    client.crm.contacts.basic_api.purge(contacts.PublicGdprDeleteInput(object_id=merged.id))

    assert client.crm.contacts.basic_api.get_page().results == []


def test_a_free_call(client: hubspot.HubSpot) -> None:
    """The client's own way to what it has no method for."""
    answer = client.api_request({"path": "/crm/v3/schemas"})

    assert answer.json()["results"][0]["objectTypeId"] == "2-3604285"
