"""What may be done about a request that nobody answered: pure decisions by endpoint class."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from activation.destinations.traits import Acknowledgement, EndpointClass, Traits, Verb

FOR_GOOD = datetime(9999, 12, 31, tzinfo=UTC)
"""The fence of what only a human can settle."""


def fence_of_intent(traits: Traits, deadline: datetime) -> datetime:
    """
    Return until when the keys of a batch are fenced if its sender dies now.

    A keyed upsert does no harm when its keys are planned anew after the horizon; a creation may
    have made records that we would make again.  Of a job without an id nothing was carried out.
    """
    if traits.endpoint_class is EndpointClass.JOB or does_no_harm(traits):
        return deadline + traits.horizon
    return FOR_GOOD


def fence_of_attempt(traits: Traits, deadline: datetime) -> datetime:
    """Return until when an attempt that nobody answered may take effect."""
    if traits.endpoint_class is EndpointClass.IDEMPOTENT_CREATE or does_no_harm(traits):
        return deadline + traits.horizon
    return FOR_GOOD


def fence_of_doubt(traits: Traits, fence: datetime | None) -> datetime | None:
    """Return until when the keys of a batch are fenced that does not go again in this delivery."""
    return fence if fence is None or does_no_harm(traits) else FOR_GOOD


def fence_of_answer(traits: Traits, fence: datetime | None, now: datetime) -> datetime | None:
    """
    Return until when the keys of what was just accepted are fenced.

    Where success means queued, what was accepted may take effect as late as what was not answered.
    """
    if traits.acknowledges is Acknowledgement.APPLIED:
        return fence
    until = now + traits.horizon
    return until if fence is None else max(fence, until)


def same_bytes_may_go(
    traits: Traits, *, first_at: datetime | None, now: datetime, seconds: float
) -> bool:
    """
    Return whether the same bytes may be sent again to an endpoint that may have applied them.

    Args:
        traits: of the endpoint.
        first_at: when they were first about to be sent; None if nobody knows.
        now: the time.
        seconds: within which the repetition would be sent.
    """
    match traits.endpoint_class:
        case EndpointClass.KEYED_UPSERT:
            return True
        case EndpointClass.IDEMPOTENT_CREATE:
            # The vendor's key must outlive the last moment at which the request may take effect.
            last = now + timedelta(seconds=seconds) + traits.horizon
            return first_at is not None and last < first_at + traits.key_life
        case _:
            return False


def does_no_harm(traits: Traits) -> bool:
    """Return whether rows may be written twice: under their key, and not as new records."""
    if traits.endpoint_class is EndpointClass.JOB:
        return traits.verbs != {Verb.CREATE}
    return traits.endpoint_class is EndpointClass.KEYED_UPSERT
