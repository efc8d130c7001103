"""Values that somebody changed in the destination since we wrote them."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation.planning.model import Plan
from activation_tests.planning.shop import NOW, Shop, field, open_shop, update

CITY = [field("City", "city", "text(40)"), field("Score__c", "score", "text(9)")]
LATER = NOW + timedelta(days=1)


def opened(folder: Path, policy: str, **changes: Any) -> Shop:
    """Return a shop whose contract decides conflicts that way; the score is the source's."""
    modified = {"modified": "ModifiedAt"} if policy == "newest_wins" else {}
    conflicts = {"policy": policy, "fields": {"Score__c": "source_wins"}, **modified}
    return open_shop(folder, **{"conflicts": conflicts, "fields": CITY, **changes})


def record(
    key: str | None, city: str | None, *, score: str | None = "1", modified: Any = None
) -> dict[str, Any]:
    """Return a record as the destination holds it."""
    return {
        "sync_key": key,
        "destination_id": "00Q0",
        "City": city,
        "Score__c": score,
        "ModifiedAt": modified,
    }


def outcome(shop: Shop, plan: Plan) -> str:
    """Return what becomes of the city: written, kept, or neither."""
    written = any("City" in a["changed"] for a in shop.actions(plan))
    assert not (written and plan.kept)
    return "written" if written else "kept" if plan.kept else "neither"


# What we delivered last, what the source says now, what the destination holds, and the outcome
# under each policy; the record was changed before our newer version.
_POLICIES = ("destination_wins", "newest_wins", "fill_empty", "three_way")
_W, _K, _N = "written", "kept", "neither"
CASES: dict[tuple[str | None, str | None, str | None], tuple[str, str, str, str]] = {
    ("Ulm", "Bonn", "Ulm"): (_W, _W, _K, _W),  # nobody touched it
    ("Ulm", "Bonn", "Kiel"): (_K, _W, _K, _K),  # a person changed it
    ("Ulm", "Bonn", "Bonn"): (_W, _W, _W, _W),  # a person came to the same
    ("Ulm", "Bonn", None): (_W, _W, _W, _K),  # a person emptied it
    ("Ulm", None, "Ulm"): (_W, _W, _K, _W),  # emptied by us
    ("Ulm", None, "Kiel"): (_K, _W, _K, _K),
    (None, "Bonn", None): (_W, _W, _W, _W),  # filled by us
    (None, "Bonn", "Kiel"): (_K, _W, _K, _K),  # filled by a person before us
    ("Ulm", "Ulm", "Kiel"): (_K, _N, _K, _K),  # only a person changed it
    ("Ulm", "Ulm", "Ulm"): (_N, _N, _N, _N),
}


@pytest.mark.parametrize("policy", _POLICIES)
def test_who_wins(tmp_path: Path, policy: str) -> None:
    """For base, ours and theirs, each policy writes or keeps as it says; the score always goes."""
    shop = opened(tmp_path, policy)
    cases = {f"case{number}": case for number, case in enumerate(CASES)}
    for key, (base, _, _) in cases.items():
        shop.add(key, city=base)
    shop.deliver(shop.plan_against([]), at=NOW - timedelta(hours=1))
    for key, (_, ours, _) in cases.items():
        update(shop, key, city=ours, score="2", updated_at="2026-01-09")
    before = NOW - timedelta(days=3)

    plan = shop.plan_against(
        [record(key, theirs, modified=before) for key, (_, _, theirs) in cases.items()]
    )

    actions = {a["sync_key"]: a["changed"] for a in shop.actions(plan)}
    assert all("Score__c" in changed for changed in actions.values())
    kept = dict(shop.sql("SELECT sync_key, field FROM activation.kept_lead_scores"))
    found = {
        case: _W if "City" in actions[key] else _K if kept.get(key) == "City" else _N
        for key, case in cases.items()
    }
    assert found == {case: by[_POLICIES.index(policy)] for case, by in CASES.items()}
    assert plan.kept.get("City", 0) == len(kept)


def test_an_older_version_does_not_win_as_newest(tmp_path: Path) -> None:
    """What was changed there after our version stays; what was not touched is ours anyway."""
    shop = opened(tmp_path, "newest_wins")
    for key in ("touched", "same"):
        shop.add(key)
    shop.deliver(shop.plan_against([]), at=NOW - timedelta(hours=1))
    for key in ("touched", "same"):
        update(shop, key, city="Bonn", updated_at="2026-01-09")
    edited = NOW - timedelta(hours=2)

    plan = shop.plan_against(
        [record("touched", "Kiel", modified=edited), record("same", "Ulm", modified=edited)]
    )

    assert [(a["sync_key"], a["changed"]) for a in shop.actions(plan)] == [("same", ["City"])]
    assert shop.counted(plan) == {"update held kept": 1, "update send": 1}


def test_what_stays_is_listed_and_leaves_the_list(tmp_path: Path) -> None:
    """A kept value is told by field, stands in the list by key, and goes when it is no conflict."""
    shop = opened(tmp_path, "three_way")
    shop.add("a")
    shop.add("b")
    shop.deliver(shop.plan_against([]), at=NOW - timedelta(hours=1))
    for key in "ab":
        update(shop, key, city="Bonn", score="2", updated_at="2026-01-06")

    plan = shop.plan_against([record("a", "Kiel"), record("b", "Ulm")])

    assert plan.kept == {"City": 1}
    listed = "SELECT sync_key, field, policy, plan_digest FROM activation.kept_lead_scores"
    assert shop.sql(listed) == [("a", "City", "three_way", plan.digest)]
    shop.deliver(plan)
    update(shop, "a", city="Kiel", score="3", updated_at="2026-01-07")
    later = shop.plan_against([record("a", "Kiel", score="2")], now=LATER)
    assert later.kept == {}
    assert shop.sql(listed) == []
    shop.deliver(later, at=LATER)
    # Both came to the same value, so that it is ours to move on from there.
    update(shop, "a", city="Hamm", updated_at="2026-01-08")
    assert shop.plan_against([record("a", "Kiel", score="3")], now=LATER).kept == {}


def test_a_row_of_which_nothing_is_written_waits_and_is_read_once(tmp_path: Path) -> None:
    """It is held as kept, and not read again until its source changes."""
    shop = opened(tmp_path, "three_way")
    shop.add("a")
    shop.deliver(shop.plan_against([]), at=NOW - timedelta(hours=1))
    update(shop, "a", city="Bonn", updated_at="2026-01-06")
    there = [record("a", "Kiel")]
    assert shop.counted(shop.plan_against(there, freeze=False)) == {"update held kept": 1}
    assert shop.counted(shop.plan_against(there)) == {"update held kept": 1}
    assert shop.asked.keys == ("a",)

    assert shop.plan_against(there).rows() == 0
    assert shop.asked.keys == ()

    update(shop, "a", city="Hamm", updated_at="2026-01-07")
    assert shop.counted(shop.plan_against([record("a", "Ulm")])) == {"update send": 1}


def test_a_record_that_is_gone_is_made_whole(tmp_path: Path) -> None:
    """A changed row whose record was deleted is not made of its changed fields alone."""
    shop = opened(tmp_path, "three_way")
    shop.add("a")
    shop.deliver(shop.plan_against([]), at=NOW - timedelta(hours=1))
    update(shop, "a", city="Bonn", updated_at="2026-01-06")

    (action,) = shop.actions(shop.plan_against([]))

    assert action["changed"] == ["City", "Score__c"]


def test_a_value_that_does_not_fit_our_type_is_a_value(tmp_path: Path) -> None:
    """What a person wrote beyond our type is neither empty nor overwritten."""
    fields = [field("City", "city", "decimal(4,2)")]
    shop = opened(tmp_path, "destination_wins", fields=fields, conflicts={"policy": "three_way"})
    shop.add("a", city="1.50")
    shop.deliver(shop.plan_against([]), at=NOW - timedelta(hours=1))
    update(shop, "a", city="2.50", updated_at="2026-01-06")

    assert outcome(shop, shop.plan_against([record("a", "1.5")])) == "written"
    assert outcome(shop, shop.plan_against([record("a", "123456.00")])) == "kept"


def test_what_was_written_just_now_is_read_later(tmp_path: Path) -> None:
    """While reads may lag behind our own write, a changed row waits."""
    shop = opened(tmp_path, "three_way")
    traits = replace(shop.facts.traits, read_lag=timedelta(minutes=1))
    shop.facts = replace(shop.facts, traits=traits)
    shop.add("a")
    shop.deliver(shop.plan_against([]), at=NOW - timedelta(seconds=30))
    update(shop, "a", city="Bonn", updated_at="2026-01-06")

    assert shop.counted(shop.plan_against([record("a", None)])) == {"update held settling": 1}
    assert shop.asked.keys == ()
    soon = NOW + timedelta(minutes=1)
    assert shop.counted(shop.plan_against([record("a", "Ulm")], now=soon)) == {"update send": 1}


def test_an_adopted_record_is_compared_before_it_is_written(tmp_path: Path) -> None:
    """It gets our key alone, and its values are decided on by the next plan."""
    shop = opened(tmp_path, "three_way", identity=["City"])
    shop.add("a", city="Ulm", score="7")
    plan = shop.plan_against([record(None, "ulm", score="5")])
    (action,) = shop.actions(plan)
    assert (action["verb"], action["changed"], action["destination_id"]) == ("update", [], "00Q0")
    shop.deliver(plan, at=NOW - timedelta(hours=1))

    following = shop.plan_against([record("a", "ulm", score="5")])

    (action,) = shop.actions(following)
    assert action["changed"] == ["Score__c"]
    assert following.kept == {"City": 1}


VALUE = st.sampled_from(["Ulm", "Bonn", "Kiel", None])
DAY = st.fixed_dictionaries({"ours": VALUE, "edit": st.sampled_from([*"UBK", "none", "no"])})
_EDITS = {"U": "Ulm", "B": "Bonn", "K": "Kiel", "none": None}


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["three_way", "fill_empty"]), st.lists(DAY, min_size=2, max_size=4))
def test_no_edit_is_ever_lost(policy: str, days: list[dict[str, Any]]) -> None:
    """Over any days, a value that is not the one we wrote last stays, but for an empty one."""
    with tempfile.TemporaryDirectory() as folder:
        shop = opened(Path(folder), policy)
        held: dict[str, Any] = {}
        ours = None
        shop.add("a", score="0")
        for day, step in enumerate(days, 2):
            if held and step["edit"] != "no":
                held["City"] = _EDITS[step["edit"]]
            update(shop, "a", city=step["ours"], score=str(day), updated_at=f"2026-01-0{day}")
            moment = NOW + timedelta(days=day)
            shop.sql("UPDATE marts.consents SET loaded_at = $now", {"now": moment})
            there = [record("a", held["City"], score=held["Score__c"])] if held else []
            before, base = held.get("City"), ours
            plan = shop.plan_against(there, now=moment)
            for action in shop.actions(plan):
                held |= {name: action[name] for name in action["changed"]}
                ours = action["City"] if "City" in action["changed"] else ours
            may_fill = policy == "fill_empty" and before is None
            if there and before != base and not may_fill:
                assert held["City"] == before
                assert bool(plan.kept) is (before != step["ours"])
            shop.deliver(plan, at=moment)
        shop.held_open.close()
