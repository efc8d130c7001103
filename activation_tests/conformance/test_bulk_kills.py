from pathlib import Path

from activation.sandbox.client import Sandbox
from activation_tests.conformance.bulk_kills import kills
from activation_tests.sandbox.turning_clock import TurningClock

ROWS = 30


def test_no_second_job_for_a_row_that_was_accepted(
    tmp_path: Path, conformance_sandbox: Sandbox, conformance_clock: TurningClock
) -> None:
    """Wherever a job's process dies, its rows come in once, and no job works on them again."""
    found = list(kills(conformance_sandbox.address, conformance_clock, tmp_path, ROWS))

    steps = {kill.step.removeprefix("after ") for kill in found}
    assert {"POST jobs/ingest", "PUT jobs/ingest/{job}/batches", "PATCH jobs/ingest/{job}"} <= steps
    assert {"GET jobs/ingest/{job}", "GET jobs/ingest/{job}/failedResults"} <= steps
    for kill in found:
        assert (kill.delivered, kill.records, kill.worked_on) == (ROWS, ROWS, ROWS), kill.step
        # A job whose id never came, or that never started, is left or aborted, never run.
        assert kill.jobs.count("JobComplete") == 1, kill.step
        assert len(kill.jobs) <= 2
