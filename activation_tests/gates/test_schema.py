from dataclasses import replace
from typing import Any

import pytest

from activation.contract.model import Contract, FieldKind
from activation.destinations.base import ObjectSchema
from activation.gates.schema import misfits, picklists, schema_drift
from activation.gates.verdict import Verdict
from activation_tests.gates.conftest import amended, contact, plan


def judged(demo: Contract, schema: ObjectSchema, **values: tuple[str, ...]) -> Verdict:
    """Return the gate's verdict."""
    return schema_drift(demo, plan(values=values, longest={"Customer_Key__c": 9}), schema)


def test_the_demo_fits_its_object(demo: Contract) -> None:
    """An object that is as the contract needs it passes."""
    verdict = judged(demo, contact(), Churn_Band__c=("Low", "High"))

    assert verdict.passed
    assert verdict.summary == ("Contact takes the key and all 7 fields as the contract sends them.")


@pytest.mark.parametrize(
    ("changed", "at", "said"),
    [
        ({"Email": None, "E_mail": {"length": 80}}, ("fields", 2, "to"),
         "Contact has no field `Email`; did you mean `E_mail`?"),
        ({"Email": {"writable": False}}, ("fields", 2, "to"),
         "field `Email` is not writable for this user"),
        ({"Email": {"length": 79}}, ("fields", 2, "type"),
         "field `Email` takes 79 characters; the contract sends text(80)"),
        ({"Churn_Score__c": {"scale": 1}}, ("fields", 3, "type"),
         ("field `Churn_Score__c` keeps 1 of the digits after the point; the "
         "contract sends decimal(5,2)")),
        ({"Churn_Score__c": {"precision": 4}}, ("fields", 3, "type"),
         ("field `Churn_Score__c` takes 2 digits before the point; the contract sends "
         "decimal(5,2)")),
        ({"Churn_Score__c": {"kind": FieldKind.INTEGER, "type": "int"}}, ("fields", 3, "type"),
         "field `Churn_Score__c` is int (integer); the contract sends decimal(5,2)"),
        ({"Churn_Reason__c": {"kind": FieldKind.BOOLEAN, "type": "boolean"}}, ("fields", 5, "type"),
         "field `Churn_Reason__c` is boolean (boolean); the contract sends text(255)"),
        ({"AccountId": {"required": True}}, ("fields",),
         "field `AccountId` is required and not mapped, so no record can be created"),
        ({"FirstName": {"required": True}}, ("fields", 0, "nulls"),
         "field `FirstName` is required, so a row without it must wait: `nulls: hold`"),
        ({"Customer_Key__c": None, "Customer_Id__c": {"external_id": True}}, ("destination", "key"),
         "Contact has no field `Customer_Key__c` for the key; did you mean `Customer_Id__c`?"),
        ({"Customer_Key__c": {"external_id": False}}, ("destination", "key"),
         "key `Customer_Key__c` is not an external id, so records cannot be found by it"),
        ({"Customer_Key__c": {"unique": False}}, ("destination", "key"),
         "key `Customer_Key__c` is not unique, so one key could find two records"),
        ({"Customer_Key__c": {"writable": False}}, ("destination", "key"),
         "key `Customer_Key__c` is not writable for this user"),
        ({"Customer_Key__c": {"kind": FieldKind.DECIMAL, "type": "double"}}, ("destination", "key"),
         "key `Customer_Key__c` is double; a key is text"),
        ({"Customer_Key__c": {"length": 8}}, ("destination", "key"),
         "key `Customer_Key__c` takes 8 characters; the longest key has 9"),
    ],
)  # fmt: skip
def test_a_misfit_is_told_where_the_contract_says_so(
    demo: Contract, changed: dict[str, Any], at: Any, said: str
) -> None:
    """Each way in which the object does not fit is one problem with its place."""
    found = misfits(demo, contact(**changed), longest_key=9)

    assert [(problem.at, problem.text) for problem in found] == [(at, said)]


@pytest.mark.parametrize(
    "changed",
    [
        {"Email": {"length": None}},
        {"Churn_Score__c": {"precision": None, "scale": None}},
        {"Churn_Score__c": {"precision": 18, "scale": 4}},
        {"Customer_Key__c": {"length": 9}},
        {"Customer_Key__c": {"required": True}},
        {"OwnerId": {"required": True, "writable": False}},
    ],
)
def test_what_is_wider_or_unknown_fits(demo: Contract, changed: dict[str, Any]) -> None:
    """A wider field, an unknown size, and what the vendor fills itself are no misfits."""
    assert misfits(demo, contact(**changed), longest_key=9) == ()


KINDS = list(FieldKind)
FITTING = {(kind, kind) for kind in KINDS} | {(FieldKind.INTEGER, FieldKind.DECIMAL)}
SPELLED = {FieldKind.TEXT: "text(10)", FieldKind.DECIMAL: "decimal(5,2)"}


@pytest.mark.parametrize("received", KINDS)
@pytest.mark.parametrize("sent", KINDS)
def test_kinds_fit_themselves_and_integers_fit_decimals(
    demo: Contract, sent: FieldKind, received: FieldKind
) -> None:
    """No kind is sent into another, but for whole numbers into decimals."""
    plain = amended(demo, "consent", on_revoke={"do": "stop"}).model_dump(mode="json")
    band = plain["fields"][4] | {"type": SPELLED.get(sent, sent.value)}
    contract = Contract.model_validate(plain | {"fields": [plain["fields"][1], band]})
    schema = contact(Churn_Band__c={"kind": received, "type": "x", "values": None})

    assert (misfits(contract, schema) == ()) is ((sent, received) in FITTING)


@pytest.mark.parametrize(
    ("creatable", "updatable", "verb"), [(False, True, "create"), (True, False, "update")]
)
def test_the_object_must_take_new_and_changed_records(
    demo: Contract, *, creatable: bool, updatable: bool, verb: str
) -> None:
    """A user that may not create or update the object fails."""
    schema = replace(contact(), creatable=creatable, updatable=updatable)

    assert judged(demo, schema).evidence["problems"] == [
        f"the user of salesforce may not {verb} a Contact"
    ]


@pytest.mark.parametrize(
    ("mode", "needed"),
    [
        ("upsert", {"create", "update"}),
        ("update_only", {"update"}),
        ("create_only", {"create"}),
        ("mirror", {"create", "update", "delete"}),
        ("audience", {"create", "update", "delete"}),
    ],
)
def test_a_mode_needs_no_more_than_it_does(demo: Contract, mode: str, needed: set[str]) -> None:
    """A user that may do nothing is told of what the mode would do, and of nothing else."""
    schema = replace(contact(), creatable=False, updatable=False, deletable=False)

    silent = amended(demo, "consent", on_revoke={"do": "stop"})
    problems = misfits(amended(silent, "destination", mode=mode), schema)

    told = {problem.text for problem in problems}
    assert told == {f"the user of salesforce may not {verb} a Contact" for verb in needed}


def test_a_value_that_the_picklist_lacks_is_listed(demo: Contract) -> None:
    """Each value that is not accepted is told."""
    verdict = judged(demo, contact(), Churn_Band__c=("Low", "Severe", "Mild"))

    assert not verdict.passed
    assert verdict.evidence["problems"] == ["picklist `Churn_Band__c` lacks 'Severe', 'Mild'"]


def test_many_values_are_cut_short(demo: Contract) -> None:
    """A picklist that lacks very many values does not fill the page."""
    values = tuple(f"v{number:02}" for number in range(30))

    problems = judged(demo, contact(), Churn_Band__c=values).evidence["problems"]

    assert isinstance(problems, list)
    assert problems[0].endswith("'v09' and 20 more")


def test_personal_values_are_counted_and_not_shown(demo: Contract) -> None:
    """The values of a personal field never stand in evidence."""
    schema = contact(FirstName={"type": "picklist", "values": ("A",)})

    verdict = judged(demo, schema, FirstName=("A", "secret-name"))

    assert verdict.evidence["problems"] == [
        "picklist `FirstName` lacks 1 value (personal, not shown)"
    ]
    assert "secret-name" not in repr(verdict)


def test_the_planner_is_told_which_values_to_collect(demo: Contract) -> None:
    """Only mapped fields with restricted values need their values collected."""
    schema = contact(Salutation={"values": ("Ms",)})

    assert picklists(demo, schema) == {"Churn_Band__c"}


def test_all_misfits_are_told(demo: Contract) -> None:
    """The summary has the first misfit and their number, the evidence has all."""
    verdict = judged(demo, contact(Email=None, FirstName=None))

    assert verdict.summary == (
        "Contact does not fit the contract: Contact has no field `FirstName`; did you mean "
        "`LastName`? And 1 more."
    )
    assert len(verdict.evidence["problems"]) == 2  # type: ignore[arg-type]
    assert "activation validate salesforce_contact" in (verdict.next_step or "")
