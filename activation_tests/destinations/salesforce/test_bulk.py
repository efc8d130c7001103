"""The steps of a job against the sandbox, and what goes wrong between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from activation.destinations.base import (
    Connection,
    JobEndpoint,
    JobState,
    JobStatus,
    RowResult,
    Target,
)
from activation.destinations.salesforce.destination import Salesforce
from activation.destinations.traits import Verb
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    DestinationError,
    QuotaRefused,
    Transient,
)
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.destinations.salesforce.rows import mapping
from activation_tests.sandbox.turning_clock import TurningClock

TARGET = Target(
    "Contact",
    "Customer_Key__c",
    (mapping("LastName", "text(80)"), mapping("Account.Account_Key__c", "text(80)")),
)
KEYS = ["c-1", "c-2", "c-3"]


class Job:
    """One job, taken through its steps by a test."""

    def __init__(self, sandbox: Sandbox, clock: TurningClock) -> None:
        self.sandbox = sandbox
        self.clock = clock
        credentials = {"client_id": "app", "client_secret": "s3cret"}
        connection = Connection("crm", "salesforce", sandbox.address, credentials)
        self.org = Salesforce(connection, clock)
        endpoint = self.org.endpoint_named(TARGET, "bulk")
        assert isinstance(endpoint, JobEndpoint)
        self.endpoint = endpoint
        names = [f"Person {key}" for key in KEYS]
        rows = {"sync_key": KEYS, "LastName": names, "Account.Account_Key__c": [None] * 3}
        self.payload = endpoint.encode(TARGET, pa.table(rows))
        self.id = ""

    def open(self) -> str:
        """Make the job."""
        self.id = self.endpoint.open_job(TARGET, seconds=5)
        return self.id

    def start(self) -> None:
        """Start the job."""
        self.endpoint.start_job(TARGET, self.id, self.payload, seconds=5)

    def state(self) -> JobState:
        """Ask where the job stands."""
        return self.status().state

    def status(self) -> JobStatus:
        """Ask for all that there is to say of the job."""
        return self.endpoint.job_status(TARGET, self.id, seconds=5)

    def results(self) -> tuple[RowResult, ...]:
        """Read what became of the rows."""
        answer = self.endpoint.job_answer(TARGET, self.id, seconds=5)
        return self.endpoint.decode(answer, KEYS)

    def abandon(self) -> None:
        """Abandon the job."""
        self.endpoint.abandon_job(TARGET, self.id, seconds=5)


@pytest.fixture(scope="module")
def turning() -> TurningClock:
    """Return the sandbox's clock."""
    return TurningClock()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, turning: TurningClock) -> Iterator[str]:
    """Run one sandbox for the module."""
    with running(tmp_path_factory.mktemp("sandbox"), clock=turning) as base:
        yield base


@pytest.fixture
def job(address: str, turning: TurningClock) -> Iterator[Job]:
    """Return a job that is not made yet, in an empty org."""
    turning.reset()
    sandbox = Sandbox(address)
    sandbox.reset()
    made = Job(sandbox, turning)
    yield made
    made.org.close()


def test_a_job_goes_its_way(job: Job) -> None:
    """An open job does nothing; a started one runs, and its results speak of each row."""
    job.open()
    job.clock.turn(3600)
    assert job.state() is JobState.OPEN
    assert job.sandbox.count("Contact") == 0

    job.start()
    assert job.state() is JobState.RUNNING
    job.clock.turn(60)

    assert job.state() is JobState.DONE
    assert [result.created for result in job.results()] == [True] * 3
    methods = [(entry["method"], entry["rows"]) for entry in job.sandbox.requests()]
    assert [method for method, _ in methods if method != "GET"] == ["POST", "POST", "PUT", "PATCH"]


def test_answers_tell_their_requests(job: Job) -> None:
    """The status and three files are four requests, a page more is one more."""
    job.open()
    job.start()
    job.clock.turn(60)
    assert job.endpoint.job_answer(TARGET, job.id, seconds=5).requests == 4
    job.sandbox.set_quirk("salesforce", "bulk_result_rows", 2)

    assert job.endpoint.job_answer(TARGET, job.id, seconds=5).requests == 5
    assert [result.created for result in job.results()] == [True] * 3


@pytest.mark.parametrize("lost", ["PUT", "PATCH"])
def test_starting_is_taken_up_where_it_was_left(job: Job, lost: str) -> None:
    """A start whose answer was lost may be asked for again, and runs the job once."""
    job.open()
    job.sandbox.faults.add("lost_response", times=1, method=lost)
    with pytest.raises(Transient) as caught:
        job.start()
    # Only the closing starts a job.
    assert caught.value.applied is (Applied.NO if lost == "PUT" else Applied.UNKNOWN)

    job.start()
    job.start()

    job.clock.turn(60)
    job.start()
    assert [result.created for result in job.results()] == [True] * 3
    assert job.sandbox.count("Contact") == 3
    assert len(job.sandbox.jobs()) == 1


def test_a_job_that_was_abandoned_never_starts(job: Job) -> None:
    """An open job is aborted, with or without data; doing so again is no error."""
    job.open()
    job.sandbox.faults.add("lost_request", times=1, method="PATCH")
    with pytest.raises(Transient):
        job.start()

    job.abandon()
    job.abandon()

    job.clock.turn(60)
    assert job.state() is JobState.FAILED
    assert job.sandbox.count("Contact") == 0
    with pytest.raises(Transient, match="does not know the job") as caught:
        job.endpoint.start_job(TARGET, "750000000000000AAA", job.payload, seconds=5)
    assert caught.value.applied is Applied.UNKNOWN


def test_a_job_under_way_is_not_abandoned(job: Job) -> None:
    """What has started cannot be said never to start."""
    job.open()
    job.start()

    with pytest.raises(Transient) as caught:
        job.abandon()

    assert caught.value.code == "JOB_STARTED"
    job.clock.turn(60)
    job.abandon()
    assert job.sandbox.count("Contact") == 3


def test_a_lost_opening_leaves_nothing_that_runs(job: Job) -> None:
    """A job whose id never came lies open, and is no doubt about rows."""
    job.sandbox.faults.add("lost_response", times=1, method="POST", path_contains="jobs/ingest")

    with pytest.raises(Transient) as caught:
        job.open()

    assert caught.value.applied is Applied.NO
    job.clock.turn(60)
    assert [told["state"] for told in job.sandbox.jobs()] == ["Open"]
    assert job.sandbox.count("Contact") == 0


def test_a_job_that_vanished_is_gone(job: Job) -> None:
    """So is one that is abandoned then."""
    job.open()
    job.sandbox.faults.add("job_vanished", times=1)

    assert job.state() is JobState.GONE
    job.abandon()


def test_results_that_ran_out(job: Job) -> None:
    """Results that are not kept any more leave a doubt: nobody can say what became of the rows."""
    job.open()
    job.start()
    job.clock.turn(60)
    job.sandbox.faults.add("job_expired", times=1)

    for _ in range(2):
        with pytest.raises(Transient) as caught:
            job.results()
        assert (caught.value.code, caught.value.applied) == ("JOB_GONE", Applied.UNKNOWN)
    assert job.state() is JobState.GONE


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidBatch", BatchRefused),
        ("ClientInputError", BatchRefused),
        ("ExceededQuota", QuotaRefused),
        ("FeatureNotEnabled", AccessRefused),
    ],
)
def test_a_job_that_fails_as_a_whole(job: Job, code: str, kind: type[DestinationError]) -> None:
    """A job that came to no row says why, without the vendor's text."""
    job.open()
    message = "Field name not found : LastName k-00001"
    job.sandbox.faults.add("job_failed", times=1, code=code, message=message)
    job.start()
    job.clock.turn(60)

    status = job.status()

    assert status.state is JobState.FAILED
    assert isinstance(status.refusal, kind)
    assert status.refusal.code == code
    assert "(LastName)" in str(status.refusal)
    assert "k-00001" not in str(status.refusal)


@pytest.mark.parametrize(
    ("after", "code", "told"),
    [
        (0.4, "TooManyLockFailure", [None, "NOT_PROCESSED", "NOT_PROCESSED"]),
        (0.0, "TooManyLockFailure", ["NOT_PROCESSED"] * 3),
        (0.7, "InvalidBatch", [None, None, "NOT_PROCESSED"]),
    ],
)
def test_a_job_that_fails_half_way(
    job: Job, after: float, code: str, told: list[str | None]
) -> None:
    """Rows that were written are delivered; those it did not come to may pass later."""
    job.open()
    job.sandbox.faults.add("job_failed", times=1, after=after, code=code)
    job.start()
    job.clock.turn(60)

    results = job.results()

    assert [result.error.code if result.error else None for result in results] == told
    assert job.sandbox.count("Contact") == told.count(None)


def test_an_aborted_job_tells_what_it_left(job: Job) -> None:
    """A job that a person aborted gives its rows back."""
    job.open()
    job.start()
    job.org._session.call("PATCH", f"jobs/ingest/{job.id}", seconds=5, data=b'{"state":"Aborted"}')

    assert job.state() is JobState.FAILED
    assert [result.error.code for result in job.results() if result.error] == ["NOT_PROCESSED"] * 3


def test_a_stalled_job_goes_on_running(job: Job) -> None:
    """A job that waits is running, however long."""
    job.open()
    job.sandbox.faults.add("job_stalled", times=1)
    job.start()
    job.clock.turn(86_400)

    assert job.state() is JobState.RUNNING


@pytest.mark.parametrize("kind", ["truncated", "html", "empty"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_garbled_answers_are_no_doubt_about_rows(job: Job, method: str, kind: str) -> None:
    """Neither a job whose id cannot be read nor a status that cannot be read wrote a row."""
    job.open()
    job.sandbox.faults.add(
        "garbled_answer", times=1, method=method, path_contains="jobs/ingest", kind=kind
    )

    with pytest.raises(Transient) as caught:
        _ = job.open() if method == "POST" else job.state()

    assert caught.value.applied is Applied.NO


@pytest.mark.parametrize(
    ("verb", "rows", "name"),
    [
        (Verb.UPSERT, 1, "collections"),
        (Verb.UPSERT, 2_000, "collections"),
        (Verb.UPSERT, 2_001, "bulk"),
        (Verb.CREATE, 1, "bulk_insert"),
        (Verb.UPDATE, 100_000, "collections_update"),
        (Verb.REMOVE, 100_000, "collections_delete"),
    ],
)
def test_the_endpoint_that_suits(job: Job, verb: Verb, rows: int, name: str) -> None:
    """Many upserts go in jobs, creations always do; what goes by record id goes in collections."""
    endpoint = job.org.endpoint(replace(TARGET, verb=verb), rows=rows)

    assert endpoint.traits.name == name
