from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.model import Contract
from activation.gates.ages import FUTURE, judge_age, span
from activation.gates.consent import consent
from activation.gates.freshness import freshness
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
        (NOW - timedelta(hours=31), False, "The newest data is 1 d 7 h old; the limit is 1 d 6 h."),
        (NOW + timedelta(hours=1), False, ("The newest data is 1 h in the future; a clock, a time "
         "zone or a unit is wrong.")),
        (None, False, "Model customer_churn has no row with a scored_at."),
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
