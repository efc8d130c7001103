"""Where each written field costs, only what changed is written, and the payload is kept for it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation_tests.planning.shop import NOW, Shop, facts, field, open_shop, update

STATE = "activation.delivered_lead_scores"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop whose vendor charges for each field."""
    made = open_shop(tmp_path)
    made.facts = facts(changes_only=True)
    return made


def kept(shop: Shop) -> list[dict[str, Any]]:
    """Return the kept payloads, by key."""
    columns = ("payload_email", "payload_score__c", "payload_city")
    rows = shop.sql(f"SELECT {', '.join(columns)} FROM {STATE} ORDER BY sync_key")  # noqa: S608
    return [dict(zip(("Email", "Score__c", "City"), row, strict=True)) for row in rows]


def changed(shop: Shop) -> dict[str, list[str] | None]:
    """Return the fields that the next plan writes, by key."""
    return {a["sync_key"]: a["changed"] for a in shop.actions(shop.plan())}


def test_a_new_row_names_all_that_it_writes(shop: Shop) -> None:
    """All fields are written, but for an empty one that is to be left alone."""
    shop.add("a")
    shop.add("b", email=None, city=None)

    plan = shop.plan()

    assert {a["sync_key"]: a["changed"] for a in shop.actions(plan)} == {
        "a": ["City", "Email", "Score__c"],
        "b": ["City", "Score__c"],
    }
    assert plan.written == {"City": 2, "Email": 1, "Score__c": 2}
    shop.deliver(plan)
    assert kept(shop) == [
        {"Email": "=a@example.com", "Score__c": "=1.00", "City": "=Ulm"},
        {"Email": None, "Score__c": "=1.00", "City": "-"},
    ]


def test_only_what_differs_from_the_last_delivery_is_written(shop: Shop) -> None:
    """A changed row writes its changed fields; an emptied one is written where it is cleared."""
    for key in ("cleared", "left", "moved", "newer"):
        shop.add(key)
    shop.deliver(shop.plan())
    update(shop, "cleared", city=None)
    update(shop, "left", email=None)
    update(shop, "moved", city="Bonn", score="2")
    update(shop, "newer", updated_at="2026-01-06")

    plan = shop.plan()

    assert {a["sync_key"]: a["changed"] for a in shop.actions(plan)} == {
        "cleared": ["City"],
        "moved": ["City", "Score__c"],
    }
    assert plan.written == {"City": 2, "Email": 0, "Score__c": 1}
    shop.deliver(plan)
    assert changed(shop) == {}
    assert [row["Email"] for row in kept(shop)] == ["=a@example.com"] * 4


def test_a_delivery_without_a_kept_payload_writes_all_fields_once(tmp_path: Path) -> None:
    """What was delivered before payloads were kept is written whole at its next change."""
    shop = open_shop(tmp_path)
    shop.add("a")
    shop.deliver(shop.plan())
    shop.facts = facts(changes_only=True)
    assert changed(shop) == {}
    update(shop, "a", city="Bonn")
    assert changed(shop) == {"a": ["City", "Email", "Score__c"]}
    shop.deliver(shop.plan())
    update(shop, "a", city="Kiel")

    assert changed(shop) == {"a": ["City"]}


def test_a_payload_is_kept_no_longer_than_it_is_needed(shop: Shop) -> None:
    """Fields that leave the contract, and all of them where nothing needs them, are dropped."""
    shop.add("a")
    shop.deliver(shop.plan())
    fields = [field("CITY", "city", "text(40)"), field("Note__c", "score", "text(9)")]
    shop.contract = shop.contract.model_copy(
        update={"fields": type(shop.contract).model_validate(
            shop.contract.model_dump(mode="json") | {"fields": fields}
        ).fields}
    )  # fmt: skip
    assert changed(shop) == {"a": ["Note__c"]}
    columns = [row[0] for row in shop.sql(f"DESCRIBE {STATE}")]
    assert [c for c in columns if c.startswith("payload")] == ["payload_city", "payload_note__c"]

    shop.facts = facts()
    shop.plan()

    columns = [row[0] for row in shop.sql(f"DESCRIBE {STATE}")]
    assert [c for c in columns if c.startswith("payload")] == []


def test_a_vendor_that_takes_whole_rows_gets_no_list(tmp_path: Path) -> None:
    """Where a field costs nothing, all of them are written and no payload is kept."""
    shop = open_shop(tmp_path)
    shop.add("a", email=None)
    plan = shop.plan()

    assert changed(shop) == {"a": None}
    assert plan.written == {"City": 1, "Email": 0, "Score__c": 1}
    assert not [row for row in shop.sql(f"DESCRIBE {STATE}") if row[0].startswith("payload")]


LEAD = st.fixed_dictionaries(
    {
        "email": st.sampled_from(["a@example.com", "b@example.com", None]),
        "score": st.sampled_from(["1", "1.0", "2", "", None]),
        "city": st.sampled_from(["Ulm", "=Ulm", "-", " ", None]),
    }
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from("abc"), LEAD, min_size=1), min_size=3, max_size=3))
def test_writing_what_changed_ends_where_writing_all_would(
    days: list[dict[str, dict[str, str | None]]],
) -> None:
    """Over any days, records written field by field are those that whole rows would make."""
    with tempfile.TemporaryDirectory() as folder:
        shop = open_shop(Path(folder))
        shop.facts = facts(changes_only=True)
        whole: dict[str, dict[str, Any]] = {}
        pieces: dict[str, dict[str, Any]] = {}
        written = 0
        for day, leads in enumerate(days, 1):
            shop.sql("DELETE FROM marts.lead_scores; DELETE FROM marts.consents")
            for key, lead in leads.items():
                shop.add(key, day=day, **lead)  # type: ignore[arg-type]
            plan = shop.plan()
            for action in shop.actions(plan):
                values = {f: action[f] for f in ("Email", "Score__c", "City")}
                record = whole.setdefault(action["sync_key"], dict.fromkeys(values))
                record |= {f: v for f, v in values.items() if v is not None or f != "Email"}
                piece = pieces.setdefault(action["sync_key"], dict.fromkeys(values))
                piece |= {f: values[f] for f in action["changed"]}
                written += len(action["changed"])
                assert action["changed"]
            assert sum(plan.written.values()) == written
            written = 0
            shop.deliver(plan, at=NOW)
        assert pieces == whole
        shop.held_open.close()
