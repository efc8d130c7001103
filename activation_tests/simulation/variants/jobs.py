"""Defects about jobs, whose id must be durable before they can start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from activation.delivery import carrying, doubt, engine, recovery
from activation.delivery.jobs import Jobs
from activation.destinations.base import JobState, JobStatus
from activation_tests.simulation.judge import BOUNDS
from activation_tests.simulation.variants.patches import Variants

_fence_of_attempt = doubt.fence_of_attempt
_reopened = carrying.reopened
_status = Jobs._status
_abandon = Jobs._abandon


async def _id_in_memory(path: Any, parcel: Any, spent: Any, job: str) -> Any:
    deadline = path.clock.now() + timedelta(seconds=BOUNDS.upload_seconds)
    await path.journal.spend(spent)
    return replace(parcel, job=job, fence=_fence_of_attempt(parcel.route.traits, deadline))


async def _job_forgotten(batch: Any, *rest: Any) -> Any:
    return await _reopened(replace(batch, job=None), *rest)


async def _gone_is_open(path: Any, *rest: Any) -> Any:
    status = await _status(path, *rest)
    if isinstance(status, JobStatus) and status.state is JobState.GONE:
        return replace(status, state=JobState.OPEN)
    return status


async def _surely_abandoned(path: Any, *rest: Any) -> bool:
    await _abandon(path, *rest)
    return True


VARIANTS: Variants = {
    "a job started before its id is durable": lambda: [
        patch.object(Jobs, "opened", _id_in_memory),
    ],
    "a job not adopted after a crash": lambda: [
        patch.object(engine, "reopened", _job_forgotten),
        patch.object(recovery, "reopened", _job_forgotten),
    ],
    "a vanished job taken for one that never began": lambda: [
        patch.object(Jobs, "_status", _gone_is_open),
    ],
    "a job replaced that may begin yet": lambda: [
        patch.object(Jobs, "_abandon", _surely_abandoned),
    ],
}
