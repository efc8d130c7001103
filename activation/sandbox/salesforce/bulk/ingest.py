"""Bulk API 2.0, ingest: the addresses of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from starlette.responses import Response

from activation.clock import Clock
from activation.sandbox.faults import FaultName, Faults
from activation.sandbox.quirks import Quirks
from activation.sandbox.salesforce.bulk.csv_data import DELIMITERS, LINE_ENDINGS, records
from activation.sandbox.salesforce.bulk.jobs import (
    ENDED,
    UNDER_WAY,
    Job,
    Jobs,
    JobState,
    ResultKind,
)
from activation.sandbox.salesforce.bulk.work import Work
from activation.sandbox.salesforce.collections import read_object
from activation.sandbox.salesforce.errors import CallRefused, json_answer, not_found
from activation.sandbox.salesforce.schema import Catalogue

MAX_BYTES = 150 * 1024 * 1024 * 3 // 4
"""What makes 150 MB once it is encoded in base64; the guide advises 100 MB."""
MAX_CHARACTERS = 100_000
"""In a job that is made with its data in one call."""
PAGE_JOBS = 1_000
HARD_DELETE = "bulk_hard_delete"
RESULT_ROWS = "bulk_result_rows"
SECOND_UPLOAD = "bulk_second_upload"
_OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
_CREATED, _NO_CONTENT = 201, 204
_FOR_GOOD = timedelta(days=3650).total_seconds()


class Ingest:
    """Answers the calls about ingest jobs."""

    def __init__(  # noqa: PLR0913
        self,
        clock: Clock,
        *,
        jobs: Jobs,
        work: Work,
        catalogue: Catalogue,
        faults: Faults,
        quirks: Quirks,
    ) -> None:
        self._clock = clock
        self._jobs = jobs
        self._work = work
        self._catalogue = catalogue
        self._faults = faults
        self._quirks = quirks

    def create(self, body: bytes, version: float, content_type: str) -> Response:
        """Make an open job; one that comes with its data, in one call, is closed at once."""
        if not content_type.startswith("multipart/form-data"):
            return json_answer(self._make(read_object(body), version).created_document())
        parts = _parts(body, content_type)
        if len(parts.get("content", b"")) > MAX_CHARACTERS:
            # The limit is the guide's; code and text are not sourced.
            raise CallRefused(400, "INVALIDJOB", "More than 100,000 characters in one call")
        job = self._make(read_object(parts.get("job", b"")), version)
        self._jobs.upload(job, parts.get("content", b""))
        self._close(job)
        return json_answer(job.created_document())

    def _make(self, given: Mapping[str, Any], version: float) -> Job:
        operation = given.get("operation")
        if operation not in _OPERATIONS:
            raise CallRefused(400, "INVALIDOPERATION", f"Unknown operation: {operation}")
        sobject = self._catalogue.get(str(given.get("object")))
        if sobject is None:
            text = f"Entity '{given.get('object')}' is not supported by the Bulk API."
            raise CallRefused(400, "INVALIDENTITY", text)
        if operation == "hardDelete" and self._quirks.value(HARD_DELETE) == "withheld":
            raise CallRefused(400, "FEATURENOTENABLED", "hardDelete operation is not enabled")
        key = given.get("externalIdFieldName")
        if operation == "upsert":
            field = sobject.field(str(key))
            if field is None or not field.is_key:
                text = (
                    f"InvalidJob : Field name provided, {key} does not match an External ID, "
                    f"Salesforce Id, or indexed field for {sobject.name}"
                )
                raise CallRefused(400, "INVALIDJOB", text)
            key = field.name
        if given.get("contentType", "CSV") != "CSV":
            raise CallRefused(400, "INVALIDJOB", "The only content type supported is CSV")
        return self._jobs.make(
            operation=operation,
            object=sobject.name,
            key=key if operation == "upsert" else None,
            line_ending=_choice(given, "lineEnding", LINE_ENDINGS, "LF"),
            delimiter=_choice(given, "columnDelimiter", DELIMITERS, "COMMA"),
            api_version=version,
        )

    def upload(self, identity: str, body: bytes) -> Response:
        """Take the data of an open job, once."""
        job = self._job(identity, "PUT")
        if job.state is not JobState.OPEN:
            raise _wrong_state(f"Job is in state {job.state}, data can be uploaded to Open ones")
        if job.is_uploaded:
            if self._quirks.value(SECOND_UPLOAD) == "ignored":
                return Response(status_code=_CREATED)
            # Two projects saw this text on a live org; the code is not sourced.
            text = (
                f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' "
                "the current Job then create a new Job and make sure you only do 'PUT' once on a "
                "given Job."
            )
            raise _wrong_state(text)
        if len(body) > MAX_BYTES:
            # Status, code and text are not sourced.
            raise CallRefused(413, "REQUEST_ENTITY_TOO_LARGE", "More than 150 MB in base64")
        self._jobs.upload(job, body)
        return Response(status_code=_CREATED)

    def change(self, identity: str, body: bytes) -> Response:
        """Close or abort a job."""
        job = self._job(identity, "PATCH")
        wanted = read_object(body).get("state")
        if wanted == JobState.UPLOAD_COMPLETE:
            self._close(job)
        elif wanted == JobState.ABORTED:
            if job.state in ENDED:
                raise _wrong_state("Aborting already Completed Job not allowed")
            self._work.end(job, JobState.ABORTED)
        else:
            raise _wrong_state(f"Unknown state: {wanted}")
        return json_answer(job.brief())

    def _close(self, job: Job) -> None:
        if job.state is not JobState.OPEN:
            raise _wrong_state(f"Closing a job in state {job.state} not allowed")
        job.state = JobState.UPLOAD_COMPLETE
        job.closed = self._clock.now().isoformat()
        if fault := self._fault(FaultName.JOB_STALLED, "PATCH", job):
            job.stalled_seconds = fault.seconds(_FOR_GOOD)
        if fault := self._fault(FaultName.JOB_FAILED, "PATCH", job):
            code = fault.options.get("code", "Unknown")
            job.error = f"{code} : {fault.options.get('message', 'Exception with unknown cause')}"
            job.fails_after = float(fault.options.get("after", 0))
        self._jobs.save(job)

    def get(self, identity: str) -> Response:
        """Tell where a job stands."""
        return json_answer(self._job(identity, "GET").document())

    def delete(self, identity: str) -> Response:
        """Forget a job that is closed."""
        job = self._job(identity, "DELETE")
        if job.state not in ENDED | {JobState.UPLOAD_COMPLETE}:
            raise _wrong_state(f"Deleting a job in state {job.state} not allowed")
        self._jobs.forget(job)
        return Response(status_code=_NO_CONTENT)

    def all(self, query: Mapping[str, str], root: str) -> Response:
        """List jobs, a page at a time."""
        if query.get("jobType", "V2Ingest") != "V2Ingest":
            return json_answer({"done": True, "nextRecordsUrl": None, "records": []})
        after = query.get("queryLocator", "0")
        jobs = self._jobs.page(int(after) if after.isdigit() else 0, PAGE_JOBS + 1)
        done = len(jobs) <= PAGE_JOBS
        jobs = jobs[:PAGE_JOBS]
        following = f"{root}/jobs/ingest?queryLocator={jobs[-1].number}" if not done else None
        listed = [{**job.brief(), "jobType": "V2Ingest"} for job in jobs]
        return json_answer({"done": done, "nextRecordsUrl": following, "records": listed})

    def result(self, identity: str, name: str, query: Mapping[str, str]) -> Response:
        """Return one of the files that a job ends in."""
        try:
            kind = ResultKind(name.lower())
        except ValueError:
            raise not_found() from None
        job = self._job(identity, "GET")
        if self._fault(FaultName.JOB_EXPIRED, "GET", job):
            self._jobs.forget(job)
            raise not_found()
        if job.state not in ENDED:
            # Not sourced: the guide speaks of completed, failed and aborted jobs only.
            raise _wrong_state(f"Job is in state {job.state}, results are not there yet")
        return self._page(self._work.result(job, kind), query)

    def _page(self, text: str, query: Mapping[str, str]) -> Response:
        """Return a file, whole or in pages; the last one's locator is the text `null`."""
        most = int(query.get("maxRecords") or self._quirks.number(RESULT_ROWS))
        if not most:
            return Response(text, 200, media_type="text/csv")
        header, *lines = records(text)
        first = int(query.get("locator") or 0)
        page = lines[first : first + most]
        answer = Response(header + "".join(page), 200, media_type="text/csv")
        following = first + len(page)
        answer.headers["Sforce-NumberOfRecords"] = str(len(page))
        answer.headers["Sforce-Locator"] = str(following) if following < len(lines) else "null"
        return answer

    def _job(self, identity: str, method: str) -> Job:
        job = self._jobs.get(identity)
        if job is not None and self._fault(FaultName.JOB_VANISHED, method, job):
            self._jobs.forget(job)
            job = None
        if job is None:
            raise not_found()
        if job.state in UNDER_WAY:
            self._work.catch_up()
            return self._jobs.numbered(job.number)
        return job

    def _fault(self, name: FaultName, method: str, job: Job) -> Any:
        return self._faults.job_fault(name, "salesforce", method, f"/jobs/ingest/{job.id}")


def _parts(body: bytes, content_type: str) -> dict[str, bytes]:
    """Return the parts of a form by name."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts: dict[str, bytes] = {}
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            parts[str(part.get_param("name", header="content-disposition"))] = payload
    return parts


def _choice(given: Mapping[str, Any], name: str, known: Mapping[str, str], default: str) -> str:
    value = str(given.get(name, default))
    if value not in known:
        raise CallRefused(400, "INVALIDJOB", f"{name} must be one of {', '.join(known)}")
    return value


def _wrong_state(message: str) -> CallRefused:
    return CallRefused(400, "INVALIDJOBSTATE", message)
