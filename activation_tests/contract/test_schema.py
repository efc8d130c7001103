import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from activation.contract.destination import Mode
from activation.contract.model import Contract
from activation.contract.schema import json_schema
from activation_tests.contract.conftest import DEMO

COMMITTED = DEMO.parents[3] / "docs" / "schema" / "contract.schema.json"


@pytest.fixture
def plain() -> Any:
    """Return the demo contract's file as plain values."""
    return yaml.safe_load(DEMO.read_text())


def test_the_committed_schema_is_current() -> None:
    """`python -m activation.contract.schema > docs/schema/contract.schema.json` was run."""
    assert json.loads(COMMITTED.read_text()) == json_schema()


def test_the_demo_names_the_committed_schema() -> None:
    """Editors find the schema from the contract's first line."""
    _, _, relative = DEMO.read_text().splitlines()[0].partition("$schema=")

    assert (DEMO.parent / relative).resolve() == COMMITTED.resolve()


def test_the_schema_is_a_schema_and_accepts_the_demo(plain: Any) -> None:
    """The committed contract is valid for editors too."""
    Draft202012Validator.check_schema(json_schema())

    assert Draft202012Validator(json_schema()).is_valid(plain)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("frshness", {"max_age": "30h"}),
        ("freshness", {"max_age": "30"}),
        ("consent", {"subject": "people"}),
        ("parity", {"unexplained": 0.001}),
        ("fields", []),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(plain: Any, part: str, value: Any) -> None:
    """An editor marks wrong keys, shares, durations and subjects."""
    plain["attributes"][part] = value

    assert not Draft202012Validator(json_schema()).is_valid(plain)


def test_only_an_audience_may_have_no_fields(plain: Any) -> None:
    """Members of an audience need nothing but their key; records need a field."""
    plain["attributes"] |= {"fields": []}
    schema = Draft202012Validator(json_schema())
    assert not schema.is_valid(plain)

    plain["attributes"]["destination"]["mode"] = "audience"

    plain["attributes"]["consent"]["on_revoke"] = {"do": "leave"}

    assert schema.is_valid(plain)
    assert Contract.model_validate(plain["attributes"]).destination.mode is Mode.AUDIENCE


def test_the_schema_asks_for_the_subject(plain: Any) -> None:
    """An editor marks a consent that does not say whom the object is about."""
    del plain["attributes"]["consent"]["subject"]

    assert not Draft202012Validator(json_schema()).is_valid(plain)
