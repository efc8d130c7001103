"""Talk to a running sandbox from tests, the demonstration and the command line."""

from __future__ import annotations

from typing import Any

from activation.errors import Unavailable, UsageError

_SECONDS = 10.0


class Sandbox:
    """The admin side of a sandbox at a base address."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self.faults = FaultSwitches(self)

    def health(self) -> dict[str, Any]:
        """Return `{"sandbox": true, "systems": [...], "time": "..."}`."""
        return self.call("GET", "health")

    def answers(self) -> bool:
        """Tell whether a sandbox, and not something else, answers at the address."""
        try:
            return self.health().get("sandbox") is True
        except (Unavailable, UsageError):
            return False

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the logged requests with an id above `since`, oldest first."""
        entries: list[dict[str, Any]] = []
        while page := self.call("GET", f"requests?since={since}")["requests"]:
            entries += page
            since = page[-1]["id"]
        return entries

    def records(
        self, object_name: str, *, system: str = "salesforce", limit: int = 10_000
    ) -> list[dict[str, Any]]:
        """Return the records of an object, oldest first; deleted ones are left out."""
        return list(self.call("GET", f"records/{system}/{object_name}?limit={limit}")["records"])

    def count(self, object_name: str, *, system: str = "salesforce") -> int:
        """Return how many records an object has."""
        return int(self.call("GET", f"records/{system}/{object_name}?limit=0")["total"])

    def edit_record(
        self, object_name: str, key: str, /, system: str = "salesforce", **fields: Any
    ) -> None:
        """Change a record, told by its id or by a key that the vendor knows, as a person would."""
        self.call("POST", f"{system}/records/{object_name}/{_quoted(key)}", fields)

    def create_record(self, object_name: str, /, system: str = "salesforce", **fields: Any) -> str:
        """Create a record as a person would; return its id."""
        return str(self.call("POST", f"{system}/records/{object_name}", fields)["id"])

    def delete_record(self, object_name: str, key: str, /, system: str = "salesforce") -> None:
        """Delete a record, told by its id or by a key that the vendor knows."""
        self.call("DELETE", f"{system}/records/{object_name}/{_quoted(key)}")

    def restore_record(self, object_name: str, key: str, *, system: str = "salesforce") -> None:
        """Bring a deleted record back, told by its id or by a key that the vendor knows."""
        self.call("POST", f"{system}/restores/{object_name}", {"key": key})

    def merge_records(
        self, object_name: str, winner: str, loser: str, system: str = "salesforce"
    ) -> None:
        """Merge a record into another, both told by id or by a key that the vendor knows."""
        self.call("POST", f"{system}/merges/{object_name}", {"winner": winner, "loser": loser})

    def permit(self, object_name: str, **permissions: bool) -> None:
        """Change what the user may do with an object: createable, updateable, deletable."""
        self.call("PATCH", f"salesforce/objects/{object_name}", permissions)

    def jobs(self) -> list[dict[str, Any]]:
        """Return Salesforce's bulk jobs, oldest first, as the API tells of each."""
        return list(self.call("GET", "salesforce/jobs")["jobs"])

    def edit_field(
        self, object_name: str, field: str, /, system: str = "salesforce", **changes: Any
    ) -> dict[str, Any]:
        """Change a field, or add one if `type` is among the changes."""
        return self.call("PATCH", f"{system}/objects/{object_name}/fields/{field}", changes)

    def reset_schema(self) -> None:
        """Take all changes of fields back."""
        self.call("DELETE", "schema")

    def quota(self, name: str | None = None, *, system: str = "salesforce") -> dict[str, int]:
        """Return `{"limit": ..., "used": ...}` of a quota, of the main one if none is named."""
        return self.call("GET", f"quota?system={system}" + (f"&name={name}" if name else ""))

    def quotas(self, system: str) -> dict[str, dict[str, int]]:
        """Return `{"limit": ..., "used": ...}` of each quota of a vendor, the main one first."""
        found: dict[str, dict[str, int]] = self.call("GET", f"quotas?system={system}")["quotas"]
        return found

    def set_quota(
        self,
        name: str | None = None,
        *,
        system: str = "salesforce",
        limit: int | None = None,
        used: int | None = None,
    ) -> None:
        """Set the limit of a quota, or what counts as used, or both; the main one if not named."""
        given = {"system": system, "name": name, "limit": limit, "used": used}
        self.call("POST", "quota", {k: v for k, v in given.items() if v is not None})

    def quirks(self, system: str) -> dict[str, Any]:
        """Return the settings of a vendor's quirks by name."""
        found = self.call("GET", f"quirks?system={system}")["quirks"]
        return {quirk["name"]: quirk["value"] for quirk in found}

    def set_quirk(self, system: str, name: str, value: object) -> None:
        """Set a quirk; None sets it back."""
        self.call("POST", "quirks", {"system": system, "name": name, "value": value})

    def reset(self) -> None:
        """Return to an empty sandbox."""
        self.call("POST", "reset")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """
        Call an admin address and return its JSON.

        Raises:
            Unavailable: no sandbox answers there.
            UsageError: the sandbox does not accept the request; says why.
        """
        import requests

        try:
            answer = requests.request(
                method, f"{self.address}/_sandbox/{path}", json=body, timeout=_SECONDS
            )
            content = answer.json()
        except requests.RequestException:
            content = None
        if not isinstance(content, dict):
            message = f"No sandbox answers at {self.address}."
            raise Unavailable(message, hint="Start one with `activation sandbox`.")
        if not answer.ok:
            raise UsageError(str(content.get("error", answer.status_code)))
        return content


class FaultSwitches:
    """The faults of a running sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def add(  # noqa: PLR0913
        self,
        name: str,
        *,
        times: int | None = None,
        probability: float = 1.0,
        system: str | None = None,
        path_contains: str | None = None,
        method: str | None = None,
        body_contains: str | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Switch a fault on and return it; `faults.py` lists names and options."""
        given = {
            "system": system,
            "path_contains": path_contains,
            "method": method,
            "body_contains": body_contains,
        }
        document = {
            "name": name,
            "times": times,
            "probability": probability,
            "match": {key: value for key, value in given.items() if value is not None},
            "options": options,
        }
        return self._sandbox.call("POST", "faults", document)

    def all(self) -> list[dict[str, Any]]:
        """Return the faults that were switched on, with how often each has struck."""
        return list(self._sandbox.call("GET", "faults")["faults"])

    def clear(self) -> None:
        """Switch all faults off."""
        self._sandbox.call("DELETE", "faults")


def _quoted(key: str) -> str:
    from urllib.parse import quote

    return quote(key, safe="")
