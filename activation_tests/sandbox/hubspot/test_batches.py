"""Batches that write: what is stored, what is told, and of whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.hubspot.portal import KEY, Portal, refusal, row
from activation_tests.sandbox.turning_clock import TurningClock


def test_an_upsert_makes_and_changes_by_the_unique_property(
    portal: Portal, clock: TurningClock
) -> None:
    """A new key makes a record, the same key changes it, under the same id."""
    made = portal.upsert(row("u-1", firstname="Kim")).json()["results"][0]
    clock.turn(60)
    changed = portal.upsert(row("u-1", firstname="Lee")).json()["results"][0]

    assert (made["new"], changed["new"]) == (True, False)
    assert made["id"] == changed["id"]
    assert made["createdAt"] == changed["createdAt"] == "2026-09-01T10:00:00.000Z"
    assert changed["updatedAt"] == "2026-09-01T10:01:00.000Z"
    assert changed["archived"] is False
    assert portal.stored("u-1", "firstname") == "Lee"


def test_an_answer_has_the_parts_of_a_batch(portal: Portal) -> None:
    """A batch says that it is complete and when; one without errors does not speak of them."""
    answer = portal.upsert(row("u-1", email="K@Example.com"))

    assert list(answer.json()) == ["status", "results", "startedAt", "completedAt"]
    assert answer.json()["status"] == "COMPLETE"
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"


def test_values_come_back_as_text(portal: Portal) -> None:
    """Numbers and booleans are kept as text, e-mails in lower case, dates in their one form."""
    portal.upsert(
        row(
            "u-1",
            email=" Kim@EXAMPLE.com ",
            lead_score=42,
            is_champion=True,
            last_scored_on=1_788_220_800_000,
            last_scored_at="2026-09-01T12:00:00+02:00",
            interests="api;reports",
        )
    )
    names = ["email", "lead_score", "is_champion", "last_scored_on", "last_scored_at", "interests"]

    (found,) = portal.read("u-1", properties=names)

    assert {name: found["properties"][name] for name in names} == {
        "email": "kim@example.com",
        "lead_score": "42",
        "is_champion": "true",
        "last_scored_on": "2026-09-01",
        "last_scored_at": "2026-09-01T10:00:00.000Z",
        "interests": "api;reports",
    }


def test_what_a_write_shows_is_as_recorded(portal: Portal) -> None:
    """A made contact shows what HubSpot adds; a changed one only what moved."""
    made = portal.batch("create", {"properties": {"email": "kim@example.com", "firstname": "Kim"}})
    identity = made.json()["results"][0]["id"]
    changed = portal.batch(
        "update", {"id": identity, "properties": {"email": "kim@example.com", "lastname": "Doe"}}
    )

    assert made.status_code == 201
    assert sorted(made.json()["results"][0]["properties"]) == [
        *("createdate", "email", "firstname", "hs_all_contact_vids", "hs_email_domain"),
        *("hs_is_contact", "hs_is_unworked", "hs_object_id", "hs_pipeline", "lastmodifieddate"),
    ]
    assert changed.status_code == 200
    assert sorted(changed.json()["results"][0]["properties"]) == [
        *("email", "hs_email_domain", "lastmodifieddate", "lastname"),
    ]


def test_one_bad_row_costs_the_whole_batch(portal: Portal) -> None:
    """Without trace ids a bad value is a 400 that says what is wrong, and nothing is written."""
    answer = portal.upsert(row("u-1", firstname="Kim"), row("u-2", email="nobody"))

    assert refusal(answer) == (400, "VALIDATION_ERROR")
    body = answer.json()
    assert body["message"] == (
        'Property values were not valid: [{"isValid":false,'
        '"message":"Email address nobody is invalid","error":"INVALID_EMAIL","name":"email"}]'
    )
    assert body["errors"] == [
        {
            "message": "Email address nobody is invalid",
            "code": "INVALID_EMAIL",
            "context": {"propertyName": ["email"]},
        }
    ]
    assert portal.read("u-1", properties=[]) == []


def test_trace_ids_save_the_good_rows(portal: Portal) -> None:
    """With a trace id each, good rows are written, and bad ones told by theirs: a 207."""
    answer = portal.upsert(
        row("u-1", "t-1", firstname="Kim"), row("u-2", "t-2", email="x"), row("u-3", "t-3")
    )

    body = answer.json()
    assert (answer.status_code, body["status"], body["numErrors"]) == (207, "COMPLETE", 1)
    (error,) = body["errors"]
    assert error["context"] == {"objectWriteTraceId": ["t-2"]}
    assert (error["status"], error["category"]) == ("error", "VALIDATION_ERROR")
    assert {"message", "errors", "links"} <= set(error)
    assert sorted(r["objectWriteTraceId"] for r in body["results"]) == ["t-1", "t-3"]
    assert portal.stored("u-1", "firstname") == "Kim"


@pytest.mark.parametrize("traces", [(None, "t-2"), ("t-1", "t-1"), ("t-1", "")])
def test_trace_ids_count_only_if_every_row_has_its_own(
    portal: Portal, traces: tuple[str | None, str]
) -> None:
    """One row without, or a repeated one, and the whole batch is refused."""
    answer = portal.upsert(row("u-1", traces[0]), row("u-2", traces[1], email="x"))

    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_a_207_may_come_without_trace_ids(portal: Portal, sandbox: Sandbox) -> None:
    """One project met partial success before it sent any: a quirk."""
    sandbox.set_quirk("hubspot", "multi_status", "always")

    answer = portal.upsert(row("u-1"), row("u-2", email="x"))

    assert answer.status_code == 207
    assert answer.json()["errors"][0]["context"] == {}


def test_the_newest_version_knows_no_207(portal: Portal) -> None:
    """Under the date path of 2026-09 errors stand in a 200."""
    inputs = {"inputs": [row("u-1", "1"), row("u-2", "2", email="x")]}

    answers = [
        portal.call("POST", f"/crm/objects/{version}/contacts/batch/upsert", inputs)
        for version in ("2026-03", "2026-09")
    ]

    assert [answer.status_code for answer in answers] == [207, 200]
    assert [answer.json()["numErrors"] for answer in answers] == [1, 1]


@pytest.mark.parametrize("traced", [False, True])
def test_a_repeated_id_costs_the_whole_batch(portal: Portal, *, traced: bool) -> None:
    """With or without trace ids nothing is written, and the ids are named."""
    keys = ["u-1", "u-2", "u-1"]
    inputs = [row(key, str(n) if traced else None) for n, key in enumerate(keys)]

    answer = portal.upsert(*inputs)

    assert refusal(answer) == (400, "VALIDATION_ERROR")
    message = "Duplicate IDs found in batch input: [u-1]. IDs must be unique"
    assert answer.json()["message"] == message
    assert answer.json()["context"] == {"ids": ["u-1"]}
    assert portal.read("u-2", properties=[]) == []


def test_addresses_that_differ_in_case_are_one_contact(portal: Portal) -> None:
    """By e-mail two spellings are a repeated id."""
    inputs = [
        {"id": email, "idProperty": "email", "properties": {}}
        for email in ("kim@example.com", "KIM@example.com")
    ]

    assert refusal(portal.upsert(*inputs)) == (400, "VALIDATION_ERROR")


def test_a_body_without_inputs_stores_nothing_without_a_word(
    portal: Portal, sandbox: Sandbox
) -> None:
    """The answer is a success that speaks of no row; it can be switched to a 400."""
    path = "/crm/v3/objects/contacts/batch/upsert"

    answer = portal.call("POST", path, [row("u-1")][0])

    assert (answer.status_code, answer.json()["status"]) == (200, "COMPLETE")
    assert answer.json()["results"] == []
    assert sandbox.count("contacts", system="hubspot") == 0
    sandbox.set_quirk("hubspot", "takes_a_body_without_inputs", value=False)
    assert refusal(portal.call("POST", path, {})) == (400, "VALIDATION_ERROR")


def test_more_than_a_hundred_are_refused(portal: Portal) -> None:
    """A batch holds 100 inputs and not one more."""
    inputs = [row(f"u-{n}", str(n)) for n in range(101)]

    assert refusal(portal.upsert(*inputs)) == (400, "VALIDATION_ERROR")
    assert portal.upsert(*inputs[:100]).status_code == 200


def test_results_come_in_another_order(portal: Portal, sandbox: Sandbox) -> None:
    """They are shuffled, unless the quirk is taken away."""
    keys = [f"u-{n:02d}" for n in range(50)]
    inputs = [row(key) for key in keys]

    shuffled = [r["properties"][KEY] for r in portal.upsert(*inputs).json()["results"]]
    sandbox.set_quirk("hubspot", "shuffles_results", value=False)
    again = portal.upsert(*(row(key, customer_key=key) for key in keys)).json()["results"]

    assert shuffled != keys
    assert sorted(shuffled) == keys == [r["properties"][KEY] for r in again]


@pytest.mark.parametrize(
    ("of", "name", "message"),
    [
        ("deals", "dealname", "non-unique 0-3 property dealname"),
        ("companies", "domain", "non-unique 0-2 property domain"),
        (
            "companies",
            "hs_object_id",
            "non-unique 0-2 property hs_object_id in portal 20858001",
        ),
    ],
)
def test_only_unique_properties_match(portal: Portal, of: str, name: str, message: str) -> None:
    """A match by another property is refused in the words that others have met."""
    answer = portal.upsert({"id": "x", "idProperty": name, "properties": {}}, of=of)

    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["message"] == f"Unable to perform update/upsert by {message}"


@pytest.mark.parametrize(
    ("properties", "code", "message"),
    [
        ({"foo": "x"}, "PROPERTY_DOESNT_EXIST", 'Property "foo" does not exist'),
        ({"lead_score": "many"}, "INVALID_LONG", "many was not a valid long."),
        (
            {"lead_grade": "Z"},
            "INVALID_OPTION",
            "Z was not one of the allowed options: [A, B, C, D]",
        ),
        (
            {"interests": "api;golf"},
            "INVALID_OPTION",
            "golf was not one of the allowed options: [reports, alerts, api]",
        ),
        (
            {"last_scored_on": "2026-09-01T10:00:00Z"},
            "INVALID_DATE",
            "2026-09-01T10:00:00Z is at 10:00:00.000 UTC, not midnight!",
        ),
        (
            {"createdate": "2026-09-01"},
            "READ_ONLY_VALUE",
            '"createdate" is a read only property; its value cannot be set.',
        ),
    ],
)
def test_each_kind_of_bad_value_has_its_code(
    portal: Portal, properties: dict[str, Any], code: str, message: str
) -> None:
    """Unknown, unreadable, not among the options, not at midnight, read only."""
    (error,) = portal.upsert(row("u-1", **properties)).json()["errors"]

    assert (error["code"], error["message"]) == (code, message)


def test_an_empty_text_clears_and_null_says_nothing(portal: Portal) -> None:
    """Empty text takes the value away; null leaves it."""
    portal.made("u-1", firstname="Kim", lastname="Doe")

    portal.upsert(row("u-1", firstname="", lastname=None))

    (found,) = portal.read("u-1", properties=["firstname", "lastname"])
    assert found["properties"]["firstname"] is None
    assert found["properties"]["lastname"] == "Doe"


def test_a_lifecycle_stage_only_moves_forward(portal: Portal) -> None:
    """A step back is dropped without a word; cleared first, any stage can be set."""
    portal.made("u-1", lifecyclestage="customer")

    assert portal.upsert(row("u-1", lifecyclestage="lead")).status_code == 200
    assert portal.stored("u-1", "lifecyclestage") == "customer"
    portal.upsert(row("u-1", lifecyclestage=""))
    portal.upsert(row("u-1", lifecyclestage="lead"))
    assert portal.stored("u-1", "lifecyclestage") == "lead"


def test_a_unique_value_of_another_record_is_refused(portal: Portal) -> None:
    """An address that another contact has costs the row; the message names both records."""
    ids = portal.made("u-1", email="kim@example.com") | portal.made("u-2")

    answer = portal.upsert(row("u-2", "a", email="Kim@example.com"), row("u-3", "b"))

    assert answer.status_code == 207
    (error,) = answer.json()["errors"]
    assert error["message"] == (
        "Cannot set PropertyValueCoordinates{portalId=20858001, "
        "objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, propertyName=email, "
        f"value=kim@example.com}} on {ids['u-2']}. {ids['u-1']} already has that value."
    )


def test_two_rows_of_one_batch_cannot_share_an_address(portal: Portal) -> None:
    """The first has it, the second is refused."""
    answer = portal.upsert(*(row(f"u-{n}", str(n), email="kim@example.com") for n in (1, 2)))

    assert answer.json()["errors"][0]["context"] == {"objectWriteTraceId": ["2"]}
    assert [r["properties"][KEY] for r in answer.json()["results"]] == ["u-1"]


def test_a_conflict_of_a_create(portal: Portal) -> None:
    """An existing contact is a 409; in a batch only the first is told."""
    identity = portal.made("u-1", email="kim@example.com")["u-1"]
    given = {"properties": {"email": "kim@example.com"}}

    single = portal.call("POST", "/crm/v3/objects/contacts", given)
    several = portal.batch("create", given, given)
    traced = portal.batch("create", {**given, "objectWriteTraceId": "1"})

    for answer in (single, several):
        assert refusal(answer) == (409, "CONFLICT")
        assert answer.json()["message"] == f"Contact already exists. Existing ID: {identity}"
    assert (traced.status_code, traced.json()["errors"][0]["category"]) == (207, "CONFLICT")


def test_an_update_of_what_is_not_there(portal: Portal) -> None:
    """Missing records are one error that names them all, beside the trace ids of their rows."""
    identity = portal.made("u-1")["u-1"]

    answer = portal.batch(
        "update",
        *(
            {"id": i, "objectWriteTraceId": f"t-{i}", "properties": {"firstname": "x"}}
            for i in (identity, "990", "991")
        ),
    )

    assert answer.status_code == 207
    (error,) = answer.json()["errors"]
    assert error["category"] == "OBJECT_NOT_FOUND"
    assert error["context"] == {"ids": ["990", "991"], "objectWriteTraceId": ["t-990", "t-991"]}
    assert [r["id"] for r in answer.json()["results"]] == [identity]


def test_an_update_by_value_without_its_property_changes_nothing(
    portal: Portal, sandbox: Sandbox
) -> None:
    """It is a success that speaks of no row; with the quirk off the record is not found."""
    portal.made("u-1", email="kim@example.com")
    given = {"id": "kim@example.com", "properties": {"firstname": "x"}}

    answer = portal.batch("update", given)
    sandbox.set_quirk("hubspot", "ignores_an_update_without_id_property", value=False)
    told = portal.batch("update", given)

    assert (answer.status_code, answer.json()["results"]) == (200, [])
    assert "errors" not in answer.json()
    assert portal.stored("u-1", "firstname") is None
    assert told.json()["errors"][0]["category"] == "OBJECT_NOT_FOUND"


def test_updates_by_email_can_be_refused(portal: Portal, sandbox: Sandbox) -> None:
    """The description allows them, one project met a refusal: a quirk."""
    portal.made("u-1", email="kim@example.com")
    given = {"id": "kim@example.com", "idProperty": "email", "properties": {"firstname": "x"}}
    assert portal.batch("update", given).status_code == 200

    sandbox.set_quirk("hubspot", "refuses_updates_by_email", value=True)

    assert refusal(portal.batch("update", given)) == (400, "VALIDATION_ERROR")


def test_an_upsert_by_email_can_clear_what_it_does_not_mention(
    portal: Portal, sandbox: Sandbox
) -> None:
    """Documented is that partial upserts by e-mail are not supported, not what they do."""
    portal.made("u-1", email="kim@example.com", firstname="Kim")
    given = {"id": "KIM@example.com", "idProperty": "email"}

    portal.upsert({**given, "properties": {"lastname": "Doe"}})
    assert portal.stored("u-1", "firstname") == "Kim"
    sandbox.set_quirk("hubspot", "email_upsert_clears_the_rest", value=True)
    portal.upsert({**given, "properties": {"email": "kim@example.com", "customer_key": "u-1"}})

    assert portal.stored("u-1", "firstname") is None


def test_a_custom_object_needs_what_it_requires(portal: Portal) -> None:
    """A record cannot be made without a required property; any of its names reaches it."""
    given = {"properties": {"workspace_name": "x"}}
    answer = portal.call("POST", "/crm/v3/objects/2-3604285", given)

    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["context"] == {"properties": ["workspace_key"]}
    for name in ("2-3604285", "p20858001_workspaces", "workspaces"):
        made = portal.upsert(
            {"id": name, "idProperty": "workspace_key", "properties": {"seats": "3"}}, of=name
        )
        assert made.json()["results"][0]["new"] is True
        assert "hs_createdate" in made.json()["results"][0]["properties"]


@pytest.mark.parametrize("name", ["CONTACT", "contact", "0-1", "contacts"])
def test_every_name_of_an_object_reaches_it(portal: Portal, name: str) -> None:
    """Plural, legacy name in any case, and type id."""
    assert portal.upsert(row("u-1"), of=name).status_code == 200


def test_an_unknown_object_is_refused(portal: Portal) -> None:
    """An object that is not there is a 400."""
    assert refusal(portal.upsert(row("u-1"), of="gadgets")) == (400, "VALIDATION_ERROR")


def test_a_company_gets_its_website_from_its_domain(portal: Portal) -> None:
    """As recorded."""
    made = portal.call("POST", "/crm/v3/objects/companies", {"properties": {"domain": "a.example"}})

    assert made.json()["properties"]["website"] == "a.example"


@pytest.mark.parametrize(
    ("strike", "status", "told"),
    [
        (lambda s: s.faults.add("row_locked", times=1), 423, "RESOURCE_LOCKED"),
        (
            lambda s: s.faults.add("refuse_value", times=1, field="firstname", value="Kim"),
            400,
            "VALIDATION_ERROR",
        ),
    ],
)
def test_row_faults(
    portal: Portal,
    sandbox: Sandbox,
    strike: Callable[[Sandbox], object],
    status: int,
    told: str,
) -> None:
    """A struck row costs the batch, or with trace ids only itself."""
    strike(sandbox)
    assert refusal(portal.upsert(row("u-1", firstname="Kim"))) == (status, told)
    strike(sandbox)

    traced = portal.upsert(row("u-1", "1", firstname="Kim"))

    assert traced.status_code == 207
    assert traced.json()["errors"][0]["category"] == told
    assert portal.upsert(row("u-1", firstname="Kim")).status_code == 200
