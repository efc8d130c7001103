"""
Zendesk's background jobs: one request makes and starts one, its status is polled for the results.

That is why `send` waits for the job, and no endpoint here is a `JobEndpoint`: Zendesk has no
request that makes a job without starting it, so its id can never be durable before it begins.
What protects against doubles is the key: a job of external ids may run twice without harm.
After a time-out the same bytes go again, and if the job of the first attempt is still known to
this process, it is listened to again instead of starting another.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from activation.destinations.zendesk.errors import garbled
from activation.destinations.zendesk.session import ROOT, Session
from activation.errors import Applied, DestinationError, Transient

_OVER = frozenset({"completed", "failed", "killed"})
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_FIRST_POLL, _LONGEST_POLL = 1.0, 10.0
_POLL_SECONDS = 15.0
_POLL = f"GET {ROOT}job_statuses/..."
_MOST_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Done:
    """A job that is over: the `job_status` that Zendesk told, and what it took to hear it."""

    status: Mapping[str, Any]
    requests: int


class Jobs:
    """Runs jobs to their end, several at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._unfinished: dict[str, str] = {}
        self._lock = threading.Lock()

    def run(
        self,
        method: str,
        path: str,
        *,
        deadline: float,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> Done:
        """
        Start a job and wait for its end until `deadline`, by the session's monotonic clock.

        Raises:
            Transient: not started, or not known to be over; `applied` says which.
            BatchRefused, AccessRefused: it was not started.
        """
        name = _name(method, path, params, data)
        with self._lock:
            job = self._unfinished.get(name)
        requests = 0
        if job is None:
            job = self._start(method, path, deadline, params, data)
            requests += 1
            with self._lock:
                # A process that lives long forgets jobs that nobody asked for again.
                while len(self._unfinished) >= _MOST_REMEMBERED:
                    self._unfinished.pop(next(iter(self._unfinished)))
                self._unfinished[name] = job
        status, polls = self._wait(job, name, deadline)
        self._forget(name)
        return Done(status, requests + polls)

    def _start(
        self,
        method: str,
        path: str,
        deadline: float,
        params: Mapping[str, str] | None,
        data: bytes | None,
    ) -> str:
        seconds = deadline - self._session.clock.monotonic()
        if seconds <= 0:
            raise Transient(f"{method} {ROOT}{path}: no time was left for it.", code="TOO_LATE")
        reply = self._session.call(method, path, seconds=seconds, params=params, data=data)
        job = _job_status(reply.body).get("id")
        if not isinstance(job, str) or _ID.fullmatch(job) is None:
            raise garbled(f"{method} {ROOT}{path}")
        return job

    def _wait(self, job: str, name: str, deadline: float) -> tuple[Mapping[str, Any], int]:
        """Poll a job until it is over; return its status and how often it was asked for."""
        clock, polls, delay = self._session.clock, 0, _FIRST_POLL
        wait = delay
        while True:
            left = deadline - clock.monotonic()
            if wait >= left:
                raise _unheard("JOB_UNFINISHED", "it is not over yet")
            self._session.pause(wait)
            delay = min(2 * delay, _LONGEST_POLL)
            wait = delay
            polls += 1
            try:
                reply = self._session.call(
                    "GET",
                    f"job_statuses/{job}",
                    seconds=max(min(_POLL_SECONDS, deadline - clock.monotonic()), 0.001),
                    accept=frozenset({HTTPStatus.NOT_FOUND}),
                    label="job_statuses/...",
                )
            except Transient as error:
                # The job goes on whether or not we hear of it.
                wait = max(error.retry_after or 0.0, delay)
                continue
            except DestinationError as error:
                raise _unheard(error.code, "its status is refused") from None
            if reply.status == HTTPStatus.NOT_FOUND:
                # Seen after some 20,000 rows in a row, and a day after the job was made.
                self._forget(name)
                raise _unheard("JOB_GONE", "its status is gone")
            status = _job_status(reply.body)
            state = status.get("status")
            if status.get("id") == job and isinstance(state, str) and state in _OVER:
                return status, polls

    def _forget(self, name: str) -> None:
        with self._lock:
            self._unfinished.pop(name, None)


def _unheard(code: str, what: str) -> Transient:
    """Return the error for a job that was started and of whose end nothing is known."""
    return Transient(f"{_POLL}: {what}.", code=code, applied=Applied.UNKNOWN)


def _job_status(body: bytes) -> Mapping[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    status = answer.get("job_status") if isinstance(answer, dict) else None
    return status if isinstance(status, dict) else {}


def _name(method: str, path: str, params: Mapping[str, str] | None, data: bytes | None) -> str:
    digest = hashlib.sha256(f"{method} {path} {sorted((params or {}).items())}\n".encode())
    digest.update(data or b"")
    return digest.hexdigest()
