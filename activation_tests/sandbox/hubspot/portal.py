"""A caller of the sandbox that speaks HubSpot's HTTP and nothing else."""

from __future__ import annotations

from typing import Any

import requests

KEY = "customer_key"
TOKEN = "pat-na1-test"  # noqa: S105 - any is taken


def row(key: str, trace: str | None = None, **properties: Any) -> dict[str, Any]:
    """Return an input of an upsert by the unique property."""
    given: dict[str, Any] = {"id": key, "idProperty": KEY, "properties": properties}
    return given if trace is None else {**given, "objectWriteTraceId": trace}


class Portal:
    """A session with the sandbox's HubSpot."""

    def __init__(self, address: str, token: str = TOKEN) -> None:
        self.address = address
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: Any = None, **given: Any) -> requests.Response:
        """Call an address."""
        if body is not None:
            given["json"] = body
        return self.http.request(method, f"{self.address}{path}", timeout=5, **given)

    def batch(self, act: str, *inputs: Any, of: str = "contacts", **more: Any) -> requests.Response:
        """Call a batch of an object."""
        body = {"inputs": list(inputs), **more}
        return self.call("POST", f"/crm/v3/objects/{of}/batch/{act}", body)

    def upsert(self, *inputs: Any, of: str = "contacts") -> requests.Response:
        """Upsert a batch."""
        return self.batch("upsert", *inputs, of=of)

    def made(self, *keys: str, **properties: Any) -> dict[str, str]:
        """Make contacts; return their ids by key."""
        answer = self.upsert(*(row(key, key, **properties) for key in keys))
        assert answer.status_code == 200, answer.text
        return {r["properties"][KEY]: r["id"] for r in answer.json()["results"]}

    def read(self, *keys: str, properties: list[str], **more: Any) -> list[dict[str, Any]]:
        """Read contacts by key; return them in the order of their ids."""
        answer = self.batch(
            "read",
            *({"id": key} for key in keys),
            idProperty=KEY,
            properties=properties,
            propertiesWithHistory=[],
            **more,
        )
        return sorted(answer.json()["results"], key=lambda r: int(r["id"]))

    def stored(self, key: str, name: str) -> Any:
        """Return a property of the contact with that key."""
        return self.read(key, properties=[name])[0]["properties"][name]

    def search(self, body: dict[str, Any], of: str = "contacts") -> requests.Response:
        """Search."""
        return self.call("POST", f"/crm/v3/objects/{of}/search", body)

    def found(self, name: str, operator: str, **more: Any) -> list[str]:
        """Return the keys of the contacts that a search with one filter finds, sorted."""
        only = [{"filters": [{"propertyName": name, "operator": operator, **more}]}]
        answer = self.search({"filterGroups": only, "properties": [KEY], "limit": 200})
        assert answer.status_code == 200, answer.text
        return sorted(r["properties"][KEY] for r in answer.json()["results"])


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Return status and category of a call that was refused."""
    body = answer.json()
    assert body["status"] == "error"
    assert body["correlationId"] == answer.headers["X-HubSpot-Correlation-Id"]
    return answer.status_code, body["category"]
