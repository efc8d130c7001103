"""A caller of the sandbox's Zendesk that speaks HTTP and nothing else."""

from __future__ import annotations

from typing import Any

import requests

from activation_tests.sandbox.turning_clock import TurningClock

SCOPE = "read write"


class Desk:
    """A session with the sandbox's Zendesk."""

    def __init__(self, address: str, clock: TurningClock) -> None:
        self.address = address
        self.clock = clock
        self.http = requests.Session()
        self.login()

    def login(self, **more: Any) -> requests.Response:
        """Ask for a token and use it."""
        asked = {
            "grant_type": "client_credentials",
            "client_id": "app",
            "client_secret": "word",
            "scope": SCOPE,
            **more,
        }
        answer = requests.post(f"{self.address}/oauth/tokens", json=asked, timeout=5)
        if answer.ok:
            self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    def call(self, method: str, path: str, body: Any = None, **given: Any) -> requests.Response:
        """Call a resource below `/api/v2`."""
        given.setdefault("timeout", 5)
        return self.http.request(method, f"{self.address}/api/v2/{path}", json=body, **given)

    def user(self, way: str = "users", **fields: Any) -> dict[str, Any]:
        """Create a user, or upsert one, a second after the last single write."""
        self.clock.turn(1)
        answer = self.call("POST", way, {"user": fields})
        assert answer.ok, answer.text
        made: dict[str, Any] = answer.json()["user"]
        return made

    def upsert(self, **fields: Any) -> dict[str, Any]:
        """Upsert a user."""
        return self.user("users/create_or_update", **fields)

    def organization(self, **fields: Any) -> dict[str, Any]:
        """Create an organization."""
        answer = self.call("POST", "organizations", {"organization": fields})
        assert answer.ok, answer.text
        made: dict[str, Any] = answer.json()["organization"]
        return made

    def start(self, path: str, body: Any = None, method: str = "POST") -> str:
        """Start a job and return its id."""
        answer = self.call(method, path, body)
        assert answer.status_code == 200, answer.text
        status = answer.json()["job_status"]
        assert (status["status"], status["results"]) == ("queued", None)
        return str(status["id"])

    def status(self, job: str) -> dict[str, Any]:
        """Return a job's status."""
        answer = self.call("GET", f"job_statuses/{job}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()["job_status"]
        return told

    def results(self, path: str, body: Any = None, method: str = "POST") -> list[dict[str, Any]]:
        """Run a job to its end and return its results."""
        job = self.start(path, body, method)
        self.clock.turn(1)
        told: list[dict[str, Any]] = self.status(job)["results"]
        return told

    def found(self, key: str) -> dict[str, Any]:
        """Return the user with that external id."""
        (user,) = self.call("GET", f"users/search?external_id={key}").json()["users"]
        told: dict[str, Any] = user
        return told


def refusal(answer: requests.Response) -> tuple[int, Any]:
    """Return status and error of a call that was refused."""
    return answer.status_code, answer.json()["error"]
