import json
from pathlib import Path
from typing import Any

import pytest

from activation.contract.model import Contract
from activation.contract.source import Manifest, Model, check_source, load_manifest
from activation.errors import ConfigurationError

COLUMNS = {
    "customer_churn": {
        "customer_id": "varchar", "first_name": "varchar", "last_name": "varchar",
        "email": "varchar", "churn_score": "decimal(5,2)", "churn_band": "varchar",
        "churn_reason": "varchar", "monthly_value": "decimal(12,2)", "scored_at": "timestamp",
    },
    "customer_consent": {
        "customer_id": "varchar", "purpose": "varchar", "channel": "varchar",
        "status": "varchar", "as_of": "timestamp", "loaded_at": "timestamp",
    },
}  # fmt: skip


def model(name: str, columns: dict[str, str | None], **other: Any) -> dict[str, Any]:
    """Return a model as dbt's manifest has it."""
    documented = {column: {"name": column, "data_type": kind} for column, kind in columns.items()}
    return {
        "resource_type": "model",
        "name": name,
        "database": "warehouse",
        "schema": "main",
        "alias": name,
        "relation_name": f'"warehouse"."main"."{name}"',
        "columns": documented,
        **other,
    }


def manifest(path: Path, *nodes: dict[str, Any]) -> Manifest:
    """Write a manifest and load it."""
    path /= "manifest.json"
    path.write_text(json.dumps({"nodes": {str(i): node for i, node in enumerate(nodes)}}))
    return load_manifest(path)


def changed(path: Path, name: str, *, drop: str | None = None, **columns: str | None) -> Manifest:
    """Return the demo's manifest with one model's columns changed."""
    merged: dict[str, dict[str, str | None]] = {key: {**value} for key, value in COLUMNS.items()}
    merged[name] |= columns
    if drop:
        del merged[name][drop]
    return manifest(path, *(model(key, value) for key, value in merged.items()))


def test_the_demo_fits_its_models(demo: Contract, tmp_path: Path) -> None:
    """A contract whose models and columns are all documented has no problem."""
    assert check_source(demo, changed(tmp_path, "customer_churn")) == ()


def test_a_model_is_known_by_place_and_columns(tmp_path: Path) -> None:
    """The manifest tells where a model stands and what its columns are."""
    loaded = manifest(tmp_path, model("churn", {"id": "integer", "name": None}, alias="churn_v2"))

    assert loaded.models["churn"] == Model(
        name="churn",
        database="warehouse",
        schema="main",
        identifier="churn_v2",
        relation='"warehouse"."main"."churn"',
        columns={"id": "integer", "name": None},
    )


def test_only_models_count_and_the_latest_version_of_each(tmp_path: Path) -> None:
    """Seeds and tests are no models; of a versioned model the latest is read."""
    loaded = manifest(
        tmp_path,
        model("seeded", {}) | {"resource_type": "seed"},
        model("churn", {}, version=1, latest_version=2, alias="churn_v1"),
        model("churn", {}, version=2, latest_version=2, alias="churn_v2"),
        model("churn", {}, version=3, latest_version=2, alias="churn_v3"),
    )

    assert {name: found.identifier for name, found in loaded.models.items()} == {
        "churn": "churn_v2"
    }


@pytest.mark.parametrize(
    ("name", "drop", "add", "at", "said"),
    [
        ("customer_churn", "email", "e_mail", ("fields", 2, "column"),
         "model `customer_churn` has no column `email`; did you mean `e_mail`?"),
        ("customer_churn", "customer_id", "customerid", ("source", "grain", 0),
         "model `customer_churn` has no column `customer_id`; did you mean `customerid`?"),
        ("customer_churn", "scored_at", "Scored_At", ("source", "version"),
         "model `customer_churn` has no column `scored_at`; did you mean `Scored_At`?"),
        ("customer_consent", "customer_id", "customer",
         ("consent", "sources", 0, "join", "customer_id"),
         "model `customer_consent` has no column `customer_id`; did you mean `customer`?"),
        ("customer_consent", "loaded_at", "x", ("consent", "sources", 0, "model"),
         ("consent model `customer_consent` has no column `loaded_at`; a consent model has "
         "`purpose`, `channel`, `status` and `loaded_at`")),
    ],
)  # fmt: skip
def test_a_column_that_is_not_documented_is_told(  # noqa: PLR0913, PLR0917
    demo: Contract, tmp_path: Path, name: str, drop: str, add: str, at: Any, said: str
) -> None:
    """A column that the model lacks is told with the nearest one, and where it is asked for."""
    problems = check_source(demo, changed(tmp_path, name, drop=drop, **{add: None}))

    assert [(problem.at, problem.text) for problem in problems] == [(at, said)]


def test_a_model_that_is_not_there_is_told(demo: Contract, tmp_path: Path) -> None:
    """An unknown model is told with the nearest name; its columns are not told as well."""
    nodes = (
        model("customers_churn", {}),
        model("customer_consent", {**COLUMNS["customer_consent"]}),
    )
    problems = check_source(demo, manifest(tmp_path, *nodes))

    assert [problem.text for problem in problems] == [
        "the dbt project has no model `customer_churn`; did you mean `customers_churn`?"
    ]


def test_a_model_without_documented_columns_is_not_judged(demo: Contract, tmp_path: Path) -> None:
    """What dbt does not know of a model's columns cannot be wrong."""
    loaded = manifest(tmp_path, model("customer_churn", {}), model("customer_consent", {}))

    assert check_source(demo, loaded) == ()


def test_an_ephemeral_model_cannot_be_read(demo: Contract, tmp_path: Path) -> None:
    """A model that makes no table or view is told."""
    loaded = manifest(
        tmp_path,
        model("customer_churn", {}, relation_name=None),
        model("customer_consent", {}),
    )

    assert "`customer_churn` is ephemeral" in check_source(demo, loaded)[0].text


def test_the_version_is_a_moment(demo: Contract, tmp_path: Path) -> None:
    """A version that is documented as something else than a timestamp is told."""
    problems = check_source(demo, changed(tmp_path, "customer_churn", scored_at="varchar"))

    assert "documented as varchar; it must be a timestamp" in problems[0].text


def test_a_missing_manifest_says_how_to_make_it(tmp_path: Path) -> None:
    """Without a manifest the message names the command that writes it."""
    with pytest.raises(ConfigurationError, match=r"there is no dbt manifest.*`dbt parse`"):
        load_manifest(tmp_path / "manifest.json")


@pytest.mark.parametrize("text", ["", "[]", '{"nodes": 1}', '{"nodes": {"a": {}}}'])
def test_a_file_that_is_no_manifest_is_told(tmp_path: Path, text: str) -> None:
    """A broken manifest says how to make a new one."""
    path = tmp_path / "manifest.json"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=r"is not a dbt manifest.*`dbt parse`"):
        load_manifest(path)
