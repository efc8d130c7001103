"""Jobs: durable before they start, adopted after a crash, never doubled."""

from collections.abc import Callable
from typing import Any

import pytest

from activation.delivery import Bounds
from activation.destinations.base import Fate, JobState, RowError
from activation.destinations.memory_jobs import JobTrouble, MemoryJobs, jobs_of
from activation.errors import Paused, Unavailable
from activation.ledger.batches import BatchState
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import SYNC, CrashError, Rig, contract

STEPS = ("open_job", "start_job", "job_status", "job_answer")


def with_jobs(
    make_rig: MakeRig, rows: int = 300, *, each: int = 100, **options: Any
) -> tuple[Rig, MemoryJobs]:
    """Return a rig whose upserts go out in jobs of so many rows, one after the other."""
    row_errors = options.pop("row_errors", {})
    rig = make_rig(rows, row_errors=row_errors)
    rig.contract = contract(quota={"requests_per_day": 1000, "concurrency": 1})
    rig.plan()
    return rig, rig.destination.run_jobs(traits=jobs_of(each), **options)


def test_each_batch_is_a_job(make_rig: MakeRig) -> None:
    """Rows travel in jobs of the endpoint's own size: made, started, asked for, read."""
    rig, jobs = with_jobs(make_rig)

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == len(rig.destination.records) == 300
    assert len(jobs.jobs) == 3
    assert sorted(set(jobs.calls)) == sorted(STEPS)
    # Made, started, asked for twice, and two pages of results, for each of three.
    assert outcomes.requests == rig.ledger.quota.usage("crm").reserved == 3 * 6
    assert rig.ledger.fences.of(SYNC) == ()


def test_the_id_is_durable_before_the_start(make_rig: MakeRig) -> None:
    """When the request that starts a job leaves, the ledger knows the job's id."""
    rig, jobs = with_jobs(make_rig)
    known: set[str | None] = set()
    start = jobs.start_job

    def look(target: Any, job: str, payload: bytes, *, seconds: float) -> None:
        known.update(batch.job for batch in rig.ledger.batches.of_plan(rig.digest))
        assert job in known
        start(target, job, payload, seconds=seconds)

    jobs.start_job = look  # type: ignore[method-assign]
    rig.deliver()

    assert known - {None} == set(jobs.jobs)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("again", [Rig.deliver, Rig.settle], ids=["delivering", "settling"])
def test_a_crash_doubles_nothing(
    make_rig: MakeRig, step: str, *, after: bool, again: Callable[..., object]
) -> None:
    """Wherever a process dies in the life of a job, the next one ends it, and no row goes twice."""
    rig, jobs = with_jobs(make_rig, 100)
    crash(rig, jobs, step, after=after)

    again(rig, owner="run-2")

    assert rig.deliver(owner="run-3").totals["delivered"] == 100
    assert [job.starts for job in jobs.jobs.values() if job.starts] == [1]
    assert rig.once_each()


def test_an_adopted_job_that_never_started_is_abandoned(make_rig: MakeRig) -> None:
    """A job that was made before a crash is seen to never start; its rows go in another one."""
    rig, jobs = with_jobs(make_rig, 100)
    crash(rig, jobs, "start_job", after=False)

    rig.deliver(owner="run-2")

    assert [job.state for job in jobs.jobs.values()] == [JobState.GONE, JobState.DONE]


@pytest.mark.parametrize("trouble", [JobTrouble.UNMADE, JobTrouble.NAMELESS])
def test_a_job_without_an_id_is_made_anew(make_rig: MakeRig, trouble: JobTrouble) -> None:
    """If the vendor's answer with the id is lost, another job is made; the first never starts."""
    rig, jobs = with_jobs(make_rig, 100, script=[trouble])

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == 100
    assert sum(job.starts for job in jobs.jobs.values()) == 1
    assert rig.ledger.fences.of(SYNC) == ()


@pytest.mark.parametrize("trouble", [JobTrouble.UNSTARTED, JobTrouble.UNHEARD])
def test_a_lost_start_is_asked_for(make_rig: MakeRig, trouble: JobTrouble) -> None:
    """After a lost answer the job itself is asked; it is started again only if it is still open."""
    rig, jobs = with_jobs(make_rig, 100, script=[trouble])

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == 100
    assert len(jobs.jobs) == 1
    assert jobs.jobs["job-1"].starts == (2 if trouble is JobTrouble.UNSTARTED else 1)
    assert rig.once_each()


def test_a_job_that_may_start_yet_is_not_replaced(make_rig: MakeRig) -> None:
    """A job that looks open, and that the vendor does not abandon, is adopted when it has run."""
    rig, jobs = with_jobs(make_rig, 100, script=[JobTrouble.LATE])
    with pytest.raises(Unavailable, match="JOB_OPEN"):
        rig.deliver()
    assert rig.totals()["in_doubt"] == 100

    jobs.release()

    assert rig.deliver(owner="run-2").totals["delivered"] == 100
    assert len(jobs.jobs) == 1
    assert rig.once_each()


def test_consent_is_asked_again_before_a_job_starts(make_rig: MakeRig) -> None:
    """Rows that lost consent after a job was made are not handed over; the others are."""
    rig, jobs = with_jobs(make_rig, 100, script=[JobTrouble.UNSTARTED])
    opened = jobs.open_job

    def withdraw(target: Any, *, seconds: float) -> str:
        rig.frozen.withdrawn = lambda: [7]
        rig.later(seconds=90)
        return opened(target, seconds=seconds)

    jobs.open_job = withdraw  # type: ignore[method-assign]

    totals = rig.deliver().totals

    assert (totals["delivered"], totals["blocked"]) == (99, 1)
    assert "k00007" not in rig.destination.records
    assert [job.state for job in jobs.jobs.values()] == [JobState.GONE, JobState.DONE]


def test_what_a_failed_job_left_goes_again(make_rig: MakeRig) -> None:
    """Rows that a job did not come to before it failed go out in another job, the others do not."""
    rig, jobs = with_jobs(make_rig, 100, script=[JobTrouble.HALF_DONE])

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == len(rig.destination.records) == 100
    assert len(jobs.jobs) == 2
    assert rig.once_each()


def test_a_bad_row_of_a_job_is_kept(make_rig: MakeRig) -> None:
    """A row that a job refuses becomes a dead letter; its neighbours are delivered."""
    bad = RowError("BAD", "no", Fate.PERMANENT)
    rig, jobs = with_jobs(make_rig, 100, row_errors={"k00007": [bad]})

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["rejected"]) == (99, 1)
    assert len(jobs.jobs) == 1


def test_a_refused_file_is_halved(make_rig: MakeRig) -> None:
    """A job whose file is not taken is abandoned, and its halves go out in jobs of their own."""
    rig, jobs = with_jobs(make_rig, 100, script=[JobTrouble.REFUSED])

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == 100
    assert [job.state for job in jobs.jobs.values()] == [
        JobState.GONE,
        JobState.DONE,
        JobState.DONE,
    ]


def test_results_that_cannot_be_read_are_asked_for_again(make_rig: MakeRig) -> None:
    """Passing trouble with the results of a job does not repeat the job."""
    rig, jobs = with_jobs(make_rig, 100, script=[JobTrouble.MUTE])

    assert rig.deliver().totals["delivered"] == 100
    assert jobs.calls.count("job_answer") == 2
    assert len(jobs.jobs) == 1


def test_results_that_are_refused_tell_nothing_of_the_rows(make_rig: MakeRig) -> None:
    """A session that ends while results are read leaves the job to be adopted, not done again."""
    rig, jobs = with_jobs(make_rig, 100, script=[JobTrouble.LOCKED_OUT])

    with pytest.raises(Unavailable):
        rig.deliver()

    (batch,) = rig.ledger.batches.of_plan(rig.digest)
    assert (batch.state, batch.job) == (BatchState.IN_DOUBT, "job-1")
    assert rig.deliver(owner="run-2").totals["delivered"] == 100
    assert [job.starts for job in jobs.jobs.values()] == [1]


def test_a_job_that_came_to_no_row_is_halved(make_rig: MakeRig) -> None:
    """Nothing was carried out, so the halves go out in jobs of their own."""
    rig, jobs = with_jobs(make_rig, 100, script=[JobTrouble.FRUITLESS])

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == len(rig.destination.records) == 100
    assert [job.state for job in jobs.jobs.values()] == [
        JobState.FAILED,
        JobState.DONE,
        JobState.DONE,
    ]
    assert rig.once_each()


def test_a_vanished_job_leaves_doubt(make_rig: MakeRig) -> None:
    """Nobody repeats what a job may have done that the vendor no longer knows; others go on."""
    rig, jobs = with_jobs(make_rig, 300, script=[JobTrouble.GONE])

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["in_doubt"]) == (200, 100)
    assert not outcomes.settled
    assert rig.deliver(owner="run-2").totals["in_doubt"] == 100
    assert [job.starts for job in jobs.jobs.values()] == [1, 1, 1]
    (fenced,) = rig.ledger.fences.of(SYNC)
    assert fenced.actions == ((0, 99),)


def test_a_pause_between_polls_leaves_the_job_to_be_adopted(make_rig: MakeRig) -> None:
    """Once paused, no further request is made; the job is taken up after the resumption."""
    rig, jobs = with_jobs(make_rig, 100, script=[JobTrouble.STALLED])
    sleep = rig.time.sleep

    async def pause(seconds: float) -> None:
        if rig.time.seconds > 60 and rig.ledger.switches.paused(SYNC, "crm") is None:
            rig.ledger.switches.pause("all", reason="stop", author="operator")
        await sleep(seconds)

    rig.time.sleep = pause  # type: ignore[method-assign]
    with pytest.raises(Paused):
        rig.deliver()

    assert rig.time.seconds < 62
    assert rig.totals()["in_doubt"] == 100
    calls = len(jobs.calls)
    with pytest.raises(Paused):
        rig.deliver(owner="run-2")
    assert len(jobs.calls) == calls
    rig.time.sleep = sleep  # type: ignore[method-assign]
    rig.ledger.switches.resume("all", reason="fine", author="operator")
    jobs.release()
    assert rig.deliver(owner="run-3").totals["delivered"] == 100
    assert [job.starts for job in jobs.jobs.values()] == [1]


def test_a_job_that_takes_too_long_is_left(make_rig: MakeRig) -> None:
    """A delivery waits for a job for a bounded time; the job is taken up by the next one."""
    rig, jobs = with_jobs(make_rig, 100, script=[JobTrouble.STALLED])
    rig.bounds = Bounds(job_seconds=600)

    with pytest.raises(Unavailable, match="not over after"):
        rig.deliver()

    (batch,) = rig.ledger.batches.of_plan(rig.digest)
    assert (batch.state, batch.job) == (BatchState.IN_DOUBT, "job-1")
    jobs.release()
    assert rig.settle().in_doubt == 0
    assert rig.totals()["delivered"] == 100


def crash(rig: Rig, jobs: MemoryJobs, step: str, *, after: bool) -> None:
    """Deliver, and die before or after the first call of that name has reached the vendor."""
    call = getattr(jobs, step)

    def die(*args: object, **options: object) -> object:
        setattr(jobs, step, call)
        if after:
            call(*args, **options)
        raise CrashError

    setattr(jobs, step, die)
    with pytest.raises(CrashError):
        rig.deliver()
    rig.later(seconds=rig.bounds.lease_seconds)
