"""The vendor's usual Python client works against the sandbox."""

# ruff: noqa: S608 - SOQL of the tests
from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.org import KEY, contact
from activation_tests.sandbox.turning_clock import TurningClock


class PlainHTTP(HTTPAdapter):
    """Sends what is addressed to https over http; the client writes https everywhere."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **given: Any
    ) -> requests.Response:
        """Send the request over http."""
        request.url = str(request.url).replace("https://", "http://", 1)
        return super().send(request, *args, **given)


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Any]:
    """Return simple-salesforce, logged in."""
    from simple_salesforce.api import Salesforce

    session = requests.Session()
    session.mount("https://", PlainHTTP())
    form = {"grant_type": "client_credentials"}
    token = session.post(
        f"{sandbox.address}/services/oauth2/token", data=form, auth=("app", "word"), timeout=5
    ).json()
    assert urlsplit(token["instance_url"]).scheme == "http"
    yield Salesforce(
        session_id=token["access_token"], instance_url=token["instance_url"], session=session
    )
    session.close()


def test_collections_describe_and_query(client: Any) -> None:
    """A collection is upserted, described and read back page by page."""
    for start in (0, 200):
        rows = [contact(f"c-{n}") for n in range(start, start + 200)]
        results = client.restful(
            f"composite/sobjects/Contact/{KEY}", method="PATCH", json={"records": rows}
        )
        assert all(row["success"] and row["created"] for row in results)
    names = {field["name"] for field in client.Contact.describe()["fields"]}
    assert {KEY, "Churn_Score__c"} <= names

    found = client.query_all(f"SELECT Id, {KEY} FROM Contact")
    assert (found["totalSize"], len(found["records"]), found["done"]) == (400, 400, True)
    assert client.api_usage["api-usage"].used == 4


def test_single_records(client: Any) -> None:
    """The typed calls create, upsert, read and delete."""
    from simple_salesforce.exceptions import SalesforceResourceNotFound

    made = client.Contact.create({"LastName": "Test"})
    assert client.Contact.update(made["id"], {"Title": "Head"}) == 204
    assert client.Contact.get(made["id"])["Title"] == "Head"
    assert client.Contact.upsert(f"{KEY}/c-1", {"LastName": "Test"}) == 201
    assert client.Contact.upsert(f"{KEY}/c-1", {"LastName": "Test"}) == 200
    assert client.Contact.get_by_custom_id(KEY, "c-1")["LastName"] == "Test"
    assert client.Contact.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Contact.get(made["id"])


def test_refusals_become_the_clients_exceptions(client: Any, sandbox: Sandbox) -> None:
    """Each refusal is the exception that the client has for the real thing."""
    from simple_salesforce.exceptions import (
        SalesforceExpiredSession,
        SalesforceGeneralError,
        SalesforceMalformedRequest,
        SalesforceRefusedRequest,
    )

    with pytest.raises(SalesforceMalformedRequest):
        client.query("SELECT Nothing__c FROM Contact")
    for name, exception in (
        ("quota_exhausted", SalesforceRefusedRequest),
        ("unavailable", SalesforceGeneralError),
        ("expired_session", SalesforceExpiredSession),
    ):
        sandbox.faults.add(name, times=1)
        with pytest.raises(exception) as caught:
            client.query("SELECT Id FROM Contact")
        assert "errorCode" in str(caught.value.content)


def test_bulk_jobs(client: Any, clock: TurningClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own bulk calls take jobs through, and read all three files."""
    import simple_salesforce.bulk2

    monkeypatch.setattr(simple_salesforce.bulk2, "sleep", clock.turn)
    rows = [{KEY: f"c-{n}", "LastName": "Test", "Email": f"p-{n}@example.com"} for n in range(30)]
    rows[7]["Email"] = "nowhere"

    (told,) = client.bulk2.Contact.upsert(records=rows, external_id_field=KEY)

    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (30, 1)
    files = client.bulk2.Contact.get_all_ingest_records(told["job_id"])
    assert len(files["successfulRecords"]) == 29
    assert [row[KEY] for row in files["failedRecords"]] == ["c-7"]
    assert files["unprocessedRecords"] == []
    gone = [{"Id": row["sf__Id"]} for row in files["successfulRecords"]]
    (told,) = client.bulk2.Contact.delete(records=gone)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (29, 0)
