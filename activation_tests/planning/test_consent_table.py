"""Consent from three sources: the full truth table, in the plan and in the second look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import product

import pytest

from activation.planning.model import BlockedReason, Disposition, Models, Plan, PlanInputs
from activation.planning.planner import make_plan
from activation.planning.withdrawals import withdrawn
from activation.warehouse.port import Relation
from activation_tests.planning.shop import LEADS, NOW, Shop, open_shop

SOURCES = ("consents", "calls", "opt_outs")
RELATIONS = tuple(Relation("marts", source) for source in SOURCES)
ANSWERS = ("granted", "denied", "unknown", "sometimes", None)
"""What a source may say of a person: the three words, another one, nothing."""
STALE = [frozenset(s for s, old in zip(SOURCES, olds, strict=True) if old)
         for olds in product((False, True), repeat=3)]  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a shop with one lead for each combination of answers."""
    sources = [
        {"model": source, "join": {"lead_id": "lead_id"}, "max_lag": "2d"} for source in SOURCES
    ]
    consent = {
        "subject": "person",
        "purpose": "sales",
        "channel": "email",
        "sources": sources,
        "on_revoke": {"do": "stop"},
    }
    made = open_shop(tmp_path_factory.mktemp("consent"), consent=consent)
    for source in SOURCES[1:]:
        made.sql(f"CREATE TABLE marts.{source} AS FROM marts.consents LIMIT 0")
    for answers in product(ANSWERS, repeat=3):
        key = "-".join(str(answer) for answer in answers)
        made.add(key, consent=())
        for source, answer in zip(SOURCES, answers, strict=True):
            if answer is not None:
                made.sql(
                    f"INSERT INTO marts.{source} "  # noqa: S608
                    "VALUES ($k, 'sales', 'email', $s, '2026-01-10')",
                    {"k": key, "s": answer},
                )
    yield made
    made.held_open.close()


def expected(answers: tuple[str | None, ...], stale: frozenset[str]) -> str | None:
    """Return why such a row is kept back, said once more in plain words; None if it goes out."""
    heard = [a for source, a in zip(SOURCES, answers, strict=True) if source not in stale]
    if "denied" in heard:
        return BlockedReason.DENIED
    if stale:
        return BlockedReason.STALE
    if "sometimes" in heard:
        return BlockedReason.UNMAPPED
    if "unknown" in heard:
        return BlockedReason.UNKNOWN
    return BlockedReason.MISSING if None in heard else None


def planned(shop: Shop, *, stale: Iterable[str] = ()) -> Plan:
    """Return a frozen plan, made while these sources are too old."""
    for source in SOURCES:
        age = timedelta(days=10 if source in stale else 0)
        shop.sql(
            f"UPDATE marts.{source} SET loaded_at = TIMESTAMP '2026-01-10' - $age",  # noqa: S608
            {"age": age},
        )
    with shop.session() as session:
        return make_plan(
            session,
            shop.contract,
            Models(LEADS, RELATIONS),
            shop.facts,
            phase=shop.contract.rollout.phases[0],
            inputs=PlanInputs(),
            now=NOW,
            freeze=True,
        )


def gone(shop: Shop, plan: Plan) -> frozenset[int]:
    """Return what the second look takes out of the plan."""
    with shop.session() as session:
        return withdrawn(session, shop.contract, RELATIONS, plan.table, NOW)


@pytest.mark.parametrize("stale", STALE, ids=lambda s: "+".join(sorted(s)) or "none")
def test_only_what_all_sources_grant_goes_out(shop: Shop, stale: frozenset[str]) -> None:
    """Of 125 combinations of answers, with any sources stale, one goes out or none does."""
    before = planned(shop)
    plan = planned(shop, stale=stale)

    told = {count.reason: count.rows for count in plan.counts}
    assert told == Counter(expected(answers, stale) for answers in product(ANSWERS, repeat=3))
    assert plan.rows(Disposition.SEND) == (0 if stale else 1)
    assert gone(shop, before) == (frozenset({0}) if stale else frozenset())


def test_a_withdrawal_in_any_source_is_seen_before_sending(shop: Shop) -> None:
    """What one source takes back after the plan was made is not sent."""
    plan = planned(shop)
    for source in SOURCES:
        change = (
            f"UPDATE marts.{source} SET status = $s "  # noqa: S608
            "WHERE lead_id = 'granted-granted-granted'"
        )
        for status in ("denied", "unknown", "sometimes"):
            shop.sql(change, {"s": status})
            assert gone(shop, plan) == {0}
        shop.sql(change, {"s": "granted"})
    assert gone(shop, plan) == frozenset()
