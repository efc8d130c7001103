"""A caller of the sandbox that speaks HTTP and nothing else."""

# ruff: noqa: S608 - SOQL of the tests
from __future__ import annotations

from typing import Any

import requests

DATA = "/services/data/v59.0"
KEY = "Customer_Key__c"


def contact(key: str | None, **fields: Any) -> dict[str, Any]:
    """Return a contact with a last name."""
    return {"attributes": {"type": "Contact"}, KEY: key, "LastName": "Test", **fields}


class Org:
    """A session with the sandbox's Salesforce."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.http = requests.Session()
        self.login()

    def login(self) -> None:
        """Open a new session."""
        form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "word"}
        answer = self.http.post(f"{self.address}/services/oauth2/token", data=form, timeout=5)
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        """Call a resource below `/services/data/v59.0`."""
        given.setdefault("timeout", 5)
        return self.http.request(method, f"{self.address}{DATA}/{path}", **given)

    def upsert(
        self, *rows: dict[str, Any], all_or_none: bool = False, of: str = "Contact", by: str = KEY
    ) -> requests.Response:
        """Upsert a collection."""
        body = {"allOrNone": all_or_none, "records": list(rows)}
        return self.call("PATCH", f"composite/sobjects/{of}/{by}", json=body)

    def query(self, text: str, **given: Any) -> requests.Response:
        """Run a query."""
        return self.call("GET", "query", params={"q": text}, **given)

    def names(self, condition: str, *, field: str = KEY) -> list[Any]:
        """Return one field of the contacts that meet a condition."""
        answer = self.query(f"SELECT {field} FROM Contact WHERE {condition}")
        assert answer.status_code == 200, answer.text
        return [record[field] for record in answer.json()["records"]]

    def stored(self, key: str) -> dict[str, Any]:
        """Return the contact with that key."""
        found: dict[str, Any] = self.call("GET", f"sobjects/Contact/{KEY}/{key}").json()
        return found


def codes(answer: requests.Response) -> list[str | None]:
    """Return the first status code of each row, or None where it succeeded."""
    assert answer.status_code == 200, answer.text
    return [r["errors"][0]["statusCode"] if r["errors"] else None for r in answer.json()]


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Return status and code of a call that was refused."""
    (error,) = answer.json()
    return answer.status_code, error["errorCode"]
