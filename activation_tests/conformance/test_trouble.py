"""The vendor, the line or the credentials give out."""

import pytest

from activation.destinations.base import Fate
from activation.errors import AccessRefused, Applied, QuotaRefused, Throttled, Transient
from activation_tests.conformance.stage import Stage, delivered
from activation_tests.conformance.subject import Trouble


def test_outage(stage: Stage) -> None:
    """A vendor that turns a request away has written nothing, and says so."""
    _passes(stage, Trouble.DOWN, applied=Applied.NO)


def test_lost_request(stage: Stage) -> None:
    """A request that never arrived is passing trouble."""
    _passes(stage, Trouble.LOST_REQUEST)


def test_lost_answer(stage: Stage) -> None:
    """A line that drops after the write leaves a doubt, which a second attempt settles."""
    _passes(stage, Trouble.LOST_ANSWER, applied=Applied.UNKNOWN)


def test_time_out_after_apply(stage: Stage) -> None:
    """An answer that does not come in time leaves a doubt, which a second attempt settles."""
    stage.subject.arrange(Trouble.SILENCE, seconds=60)
    attempt = stage.attempt(stage.rows(3))

    with pytest.raises(Transient) as caught:
        attempt.run(seconds=0.5)

    assert caught.value.applied is Applied.UNKNOWN
    stage.time.pass_(60)
    assert delivered(attempt.run()) == [True] * 3
    assert stage.count() == 3


def test_server_error_after_apply(stage: Stage) -> None:
    """A server that fails after the write leaves a doubt, which a second attempt settles."""
    _passes(stage, Trouble.BROKEN, applied=Applied.UNKNOWN)


@pytest.mark.parametrize("kind", ["truncated", "html", "empty"])
def test_garbled_answer(stage: Stage, kind: str) -> None:
    """An answer that cannot be read vouches for no row that it lacks; a second one settles it."""
    stage.subject.arrange(Trouble.GARBLED, kind=kind)
    attempt = stage.attempt(stage.rows(3))

    try:
        vouched = delivered(attempt.run())
        assert not all(vouched)
        assert all(
            stage.stored(key) for key, good in zip(stage.keys(3), vouched, strict=True) if good
        )
    except Transient as error:
        # Either is right; but of a job, reading its results again is no doubt about rows.
        assert error.applied is Applied.UNKNOWN or attempt.job  # noqa: PT017

    assert delivered(attempt.run()) == [True] * 3
    assert stage.count() == 3


def test_rate_limit_of_each_kind(stage: Stage) -> None:
    """Each limit that is not the day's turns a request away, for a while and unwritten."""
    assert stage.subject.paces
    for number, fault in enumerate(stage.subject.paces.values()):
        stage.subject.limit(fault)
        attempt = stage.attempt(stage.rows(1, first=number))

        with pytest.raises(Transient) as caught:
            attempt.run()

        # What slows the bucket down is a limit, or says when to come back.
        assert isinstance(caught.value, Throttled) or caught.value.retry_after
        assert caught.value.applied is Applied.NO
        assert stage.stored(stage.subject.key(number)) is None
        stage.time.pass_(caught.value.retry_after or 0)
        assert delivered(attempt.run()) == [True]


def test_daily_quota(stage: Stage) -> None:
    """The day's end is told from all other limits, and nothing is written."""
    stage.subject.arrange(Trouble.QUOTA)
    attempt = stage.attempt(stage.rows(2))

    with pytest.raises(QuotaRefused):
        attempt.run()

    assert stage.count() == 0
    assert delivered(attempt.run()) == [True] * 2


def test_access_that_expires(stage: Stage) -> None:
    """An access that ran out is renewed unnoticed, or refused as what it is."""
    assert delivered(stage.carry(stage.rows(1))) == [True]
    stage.subject.arrange(Trouble.EXPIRED)
    attempt = stage.attempt(stage.rows(2))

    if not stage.subject.renews_access:
        with pytest.raises(AccessRefused):
            attempt.run()
        assert stage.count() == 1

    assert delivered(attempt.run()) == [True] * 2


def test_access_refused_for_good(stage: Stage) -> None:
    """Credentials that are refused again and again end in an error, not in requests."""
    assert delivered(stage.carry(stage.rows(1))) == [True]
    before = stage.subject.writes()
    for _ in range(50):
        stage.subject.arrange(Trouble.EXPIRED)

    with pytest.raises(AccessRefused):
        stage.carry(stage.rows(2))

    assert stage.subject.writes() - before <= 6
    assert stage.count() == 1


def test_locked_rows(stage: Stage) -> None:
    """A row that somebody else holds may pass later, as it is."""
    stage.subject.arrange(Trouble.LOCKED)
    attempt = stage.attempt(stage.rows(2))

    results = attempt.run()

    assert [r.error.fate for r in results if r.error] == [Fate.RETRYABLE] * 2
    assert delivered(stage.carry(stage.rows(2))) == [True] * 2


def _passes(stage: Stage, trouble: Trouble, *, applied: Applied | None = None) -> None:
    """Hold that the trouble is passing, and that a second attempt writes each row once."""
    stage.subject.arrange(trouble)
    attempt = stage.attempt(stage.rows(3))

    with pytest.raises(Transient) as caught:
        attempt.run()

    assert applied in (None, caught.value.applied)
    assert delivered(attempt.run()) == [True] * 3
    assert stage.count() == 3
