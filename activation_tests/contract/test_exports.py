"""Contracts in the words of others."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from activation.contract.exports import exposure, odcs, of_odcs
from activation.contract.loading import load_contracts

ROOT = Path(__file__).parents[2]
CONTRACTS = load_contracts(ROOT / "activation" / "defs")
SCHEMA = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())


@pytest.mark.parametrize("sync", CONTRACTS)
def test_the_export_passes_the_standard(sync: str) -> None:
    """Every shipped contract is a document of the standard, by its schema and by its model."""
    document = odcs(CONTRACTS[sync])

    jsonschema.Draft201909Validator(SCHEMA).validate(document)
    read = OpenDataContractStandard.from_string(yaml.safe_dump(document))
    assert read.apiVersion == "v3.1.0"
    assert read.schema_ is not None
    names = [field.name for field in read.schema_[0].properties or ()]
    contract = CONTRACTS[sync]
    assert names == [contract.destination.key, *(field.to for field in contract.fields)]


@pytest.mark.parametrize("sync", CONTRACTS)
def test_nothing_is_lost_on_the_way(sync: str) -> None:
    """The contract can be read out of its export again, by way of YAML."""
    written = yaml.safe_dump(odcs(CONTRACTS[sync]))

    assert of_odcs(yaml.safe_load(written)) == CONTRACTS[sync]


def test_other_documents_are_no_contracts() -> None:
    """A document that was not exported from a contract is refused."""
    with pytest.raises(ValueError, match="no custom property"):
        of_odcs({"apiVersion": "v3.1.0", "customProperties": []})


def test_an_exposure_names_what_is_read() -> None:
    """The dbt exposure depends on the source and the consent model, and names the owner."""
    (found,) = exposure(CONTRACTS["salesforce_contact"])["exposures"]

    assert found["depends_on"] == ["ref('customer_churn')", "ref('customer_consent')"]
    assert found["owner"] == {"name": "customer-success"}
