"""The endpoint for many rows: one Bulk API 2.0 job a batch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pyarrow as pa

from activation.destinations.base import Answer, JobState, JobStatus, RowResult, Target
from activation.destinations.salesforce.bulk.decode import Results, decode
from activation.destinations.salesforce.bulk.encode import encode
from activation.destinations.salesforce.bulk.failures import failure
from activation.destinations.salesforce.errors import garbled, nothing_applied
from activation.destinations.salesforce.names import check_target
from activation.destinations.salesforce.session import Deadline, Session
from activation.destinations.traits import Traits, Verb
from activation.destinations.transport import Reply
from activation.errors import Applied, BatchRefused, Transient

_ROOT = "jobs/ingest"
_CSV = "text/csv; charset=UTF-8"
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_STATES = {
    "Open": JobState.OPEN,
    "UploadComplete": JobState.RUNNING,
    "InProgress": JobState.RUNNING,
    "JobComplete": JobState.DONE,
    "Failed": JobState.FAILED,
    "Aborted": JobState.FAILED,
}
_OPERATIONS = {Verb.UPSERT: "upsert", Verb.CREATE: "insert"}
_WRONG_STATE = "INVALIDJOBSTATE"
_GONE = frozenset({"NOT_FOUND", "HTTP_404"})
_MOST_PAGES = 1_000


class BulkJobs:
    """Upserts by external id, or inserts, in jobs."""

    def __init__(self, session: Session, traits: Traits) -> None:
        """Call through that session; `traits` name the verb."""
        self.traits = traits
        self._session = session

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the file for at most 100,000 rows; the same rows give the same bytes."""
        return encode(target, rows, most=self.traits.batch_rows)

    def open_job(self, target: Target, *, seconds: float) -> str:
        """
        Make a job without data, and return its id.

        Raises:
            Transient: no job is known to us; one may lie open and will never start.
            BatchRefused, QuotaRefused, AccessRefused: see `errors`.
        """
        check_target(target)
        document = {
            "object": target.object,
            "operation": _OPERATIONS[target.verb],
            "contentType": "CSV",
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }
        if target.verb is Verb.UPSERT:
            document["externalIdFieldName"] = target.key
        with nothing_applied():
            answer = self._session.call("POST", _ROOT, seconds=seconds, data=orjson.dumps(document))
        job = _object(answer.body, f"POST {_ROOT}").get("id")
        if not isinstance(job, str) or not _ID.fullmatch(job):
            raise garbled(f"POST {_ROOT}", applied=Applied.NO)
        return job

    def start_job(self, target: Target, job: str, payload: bytes, *, seconds: float) -> None:
        """
        Upload a file that `encode` made, and close the job, which starts it.

        Called again after a lost answer it goes on where the job stands.

        Raises:
            Transient: whether it may have started is in `applied`.
            BatchRefused, QuotaRefused, AccessRefused: see `errors`.
        """
        deadline = self._session.deadline(seconds)
        if self._upload(target, job, payload, deadline) is JobState.OPEN:
            self._close(target, job, deadline)

    def job_status(self, target: Target, job: str, *, seconds: float) -> JobStatus:
        """Return where the job stands; one that Salesforce does not know is GONE."""
        status, told = self._told(job, self._session.deadline(seconds))
        return replace(status, refusal=failure(told, target))

    def job_answer(self, target: Target, job: str, *, seconds: float) -> Answer:
        """
        Return the result files of a job that has ended.

        Raises:
            BatchRefused, QuotaRefused, AccessRefused: of the reading; it tells nothing of the rows.
            Transient: passing trouble; or, with `applied` unknown, the results are gone.
        """
        deadline = self._session.deadline(seconds)
        self._known(job, deadline)
        files = [
            self._file(job, name, deadline)
            for name in ("successfulResults", "failedResults", "unprocessedrecords")
        ]
        body = Results(target.key, *files).body()
        return Answer(200, body, self._session.quota, requests=1 + sum(map(len, files)))

    def abandon_job(self, target: Target, job: str, *, seconds: float) -> None:  # noqa: ARG002
        """
        Abort a job that is open; one that is gone or has ended is no error.

        Raises:
            Transient: it is under way, or cannot be reached.
        """
        deadline = self._session.deadline(seconds)
        state = self._told(job, deadline)[0].state
        if state is JobState.RUNNING:
            raise Transient(
                f"PATCH {_ROOT}: the job is under way.", code="JOB_STARTED", applied=Applied.UNKNOWN
            )
        if state is not JobState.OPEN:
            return
        with nothing_applied():
            self._session.call(
                "PATCH", f"{_ROOT}/{job}", seconds=deadline.left, data=_state("Aborted")
            )

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; only a row whose success names its record was delivered."""
        return decode(answer, keys)

    def _upload(self, target: Target, job: str, payload: bytes, deadline: Deadline) -> JobState:
        """Upload the file unless it is there already; return where the job stands then."""
        check_target(target)
        path = f"{_ROOT}/{job}/batches"
        try:
            # Nothing is carried out before the job is closed.
            with nothing_applied():
                self._session.reply(
                    "PUT", path, seconds=deadline.left, data=payload, content_type=_CSV
                )
        except BatchRefused as refused:
            _raise_if_gone(refused)
            if refused.code != _WRONG_STATE:
                raise
            # An earlier call, whose answer was lost, came further than we knew.
            return self._known(job, deadline)
        return JobState.OPEN

    def _close(self, target: Target, job: str, deadline: Deadline) -> None:
        check_target(target)
        path = f"{_ROOT}/{job}"
        try:
            self._session.call("PATCH", path, seconds=deadline.left, data=_state("UploadComplete"))
        except BatchRefused as refused:
            _raise_if_gone(refused)
            if refused.code != _WRONG_STATE or self._known(job, deadline) is JobState.OPEN:
                raise

    def _known(self, job: str, deadline: Deadline) -> JobState:
        state = self._told(job, deadline)[0].state
        if state is JobState.GONE:
            raise _gone()
        return state

    def _told(self, job: str, deadline: Deadline) -> tuple[JobStatus, dict[str, Any]]:
        path = f"{_ROOT}/{job}"
        try:
            with nothing_applied():
                answer = self._session.call("GET", path, seconds=deadline.left)
        except BatchRefused as refused:
            if refused.code not in _GONE:
                raise
            return JobStatus(JobState.GONE, self._session.quota), {}
        told = _object(answer.body, f"GET {_ROOT}")
        state = _STATES.get(str(told.get("state")))
        if state is None or told.get("id") != job:
            raise garbled(f"GET {_ROOT}", applied=Applied.NO)
        return JobStatus(state, answer.quota), told

    def _file(self, job: str, name: str, deadline: Deadline) -> list[str]:
        """Return the pages of one result file; the guide knows one, newer versions have more."""
        path = f"{_ROOT}/{job}/{name}"
        pages: list[str] = []
        locator: str | None = None
        while len(pages) < _MOST_PAGES:
            reply = self._page(path, locator, deadline)
            try:
                pages.append(reply.body.decode())
            except UnicodeDecodeError:
                break
            locator = reply.headers.get("Sforce-Locator", "null")
            if locator in ("", "null"):
                return pages
        raise garbled(f"GET {_ROOT}/{name}", applied=Applied.NO)

    def _page(self, path: str, locator: str | None, deadline: Deadline) -> Reply:
        params = {"locator": locator} if locator else None
        try:
            with nothing_applied():
                return self._session.reply("GET", path, seconds=deadline.left, params=params)
        except BatchRefused as refused:
            _raise_if_gone(refused)
            raise


def _raise_if_gone(refused: BatchRefused) -> None:
    if refused.code in _GONE:
        raise _gone() from None


def _gone() -> Transient:
    """Return that nobody can say any more what became of the rows."""
    message = f"GET {_ROOT}: Salesforce does not know the job any more."
    return Transient(message, code="JOB_GONE", applied=Applied.UNKNOWN)


def _state(state: str) -> bytes:
    return orjson.dumps({"state": state})


def _object(body: bytes, call: str) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise garbled(call, applied=Applied.NO)
    return told
