from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.model import Contract
from activation.gates.ages import FUTURE, judge_age, span
from activation.gates.consent import consent
from activation.gates.freshness import freshness
from activation.gates.past import Last, Past
from activation.planning.model import ActionCount, Disposition
from activation_tests.gates.conftest import NOW, amended, plan

LENGTHS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400))


@given(age=LENGTHS, limit=LENGTHS)
def test_data_is_young_enough_up_to_its_limit(age: timedelta, limit: timedelta) -> None:
    """Data passes if and only if it is at most as old as the limit."""
    assert judge_age("it", NOW - age, limit, NOW).passed is (age <= limit)


@given(ahead=LENGTHS, limit=LENGTHS)
def test_data_may_be_five_minutes_ahead(ahead: timedelta, limit: timedelta) -> None:
    """Clocks differ a little; data that is more than five minutes ahead is wrong."""
    judged = judge_age("it", NOW + ahead, limit, NOW)

    assert judged.passed is (ahead <= FUTURE)
    assert ("in the future" in judged.sentence) is (ahead > FUTURE)


@given(limit=LENGTHS)
def test_the_limit_is_exact(limit: timedelta) -> None:
    """Exactly the limit passes; a microsecond more fails."""
    assert judge_age("it", NOW - limit, limit, NOW).passed
    assert not judge_age("it", NOW - limit - timedelta(microseconds=1), limit, NOW).passed
    assert judge_age("it", NOW + FUTURE, limit, NOW).passed
    assert not judge_age("it", NOW + FUTURE + timedelta(microseconds=1), limit, NOW).passed


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=5, seconds=1), "5 min 1 s"),
        (timedelta(hours=30), "1 d 6 h"),
        (timedelta(hours=31, minutes=5), "1 d 7 h"),
        (timedelta(days=2, minutes=5), "2 d"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(length: timedelta, text: str) -> None:
    """People read days and hours, or hours and minutes."""
    assert span(length) == text


@pytest.mark.parametrize(
    ("newest", "passed", "said"),
    [
        (NOW - timedelta(hours=2), True, "The newest data is 2 h old; the limit is 1 d 6 h."),
        (NOW - timedelta(hours=31), False, ("The newest data is 1 d 7 h old; the limit is 1 d 6 h. "
         "The next run, which builds it, is due at 2026-03-03 06:00 UTC.")),
        (NOW + timedelta(hours=1), False, ("The newest data is 1 h in the future; a clock, a time "
         "zone or a unit is wrong.")),
        (None, False, ("Model customer_churn has no row with a scored_at. The next run, which "
         "builds it, is due at 2026-03-03 06:00 UTC.")),
    ],
)  # fmt: skip
def test_freshness_tells_age_and_limit(
    demo: Contract, *, newest: datetime | None, passed: bool, said: str
) -> None:
    """The gate's sentence has the age and the limit."""
    verdict = freshness(demo, plan({"newest_version": newest}), NOW)

    assert (verdict.passed, verdict.summary) == (passed, said)
    assert (verdict.next_step is None) is passed


def test_freshness_has_its_numbers(demo: Contract) -> None:
    """The evidence has age and limit in minutes."""
    verdict = freshness(demo, plan(), NOW)

    assert verdict.evidence["age_minutes"] == 60
    assert verdict.evidence["limit_minutes"] == 1800


def referring(demo: Contract, **freshness: Any) -> Contract:
    """Return the contract with a reference model that may be two hours old."""
    rates = {"model": "rates", "column": "as_of", "max_age": "2h"}
    return amended(demo, "freshness", references=[rates], **freshness)


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        (NOW - timedelta(hours=2), None),
        (NOW - timedelta(hours=2, microseconds=1), "Reference model rates is 2 h old"),
        (None, "Reference model rates has no row with a as_of"),
        (NOW + timedelta(hours=1), "Reference model rates is 1 h in the future"),
    ],
)
def test_each_reference_model_has_its_own_limit(
    demo: Contract, newest: datetime | None, said: str | None
) -> None:
    """A model that the source is made with must be young enough by its own limit, exactly."""
    verdict = freshness(referring(demo), plan({"references": {"rates": newest}}), NOW)

    assert verdict.passed is (said is None)
    assert verdict.summary.startswith(said or "The newest data is 1 h old")
    if said is not None:
        assert "dbt build --select +rates`" in (verdict.next_step or "")


def test_it_is_told_until_when_data_is_young_enough(demo: Contract) -> None:
    """The evidence has the moment from which the first of the models would be too old."""
    contract = referring(demo)
    newest = {"references": {"rates": NOW - timedelta(minutes=30)}}

    verdict = freshness(contract, plan(newest), NOW)

    assert verdict.evidence["young_until"] == (NOW + timedelta(minutes=90)).isoformat()


def test_it_is_told_when_data_will_be_fresh(demo: Contract) -> None:
    """The next run by the contract's schedule builds the model; without one nothing is told."""
    old = plan({"newest_version": NOW - timedelta(days=3)})
    by_hand = Contract.model_validate(demo.model_dump(mode="json") | {"schedule": None})

    assert freshness(demo, old, NOW).evidence["fresh_at"] == "2026-03-03T06:00:00+00:00"
    assert "fresh_at" not in freshness(by_hand, old, NOW).evidence


def test_data_goes_forward(demo: Contract) -> None:
    """A model that reaches less far than the last plan that was delivered is an old snapshot."""
    reached = plan().source.newest_version
    assert reached is not None

    same = freshness(demo, plan(), NOW, Past(last=Last(NOW, reached)))
    earlier = freshness(demo, plan(), NOW, Past(last=Last(NOW, reached + timedelta(seconds=1))))

    assert same.passed
    assert not earlier.passed
    assert "an old snapshot, or a time zone" in earlier.summary


@pytest.mark.parametrize("strict", [True, False])
def test_nobody_approves_a_stale_segment_of_a_campaign(demo: Contract, *, strict: bool) -> None:
    """Where the contract is strict the verdict is final; elsewhere somebody may answer for it."""
    old = plan({"newest_version": NOW - timedelta(days=3)})

    verdict = freshness(amended(demo, "freshness", strict=strict), old, NOW)

    assert bool(verdict.evidence.get("final")) is strict
    assert ("activation approve" in (verdict.next_step or "")) is not strict


BLOCKED = (
    ActionCount("create", Disposition.BLOCKED, "missing", 1000),
    ActionCount("update", Disposition.BLOCKED, "denied", 3),
    ActionCount("create", Disposition.BLOCKED, "denied", 1),
    ActionCount("create", Disposition.SEND, None, 5),
)


def test_blocked_rows_do_not_fail_consent(demo: Contract) -> None:
    """Rows that are blocked one by one are counted by reason; the gate passes."""
    verdict = consent(demo, plan(counts=BLOCKED), NOW)

    assert verdict.passed
    assert verdict.summary == (
        "Consent of customer_consent is 1 h old; the limit is 1 d 12 h. "
        "Blocked: 4 denied, 1,000 missing."
    )
    assert verdict.evidence["blocked"] == 1004
    assert verdict.evidence["blocked_denied"] == 4


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        (None, "Consent model customer_consent is empty"),
        (NOW - timedelta(hours=36, seconds=1), "Consent of customer_consent is 1 d 12 h old"),
        (NOW + timedelta(hours=1), "Consent of customer_consent is 1 h in the future"),
    ],
)
def test_consent_must_be_known_and_current(
    demo: Contract, newest: datetime | None, said: str
) -> None:
    """Missing, outdated or impossible consent fails the gate and says how to build it."""
    verdict = consent(demo, plan({"consents": {"customer_consent": newest}}, counts=BLOCKED), NOW)

    assert not verdict.passed
    assert verdict.summary.startswith(said)
    assert verdict.evidence["blocked_missing"] == 1000
    assert "customer_consent" in (verdict.next_step or "")


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        ({}, "Each of 2 consent models is young enough. Blocked: no row."),
        (
            {"calls": NOW - timedelta(hours=3)},
            "Consent of calls is 3 h old; the limit is 2 h. Blocked: no row.",
        ),
        (
            {"calls": None, "customer_consent": NOW - timedelta(hours=40)},
            (
                "Consent of customer_consent is 1 d 16 h old; the limit is 1 d 12 h. Consent model "
                "calls is empty, so nobody may be written about. Blocked: no row."
            ),
        ),
    ],
)
def test_each_consent_model_has_its_own_limit(
    demo: Contract, newest: dict[str, datetime | None], said: str
) -> None:
    """Every model that is too old or empty fails the gate, and only those are built again."""
    sources = demo.model_dump(mode="json")["consent"]["sources"]
    calls = {"model": "calls", "join": {"customer_id": "customer_id"}, "max_lag": "2h"}
    contract = amended(demo, "consent", sources=[*sources, calls])
    known = {"customer_consent": NOW - timedelta(hours=30), "calls": NOW - timedelta(hours=1)}

    verdict = consent(contract, plan({"consents": known | newest}), NOW)

    assert (verdict.passed, verdict.summary) == (not newest, said)
    for model in newest:
        assert f"+{model}" in (verdict.next_step or "")


def test_no_consent_is_asked_for_where_nobody_is_meant(demo: Contract) -> None:
    """An object that is not about people passes without a consent model, and says so."""
    plain = demo.model_dump(mode="json")
    fields = [field for field in plain["fields"] if field["data_class"] == "none"]
    account = Contract.model_validate(plain | {"consent": {"subject": "none"}, "fields": fields})

    verdict = consent(account, plan({"consents": {}}), NOW)

    assert verdict.passed
    assert verdict.summary == "No consent is asked for: Contact is not about people."
