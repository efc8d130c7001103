"""What each verdict carries: people, checks in the UI and alerts read it by name."""

from datetime import timedelta
from typing import Any

import pytest

from activation.contract.model import Contract
from activation.gates.evaluate import evaluate
from activation.gates.verdict import Gate, Verdict
from activation.planning.model import ActionCount, Disposition, Plan
from activation_tests.gates.conftest import NOW, amended, contact, plan

GUARDED = ("changed", "created", "cleared", "deleted", "revoked", "lost")


def judged(contract: Contract, made: Plan, gate: Gate, paused: str | None = None) -> Verdict:
    """Return the verdict of one gate."""
    verdicts = evaluate(contract, made, schema=contact(), paused=paused, now=NOW)
    return next(verdict for verdict in verdicts if verdict.gate is gate)


def blast(**rows: Any) -> dict[str, Any]:
    """Return the evidence of the blast radius of a plan of 1,000 source rows."""
    nothing = {name: 0 for guarded in GUARDED for name in (guarded, f"{guarded}_allowed")}
    return {
        "delivered_before": 0,
        "source_rows": 1000,
        "created_in_all_phases": 0,
        "late": 0,
        "mapping_changed": False,
        "hash_changed": False,
        "plans_compared": 0,
        **nothing,
        "revoked_allowed": 25,
        **rows,
    }


def test_ages_are_told_in_minutes(demo: Contract) -> None:
    """Freshness tells the newest moment, its age and the limit, to a tenth of a minute."""
    newest = NOW - timedelta(minutes=61, seconds=3)
    made = plan({"newest_version": newest})

    verdict = judged(demo, made, Gate.FRESHNESS)

    minutes = demo.freshness.max_age / timedelta(minutes=1)
    assert verdict.evidence == {
        "rows": 1000,
        "young_until": (
            NOW - timedelta(minutes=61, seconds=3) + demo.freshness.max_age
        ).isoformat(),
        "newest": (NOW - timedelta(minutes=61, seconds=3)).isoformat(),
        "age_minutes": 61.0,
        "limit_minutes": minutes,
    }
    exact = amended(demo, "freshness", max_age="5460s")
    assert judged(exact, made, Gate.FRESHNESS).evidence["limit_minutes"] == 91.0
    odd = plan({"newest_version": NOW - timedelta(seconds=75)})
    assert judged(demo, odd, Gate.FRESHNESS).evidence["age_minutes"] == pytest.approx(1.2)
    limit = amended(demo, "freshness", max_age="75s")
    assert judged(limit, odd, Gate.FRESHNESS).evidence["limit_minutes"] == pytest.approx(1.2)


def test_a_model_without_a_version_is_told(demo: Contract) -> None:
    """Without any newest moment, the rows are what is known."""
    verdict = judged(demo, plan({"newest_version": None}), Gate.FRESHNESS)

    assert verdict.passed is False
    assert verdict.evidence == {"rows": 1000, "fresh_at": "2026-03-03T06:00:00+00:00"}
    assert "has no row with a" in verdict.summary


@pytest.mark.parametrize(
    ("source", "said", "step"),
    [
        ({}, "Each of 1,000 rows has a key of its own.", None),
        (
            {"null_keys": 1},
            "0.1 % of 1,000 rows have no key of their own (1 empty, 0 repeated)",
            None,
        ),
        (
            {"repeated_keys": 999},
            "99.9 % of 1,000 rows have no key",
            "customer_id must be filled and unique in customer_churn.",
        ),
        ({"missing_columns": ("a", "b")}, "lacks a, b, which is mapped", "activation validate"),
    ],
)
def test_the_grain_is_told(
    demo: Contract, source: dict[str, Any], said: str, step: str | None
) -> None:
    """Grain tells the rows, those without a key of their own, and how many may be."""
    loose = amended(demo, "guards", grain="1%")

    verdict = judged(loose, plan(source), Gate.GRAIN)

    assert said in verdict.summary
    assert (step is None) if verdict.next_step is None else (step and step in verdict.next_step)
    missing = list(source.get("missing_columns", ()))
    assert verdict.evidence == {
        "rows": 1000,
        "null_keys": source.get("null_keys", 0),
        "repeated_keys": source.get("repeated_keys", 0),
        "folded_keys": 0,
        "allowed": 10,
        "respelled_keys": 0,
        "reminted_keys": 0,
        "reminted_allowed": 0,
        "missing_columns": missing,
        **({"final": True} if missing else {}),
    }


def test_columns_of_a_key_are_listed(demo: Contract) -> None:
    """Where a key has several columns, all of them are named."""
    wide = amended(demo, "source", grain=["customer_id", "region"])

    verdict = judged(wide, plan({"null_keys": 999}), Gate.GRAIN)

    assert verdict.next_step
    assert "customer_id, region must be filled" in verdict.next_step


def test_blocked_rows_are_counted_by_reason(demo: Contract) -> None:
    """Consent tells the age of its model, and how many rows it blocks for which reason."""
    counts = tuple(
        ActionCount("update", Disposition.BLOCKED, reason, rows)
        for reason, rows in (("denied", 3), (None, 2), ("denied", 1))
    )

    verdict = judged(demo, plan(counts=counts), Gate.CONSENT)

    assert verdict.summary.endswith("Blocked: 4 denied, 2 unknown.")
    assert verdict.summary.startswith("Consent of customer_consent is 1 h old")
    rows = {name: value for name, value in verdict.evidence.items() if "blocked" in name}
    assert rows == {"blocked": 6, "blocked_denied": 4, "blocked_unknown": 2}
    assert {"newest", "age_minutes", "limit_minutes"} < verdict.evidence.keys()


def test_several_consent_models_are_told_apart(demo: Contract) -> None:
    """Each is named in the evidence, and only those that fail in the sentence."""
    sources = demo.model_dump(mode="json")["consent"]["sources"]
    several = amended(demo, "consent", sources=[*sources, {**sources[0], "model": "other"}])
    hour = NOW - timedelta(hours=1)

    good = judged(
        several, plan({"consents": {"customer_consent": hour, "other": hour}}), Gate.CONSENT
    )
    bad = judged(several, plan({"consents": {}}), Gate.CONSENT)

    assert good.summary.startswith("Each of 2 consent models is young enough.")
    assert "other_newest" in good.evidence
    assert bad.passed is False
    assert bad.next_step == (
        "Build consent again: `dbt build --select +customer_consent +other`, then plan again."
    )


def test_no_consent_is_a_verdict_too(demo: Contract) -> None:
    """Where nobody is written about, the gate passes under its own name."""
    plain = demo.model_dump(mode="json")
    plain |= {
        "consent": {"subject": "none"},
        "fields": [f | {"data_class": "none"} for f in plain["fields"]],
    }

    verdict = judged(Contract.model_validate(plain), plan(), Gate.CONSENT)

    assert verdict.passed is True
    assert "is not about people" in verdict.summary


def test_the_blast_radius_is_told_in_rows(demo: Contract) -> None:
    """Each guard with its rows and how many it allows, whether it passes or not."""
    guards = dict.fromkeys(GUARDED, "10%")
    contract = amended(demo, "guards", **guards)
    rows = {"changed": 100, "created_in_loaded_phases": 5, "cleared": 4, "deleted": 3, "lost": 2}
    made = plan(blast={"delivered_before": 1000, "created": 7, "late": 6, **rows})
    expected = blast(
        delivered_before=1000,
        created_in_all_phases=7,
        late=6,
        changed=100,
        created=5,
        cleared=4,
        deleted=3,
        lost=2,
        **{f"{name}_allowed": 100 for name in GUARDED},
    )

    within = judged(contract, made, Gate.BLAST_RADIUS)
    tight = amended(contract, "guards", changed="9.9%")
    beyond = judged(tight, made, Gate.BLAST_RADIUS)

    assert (within.passed, beyond.passed) == (True, False)
    assert "100 of 1,000 delivered rows would change; within every guard; fewer" in within.summary
    assert within.evidence == expected
    assert beyond.evidence == expected | {"changed_allowed": 99}
    first = judged(contract, plan(blast={"created": 9}), Gate.BLAST_RADIUS)
    assert first.evidence == blast(created_in_all_phases=9)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"mapping_changed": True}, "because the contract's fields changed since"),
        ({"hash_changed": True}, "because the row hash changed since"),
        ({}, "let somebody who answers for it approve this very plan"),
    ],
)
def test_a_new_mapping_is_the_first_suspect(
    demo: Contract, changed: dict[str, Any], cause: str
) -> None:
    """Many changed rows have a cause that the plan knows of."""
    made = plan(blast={"delivered_before": 10, "deleted": 10}, **changed)

    verdict = judged(demo, made, Gate.BLAST_RADIUS)

    assert verdict.next_step
    assert cause in verdict.next_step
    flags = {name: verdict.evidence[name] for name in ("mapping_changed", "hash_changed")}
    assert flags == {"mapping_changed": False, "hash_changed": False} | changed


def test_an_empty_model_is_told_first(demo: Contract) -> None:
    """Of several breaches, that the model is empty explains the others."""
    made = plan({"rows": 0}, blast={"delivered_before": 10, "lost": 10})

    verdict = judged(demo, made, Gate.BLAST_RADIUS)

    assert verdict.summary.startswith("Model customer_churn is empty and 10 rows are out; ")


def test_the_schema_s_problems_are_counted(demo: Contract) -> None:
    """The first problem is told, the number of the others, and all of them in the evidence."""
    fields = len(demo.fields)
    good = judged(demo, plan(), Gate.SCHEMA)
    one = judged(demo, plan(values={"Churn_Band__c": ("Severe",)}), Gate.SCHEMA)

    assert good.evidence == {"fields": fields, "changed": []}
    assert one.passed is False
    assert one.evidence["fields"] == fields
    assert len(one.evidence["problems"]) == 1  # type: ignore[arg-type]
    assert "more" not in one.summary


def test_the_kill_switch_says_what_it_is(demo: Contract) -> None:
    """Both ways it is told in a sentence, and how to undo it."""
    off, on = (judged(demo, plan(), Gate.KILL_SWITCH, paused) for paused in (None, "all: why"))

    assert (off.passed, off.summary) == (True, "Sending is not paused.")
    assert on.passed is False
    assert on.next_step
    assert "`activation resume` what was paused" in on.next_step
