"""What is planned for the records of people who said no since they were written about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from activation.destinations.traits import Verb
from activation.hash_keys import NO_KEY
from activation.planning.model import BlastRadius, PlanInputs
from activation.planning.withdrawals import withdrawn
from activation.warehouse.port import Relation
from activation_tests.planning.shop import MODELS, NOW, Shop, facts, field, open_shop, update

CONSENT: dict[str, Any] = {
    "subject": "person",
    "purpose": "sales",
    "channel": "email",
    "sources": [{"model": "consents", "join": {"lead_id": "lead_id"}, "max_lag": "2d"}],
}
FIELDS = [
    field("City", "city", "text(40)"),
    field("Email", "email", "text(80)", nulls="keep", data_class="personal"),
    field("Name__c", "lead_id", "text(80)", nulls="hold"),
    field("OptOut__c", "score", "boolean"),
]


def opened(
    folder: Path, on_revoke: Mapping[str, Any], *, changes_only: bool = False, **changes: Any
) -> Shop:
    """Return a shop that has delivered four leads."""
    parts = {"fields": FIELDS, "consent": CONSENT | {"on_revoke": on_revoke}} | changes
    shop = open_shop(folder, **parts)
    shop.facts = facts(changes_only=changes_only)
    for key in "abcd":
        shop.add(key, score="false")
    shop.deliver(shop.plan())
    return shop


def answer(shop: Shop, key: str, status: str) -> None:
    """Let somebody decide otherwise."""
    shop.sql("UPDATE marts.consents SET status = $s WHERE lead_id = $k", {"s": status, "k": key})


@pytest.mark.parametrize(
    ("on_revoke", "mode", "verb", "changed"),
    [
        ({"do": "clear"}, "upsert", Verb.UPDATE, ["City", "Email", "OptOut__c"]),
        ({"do": "clear", "fields": ["Email"]}, "upsert", Verb.UPDATE, ["Email"]),
        ({"do": "opt_out", "set": {"OptOut__c": True}}, "upsert", Verb.UPDATE, ["OptOut__c"]),
        ({"do": "leave"}, "audience", Verb.REMOVE, None),
        ({"do": "archive"}, "upsert", Verb.REMOVE, None),
        ({"do": "delete"}, "mirror", Verb.ERASE, None),
    ],
)
def test_a_withdrawal_is_work_and_comes_first(
    tmp_path: Path,
    on_revoke: dict[str, Any],
    mode: str,
    verb: Verb,
    changed: list[str] | None,
) -> None:
    """The contract says what becomes of the record; it is planned before all else, and once."""
    destination = {"connection": "crm", "object": "Lead", "key": "Lead_Key__c", "mode": mode}
    shop = opened(tmp_path, on_revoke, destination=destination)
    update(shop, "a", city="Bonn")
    update(shop, "d", city="Bonn")
    answer(shop, "d", "denied")

    plan = shop.plan()

    first, second = shop.actions(plan)
    assert (first["sync_key"], first["verb"], first["changed"]) == ("d", verb, changed)
    assert first["destination_id"] == "00Q3"
    assert (first["City"], first["Email"], first["Name__c"]) == (None, None, None)
    assert first["OptOut__c"] is (True if on_revoke["do"] == "opt_out" else None)
    assert (second["sync_key"], second["operation"]) == ("a", "update")
    operation = "update" if verb is Verb.UPDATE else "delete"
    assert shop.counted(plan) == {f"{operation} send revoked": 1, "update send": 1}
    assert (plan.blast.revoked, plan.blast.changed, plan.blast.deleted) == (1, 1, 0)

    shop.deliver(plan)
    assert not [a for a in shop.actions(shop.plan()) if a["sync_key"] == "d"]


def test_who_agrees_again_is_written_again(tmp_path: Path) -> None:
    """After a record was emptied, its row is blocked until its person agrees, and then whole."""
    shop = opened(tmp_path, {"do": "clear"})
    answer(shop, "d", "denied")
    shop.deliver(shop.plan())
    assert shop.counted(shop.plan()) == {"update blocked denied": 1}

    answer(shop, "d", "granted")

    plan = shop.plan()
    assert shop.counted(plan) == {"update send": 1}
    assert shop.actions(plan)[0]["City"] == "Ulm"
    shop.deliver(plan)
    assert shop.plan().rows() == 0


@pytest.mark.parametrize(
    ("change", "planned"),
    [
        ("UPDATE marts.consents SET status = 'unknown'", {}),
        ("UPDATE marts.consents SET status = 'no idea'", {}),
        ("DELETE FROM marts.consents", {}),
        ("UPDATE marts.consents SET status = 'denied', loaded_at = '2026-01-01'", {}),
        ("UPDATE marts.consents SET status = 'denied', purpose = 'research'", {}),
        ("UPDATE marts.consents SET status = ' DENIED '", {"delete send revoked": 4}),
        (
            "INSERT INTO marts.consents VALUES ('b', 'sales', 'email', 'denied', '2026-01-10')",
            {"delete send revoked": 1},
        ),
    ],
)
def test_only_a_no_is_a_no(tmp_path: Path, change: str, planned: dict[str, int]) -> None:
    """Not knowing, other purposes and outdated answers are no withdrawal; one no of many is."""
    shop = opened(tmp_path, {"do": "archive"})
    shop.sql(change)

    assert shop.counted(shop.plan()) == planned


def test_nothing_is_done_where_the_contract_only_stops(tmp_path: Path) -> None:
    """With `stop`, what is there stays, and a changed row is blocked."""
    shop = opened(tmp_path, {"do": "stop"})
    answer(shop, "a", "denied")
    assert shop.plan().rows() == 0
    update(shop, "a", city="Bonn")

    assert shop.counted(shop.plan()) == {"update blocked denied": 1}


def test_a_withdrawal_reaches_who_left_the_model_and_spares_other_phases(tmp_path: Path) -> None:
    """A row that the model lost is known by its key; one outside the phase waits for its plan."""
    rollout = {"salt": "s1", "phases": [{"name": "half", "share": "50%"},
                                        {"name": "full", "share": "100%"}]}  # fmt: skip
    shop = opened(tmp_path, {"do": "delete"}, rollout=rollout)
    shop.sql("DELETE FROM marts.lead_scores")
    shop.sql("UPDATE marts.consents SET status = 'denied'")

    some, all_of_them = shop.plan(share="half", freeze=False), shop.plan()

    assert (all_of_them.blast.revoked, all_of_them.blast.lost) == (4, 4)
    assert 0 < some.blast.revoked < 4


def test_a_refused_withdrawal_is_not_tried_for_ever(tmp_path: Path) -> None:
    """What the vendor refused for good waits as any other rejected action."""
    shop = opened(tmp_path, {"do": "clear"})
    answer(shop, "d", "denied")
    row = shop.actions(shop.plan())[0]
    letters = {"key_hash": [NO_KEY.current.row("lead_scores", "d")], "row_hash": [row["row_hash"]]}

    plan = shop.plan(inputs=PlanInputs(rejected=pa.table(letters)))

    assert shop.counted(plan) == {"update held rejected_before": 1}


def test_the_second_look_leaves_withdrawals_in(tmp_path: Path) -> None:
    """Taking data away needs no consent, also while consent data is too old."""
    shop = opened(tmp_path, {"do": "clear"})
    answer(shop, "d", "denied")
    update(shop, "a", city="Bonn")
    plan = shop.plan()
    assert [a["sync_key"] for a in shop.actions(plan)] == ["d", "a"]
    shop.sql("UPDATE marts.consents SET loaded_at = '2025-01-01'")

    with shop.session() as session:
        gone = withdrawn(session, shop.contract, MODELS.consents, plan.table, NOW)

    assert gone == {1}


def test_people_are_found_in_keys_of_several_parts(tmp_path: Path) -> None:
    """The person is a part of the key, whatever characters it has; several models may say no."""
    sources = [
        {"model": "consents", "join": {"lead_id": "lead_id"}, "max_lag": "2d"},
        {"model": "calls", "join": {"city": "place"}, "max_lag": "2d"},
    ]
    consent = CONSENT | {"sources": sources, "on_revoke": {"do": "delete"}}
    source = {"model": "lead_scores", "grain": ["city", "lead_id"], "version": "updated_at"}
    shop = open_shop(tmp_path, consent=consent, source=source, fields=FIELDS[1:2])
    shop.sql(
        "CREATE TABLE marts.calls AS SELECT city AS place, 'sales' AS purpose, "
        "'email' AS channel, 'granted' AS status, TIMESTAMP '2026-01-10' AS loaded_at "
        "FROM marts.lead_scores"
    )
    keys = ["a|b", r"a\\|b", "|", "\\", "x"]
    for key in keys:
        shop.add(key, city=f"{key}|city")
    shop.sql(
        "INSERT INTO marts.calls SELECT city, 'sales', 'email', 'granted', '2026-01-10' "
        "FROM marts.lead_scores"
    )
    shop.models = type(MODELS)(MODELS.source, (*MODELS.consents, Relation("marts", "calls")))
    shop.deliver(shop.plan())
    for key in keys:
        answer(shop, key, "denied")
        plan = shop.plan(freeze=False)
        assert plan.blast.revoked == 1, key
        answer(shop, key, "granted")
    shop.sql("UPDATE marts.calls SET status = 'denied' WHERE place IN ('x|city', '||city')")

    assert shop.plan().blast.revoked == 2


def test_withdrawals_are_no_losses(tmp_path: Path) -> None:
    """The blast radius tells withdrawals by themselves, and not as values that vanished."""
    shop = opened(tmp_path, {"do": "clear"})
    answer(shop, "a", "denied")

    assert shop.plan().blast == BlastRadius(
        delivered_before=4,
        created=0,
        created_in_loaded_phases=0,
        changed=0,
        cleared=0,
        deleted=0,
        lost=0,
        late=0,
        revoked=1,
    )


def test_a_withdrawal_that_left_what_the_model_says_is_blocked(tmp_path: Path) -> None:
    """A record opted out as its row says is not taken for one that others changed."""
    opt_out = {"do": "opt_out", "set": {"OptOut__c": True}}
    shop = opened(tmp_path, opt_out, changes_only=True)
    update(shop, "a", score="true", updated_at="2026-01-02")
    answer(shop, "a", "denied")
    shop.deliver(shop.plan())

    denied = shop.plan()
    answer(shop, "a", "granted")
    again = shop.plan()

    assert shop.counted(denied) == {"update blocked denied": 1}
    assert shop.counted(again) == {"update send": 1}
    (row,) = shop.actions(again)
    assert (row["sync_key"], row["changed"]) == ("a", None)
    shop.deliver(again)
    assert shop.counted(shop.plan()) == {}
