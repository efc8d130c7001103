"""Bulk API 2.0, ingest, as it is spoken on the wire."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.sandbox.org import DATA, KEY, Org, contact, refusal
from activation_tests.sandbox.turning_clock import TurningClock

JOBS = "jobs/ingest"


class Bulk:
    """A caller who takes a job through its steps."""

    def __init__(self, org: Org, clock: TurningClock) -> None:
        self.org = org
        self.clock = clock

    def make(self, **given: Any) -> dict[str, Any]:
        """Make a job, an upsert of contacts unless told otherwise."""
        document = {
            "object": "Contact",
            "operation": "upsert",
            "externalIdFieldName": KEY,
            "contentType": "CSV",
            "lineEnding": "LF",
            **given,
        }
        answer = self.org.call("POST", JOBS, json={k: v for k, v in document.items() if v})
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def upload(self, job: str, text: str | bytes) -> requests.Response:
        """Upload a file."""
        body = text.encode() if isinstance(text, str) else text
        headers = {"Content-Type": "text/csv"}
        return self.org.call("PUT", f"{JOBS}/{job}/batches", data=body, headers=headers)

    def set_state(self, job: str, state: str) -> requests.Response:
        """Close or abort a job."""
        return self.org.call("PATCH", f"{JOBS}/{job}", json={"state": state})

    def get(self, job: str) -> dict[str, Any]:
        """Return where a job stands."""
        answer = self.org.call("GET", f"{JOBS}/{job}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def run(self, text: str | bytes, **given: Any) -> str:
        """Take a job to its end; return its id."""
        job = str(self.make(**given)["id"])
        assert self.upload(job, text).status_code == 201
        assert self.set_state(job, "UploadComplete").status_code == 200
        self.clock.turn(60)
        return job

    def rows(self, job: str, kind: str) -> list[dict[str, str]]:
        """Return the rows of one of a job's files."""
        answer = self.org.call("GET", f"{JOBS}/{job}/{kind}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.fixture
def bulk(org: Org, clock: TurningClock) -> Bulk:
    """Return a caller of an empty org."""
    return Bulk(org, clock)


def test_a_job_is_made_open(bulk: Bulk) -> None:
    """A new job is told with all that it is, its version as a number, its address unrooted."""
    job = bulk.make()

    assert job["id"].startswith("750")
    assert job["contentUrl"] == f"{DATA.lstrip('/')}/{JOBS}/{job['id']}/batches"
    expected = {
        "operation": "upsert",
        "object": "Contact",
        "state": "Open",
        "externalIdFieldName": KEY,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": 59.0,
        "jobType": "V2Ingest",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
        "createdDate": "2026-09-01T10:00:00.000+0000",
        "systemModstamp": "2026-09-01T10:00:00.000+0000",
    }
    assert {**job, **expected} == job
    assert "retries" not in job


def test_a_job_can_come_with_its_data(bulk: Bulk, sandbox: Sandbox) -> None:
    """A form with job and data makes a job that is closed at once."""
    document = {"object": "Contact", "operation": "upsert", "externalIdFieldName": KEY}
    parts = {
        "job": (None, json.dumps(document), "application/json"),
        "content": ("content", f"{KEY},LastName\nc-1,Kim\n", "text/csv"),
    }

    job = bulk.org.call("POST", JOBS, files=parts).json()

    assert job["state"] == "UploadComplete"
    bulk.clock.turn(60)
    assert bulk.get(job["id"])["state"] == "JobComplete"
    assert [row[KEY] for row in sandbox.records("Contact")] == ["c-1"]
    parts["content"] = ("content", "x" * 100_001, "text/csv")
    assert bulk.org.call("POST", JOBS, files=parts).status_code == 400


def test_states_follow_the_clock(bulk: Bulk, sandbox: Sandbox) -> None:
    """Nothing is worked on before the job is closed, and then it takes its time."""
    job = bulk.make()["id"]
    assert bulk.upload(job, f"{KEY},LastName\nc-1,Kim\n").content == b""
    bulk.clock.turn(3600)
    assert bulk.get(job)["state"] == "Open"

    closed = bulk.set_state(job, "UploadComplete").json()
    assert closed["state"] == "UploadComplete"
    assert "contentUrl" not in closed
    assert bulk.get(job)["state"] == "UploadComplete"
    bulk.clock.turn(2.5)
    assert bulk.get(job)["state"] == "InProgress"
    assert sandbox.count("Contact") == 0
    bulk.clock.turn(1)
    done = bulk.get(job)

    assert done["state"] == "JobComplete"
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (1, 0)
    assert {"retries", "totalProcessingTime", "apexProcessingTime"} <= set(done)
    assert sandbox.count("Contact") == 1


def test_a_complete_job_can_hold_failed_rows(bulk: Bulk) -> None:
    """Each row is in one of the files, with its code, message and fields."""
    job = bulk.run(f"{KEY},LastName,Email\nc-1,Kim,kim@example.com\nc-2,,x@example.com\nc-3,Lee,no")

    assert bulk.get(job)["state"] == "JobComplete"
    assert bulk.get(job)["numberRecordsFailed"] == 2
    (good,) = bulk.rows(job, "successfulResults")
    assert good["sf__Id"].startswith("003")
    assert (good["sf__Created"], good[KEY], good["Email"]) == ("true", "c-1", "kim@example.com")
    failed = {row[KEY]: row for row in bulk.rows(job, "failedResults")}
    text = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    assert failed["c-2"]["sf__Error"] == text
    assert failed["c-2"]["sf__Id"] == ""
    assert failed["c-3"]["sf__Error"].startswith("INVALID_EMAIL_ADDRESS:")
    assert bulk.rows(job, "unprocessedrecords") == []


def test_files_are_headed_as_salesforce_heads_them(bulk: Bulk) -> None:
    """What Salesforce adds stands in quotes before the columns that were uploaded."""
    job = bulk.run(f"{KEY},LastName\nc-1,Kim\n")

    def text(kind: str) -> str:
        return bulk.org.call("GET", f"{JOBS}/{job}/{kind}").text

    assert text("successfulResults/").startswith(f'"sf__Id","sf__Created",{KEY},LastName\n"003')
    assert text("failedResults/") == f'"sf__Id","sf__Error",{KEY},LastName\n'
    assert text("unprocessedrecords/") == text("unprocessedRecords") == f"{KEY},LastName\n"


def test_empty_cells_and_nulls_differ(bulk: Bulk, org: Org) -> None:
    """An empty cell leaves a field alone, `#N/A` empties it."""
    org.upsert(contact("c-1", Title="CEO", Department="Board"))

    bulk.run(f"{KEY},Title,Department\nc-1,,#N/A\n")

    assert (org.stored("c-1")["Title"], org.stored("c-1")["Department"]) == ("CEO", None)


def test_quotes_and_line_ends_in_values(bulk: Bulk, org: Org) -> None:
    """A quoted value keeps its delimiters, doubled quotes, blanks and line ends."""
    bulk.run(f'{KEY},LastName,Description\nc-1,Kim,"Says ""hi"", and\ngoes"\nc-2, Lee ,x\n')

    assert org.stored("c-1")["Description"] == 'Says "hi", and\ngoes'
    assert org.stored("c-2")["LastName"] == "Lee"


def test_a_blank_beside_a_quote_breaks_the_row(bulk: Bulk) -> None:
    """Such a row fails alone, whichever side the blank is on."""
    job = bulk.run(f'{KEY},LastName\nc-1, "Kim"\nc-2,"Lee" \nc-3,"Low"\n')

    assert [row[KEY] for row in bulk.rows(job, "successfulResults")] == ["c-3"]
    assert bulk.get(job)["numberRecordsFailed"] == 2


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        (
            f"{KEY},LastName\r\nc-1,Kim\r\n",
            {},
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding",
        ),
        (
            f"{KEY},LastName\nc-1,Kim\n",
            {"lineEnding": "CRLF"},
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding",
        ),
        (f"{KEY},Nonsense\nc-1,x\n", {}, "InvalidBatch : Field name not found : Nonsense"),
        ("LastName\nKim\n", {}, f"InvalidBatch : Field name not found : {KEY}"),
        (f'{KEY},LastName\nc-1,"Kim\n', {}, "InvalidBatch : Failed to parse CSV"),
        (b"\xff\xfe\x00", {}, "InvalidBatch : Failed to parse CSV"),
        ("", {}, "InvalidBatch : The 'CSV' header"),
    ],
)
def test_a_file_that_cannot_be_read_fails_its_job(
    bulk: Bulk, sandbox: Sandbox, text: str | bytes, given: dict[str, Any], message: str
) -> None:
    """Nothing is written, and the job says why."""
    job = bulk.run(text, **given)

    told = bulk.get(job)
    assert told["state"] == "Failed"
    assert told["errorMessage"].startswith(message)
    assert told["numberRecordsProcessed"] == 0
    assert sandbox.count("Contact") == 0


def test_values_are_checked_row_by_row(bulk: Bulk) -> None:
    """A value of the wrong type costs its row, where it costs a JSON call as a whole."""
    job = bulk.run(f"{KEY},LastName,Churn_Score__c\nc-1,Kim,high\nc-2,Lee,1.25\n")

    (failed,) = bulk.rows(job, "failedResults")
    assert failed["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:")
    assert len(bulk.rows(job, "successfulResults")) == 1


def test_parents_by_external_id(bulk: Bulk, org: Org) -> None:
    """A column may name a parent by its key; an unknown one costs the row."""
    org.upsert(
        {"attributes": {"type": "Account"}, "Account_Key__c": "a-1", "Name": "Acme"},
        of="Account",
        by="Account_Key__c",
    )

    job = bulk.run(f"{KEY},LastName,Account.Account_Key__c\nc-1,Kim,a-1\nc-2,Lee,a-2\n")

    assert org.stored("c-1")["AccountId"].startswith("001")
    (failed,) = bulk.rows(job, "failedResults")
    assert failed["sf__Error"].startswith("INVALID_FIELD:Foreign key external ID: a-2 not found")


def test_the_other_operations(bulk: Bulk, org: Org, sandbox: Sandbox) -> None:
    """Insert, update by id and delete by id; an id of another object is no record of this one."""
    inserted = bulk.run("LastName\nKim\nLee\n", operation="insert", externalIdFieldName=None)
    ids = [row["sf__Id"] for row in bulk.rows(inserted, "successfulResults")]
    updated = bulk.run(f"Id,Title\n{ids[0]},CEO\n", operation="update", externalIdFieldName=None)
    bulk.get(updated)
    assert org.call("GET", f"sobjects/Contact/{ids[0]}").json()["Title"] == "CEO"

    job = bulk.run(
        f"Id\n{ids[0]}\n001000000000001AAA\n", operation="delete", externalIdFieldName=None
    )

    assert [row["Id"] for row in bulk.rows(job, "successfulResults")] == [ids[0]]
    assert len(bulk.rows(job, "failedResults")) == 1
    assert sandbox.count("Contact") == 1
    assert org.call("GET", f"sobjects/Contact/{ids[0]}").status_code == 404
    answer = org.call("POST", JOBS, json={"object": "Contact", "operation": "hardDelete"})
    assert answer.status_code == 400


def test_one_upload_a_job(bulk: Bulk, sandbox: Sandbox) -> None:
    """A second upload is refused; the quirk lets it pass without effect."""
    job = bulk.make()["id"]
    assert bulk.upload(job, f"{KEY},LastName\nc-1,Kim\n").status_code == 201

    second = bulk.upload(job, f"{KEY},LastName\nc-2,Lee\n")
    assert refusal(second) == (400, "INVALIDJOBSTATE")
    assert "Found multiple contents for job" in second.text
    sandbox.set_quirk("salesforce", "bulk_second_upload", "ignored")
    assert bulk.upload(job, f"{KEY},LastName\nc-3,Low\n").status_code == 201
    bulk.set_state(job, "UploadComplete")
    bulk.clock.turn(60)

    assert [row[KEY] for row in sandbox.records("Contact")] == ["c-1"]


def test_an_aborted_job_tells_what_it_left(bulk: Bulk, sandbox: Sandbox) -> None:
    """Rows that were not worked on are told as such, and none is written."""
    job = bulk.make()["id"]
    bulk.upload(job, f"{KEY},LastName\nc-1,Kim\n")
    bulk.set_state(job, "UploadComplete")

    assert bulk.set_state(job, "Aborted").json()["state"] == "Aborted"

    bulk.clock.turn(60)
    assert bulk.get(job)["state"] == "Aborted"
    assert [row[KEY] for row in bulk.rows(job, "unprocessedrecords")] == ["c-1"]
    assert sandbox.count("Contact") == 0
    again = bulk.set_state(job, "Aborted")
    assert refusal(again) == (400, "INVALIDJOBSTATE")
    assert again.json()[0]["message"] == "Aborting already Completed Job not allowed"


def test_deleting_jobs(bulk: Bulk, org: Org) -> None:
    """An open job cannot be deleted; a deleted one is not known any more."""
    job = bulk.make()["id"]
    assert refusal(org.call("DELETE", f"{JOBS}/{job}")) == (400, "INVALIDJOBSTATE")
    bulk.set_state(job, "Aborted")

    assert org.call("DELETE", f"{JOBS}/{job}").status_code == 204

    answer = org.call("GET", f"{JOBS}/{job}")
    assert refusal(answer) == (404, "NOT_FOUND")
    assert answer.json()[0]["message"] == "The requested resource does not exist"


def test_jobs_are_listed(bulk: Bulk, org: Org) -> None:
    """All jobs are told, those of other kinds not."""
    jobs = {bulk.make()["id"] for _ in range(3)}

    listed = org.call("GET", JOBS, params={"jobType": "V2Ingest"}).json()

    assert listed["done"] is True
    assert listed["nextRecordsUrl"] is None
    assert {job["id"] for job in listed["records"]} == jobs
    assert org.call("GET", JOBS, params={"jobType": "Classic"}).json()["records"] == []


def test_jobs_are_kept_for_seven_days(bulk: Bulk, org: Org) -> None:
    """A finished job is gone after a week, an open one is not."""
    opened, done = bulk.make()["id"], bulk.run(f"{KEY},LastName\nc-1,Kim\n")
    assert bulk.get(done)["state"] == "JobComplete"

    bulk.clock.turn(7 * 86_400 - 60)
    org.login()
    assert bulk.get(done)["state"] == "JobComplete"
    bulk.clock.turn(120)

    assert org.call("GET", f"{JOBS}/{done}").status_code == 404
    assert bulk.get(opened)["state"] == "Open"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"object": "Nonsense"}, "INVALIDENTITY"),
        ({"operation": "merge"}, "INVALIDOPERATION"),
        ({"externalIdFieldName": "Title"}, "INVALIDJOB"),
        ({"contentType": "JSON"}, "INVALIDJOB"),
        ({"lineEnding": "CR"}, "INVALIDJOB"),
        ({"columnDelimiter": "DOT"}, "INVALIDJOB"),
    ],
)
def test_wrong_jobs_are_refused(org: Org, given: dict[str, str], code: str) -> None:
    """A job that cannot be run is not made."""
    document = {"object": "Contact", "operation": "upsert", "externalIdFieldName": KEY, **given}

    assert refusal(org.call("POST", JOBS, json=document)) == (400, code)
    assert org.call("GET", JOBS).json()["records"] == []


def test_results_can_come_in_pages(bulk: Bulk, org: Org, sandbox: Sandbox) -> None:
    """With the quirk, a page names the next one, and the last one says null."""
    sandbox.set_quirk("salesforce", "bulk_result_rows", 2)
    lines = "".join(f'c-{n},"Kim\n{n}"\n' for n in range(5))
    job = bulk.run(f"{KEY},LastName\n{lines}")
    keys, locator = [], ""
    for _ in range(3):
        params = {"locator": locator} if locator else {}
        answer = org.call("GET", f"{JOBS}/{job}/successfulResults", params=params)
        keys += [row[KEY] for row in csv.DictReader(io.StringIO(answer.text))]
        locator = answer.headers["Sforce-Locator"]

    assert locator == "null"
    assert sorted(keys) == [f"c-{n}" for n in range(5)]


def test_refused_batches_are_in_no_file(bulk: Bulk, sandbox: Sandbox) -> None:
    """Rows beyond the day's batches are told nowhere, and not written."""
    sandbox.set_quota("bulk_batches", limit=1)
    lines = "".join(f"c-{n},Kim\n" for n in range(10_001))
    job = bulk.run(f"{KEY},LastName\n{lines}")

    kinds = ("successfulResults", "failedResults", "unprocessedrecords")
    assert [len(bulk.rows(job, kind)) for kind in kinds] == [10_000, 0, 0]
    assert sandbox.count("Contact") == 10_000
    limits = bulk.org.call("GET", "limits").json()
    assert limits["DailyBulkApiBatches"] == {"Max": 1, "Remaining": 0}


def test_locked_rows_fail_alone(bulk: Bulk, sandbox: Sandbox) -> None:
    """A share of the rows is locked, and the files say which."""
    sandbox.faults.add("row_locked", share=0.5, seed=1)
    lines = "".join(f"c-{n},Kim\n" for n in range(100))
    job = bulk.run(f"{KEY},LastName\n{lines}")

    failed = bulk.rows(job, "failedResults")
    assert 20 < len(failed) < 80
    assert all(row["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:") for row in failed)
    order = [row[KEY] for row in bulk.rows(job, "successfulResults")]
    assert len(order) + len(failed) == 100
    assert order != sorted(order, key=lambda key: int(key[2:]))


def test_jobs_go_wrong_on_demand(bulk: Bulk, org: Org, sandbox: Sandbox) -> None:
    """A job stalls, fails part-way, vanishes, or its results run out before their time."""
    text = f"{KEY},LastName\n" + "".join(f"c-{n},Kim\n" for n in range(10))
    sandbox.faults.add("job_stalled", times=1, seconds=600)
    stalled = bulk.run(text)
    assert bulk.get(stalled)["state"] == "UploadComplete"
    bulk.clock.turn(600)
    assert bulk.get(stalled)["state"] == "JobComplete"

    sandbox.faults.add("job_failed", times=1, after=0.3, code="TooManyLockFailure", message="no")
    failed = bulk.run(text)
    told = bulk.get(failed)
    assert (told["state"], told["errorMessage"]) == ("Failed", "TooManyLockFailure : no")
    assert told["numberRecordsProcessed"] == 3
    assert len(bulk.rows(failed, "successfulResults")) == 3
    assert len(bulk.rows(failed, "unprocessedrecords")) == 7

    sandbox.faults.add("job_expired", times=1)
    assert org.call("GET", f"{JOBS}/{stalled}/failedResults").status_code == 404
    sandbox.faults.add("job_vanished", times=1)
    assert org.call("GET", f"{JOBS}/{failed}").status_code == 404
    assert sandbox.jobs() == []


def test_jobs_outlive_a_restart(tmp_path: Path) -> None:
    """A job that was closed before the sandbox was stopped is worked on after it."""
    clock = TurningClock()
    with running(tmp_path, clock=clock) as address:
        bulk = Bulk(Org(address), clock)
        job = bulk.make()["id"]
        bulk.upload(job, f"{KEY},LastName\nc-1,Kim\n")
        bulk.set_state(job, "UploadComplete")
        bulk.org.http.close()
    clock.turn(60)

    with running(tmp_path, clock=clock) as address:
        (told,) = Sandbox(address).jobs()

    assert (told["id"], told["state"]) == (job, "JobComplete")
