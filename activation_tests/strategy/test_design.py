"""Drafts: what is sure is written, what is not is left open, and consent is never invented."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from activation.contract.loading import load_draft
from activation.contract.model import DataClass
from activation.strategy.draft import Draft, Evidence, draft
from activation.sync.evidence import evidence
from activation_tests.sync.project import Project


def look(project: Project, model: str = "customer_churn", target: str = "Contact") -> Evidence:
    """Look at a model and an object of the project."""
    with project.services() as services:
        return evidence(services, model, "salesforce", target)


def make(project: Project, model: str, select: str, columns: tuple[str, ...] = ()) -> Draft:
    """Build a model from a query, let dbt know of it, and draft a contract for the Contact."""
    project.sql(f"CREATE OR REPLACE TABLE main_marts.{model} AS {select}")
    path = project.settings.manifest
    manifest = json.loads(path.read_text())
    node = dict(manifest["nodes"]["model.company.customer_churn"])
    node |= {"name": model, "alias": model, "columns": {c: {"name": c} for c in columns}}
    node["relation_name"] = f'"warehouse"."main_marts"."{model}"'
    manifest["nodes"][f"model.company.{model}"] = node
    path.write_text(json.dumps(manifest))
    return draft(look(project, model))


def loads(made: Draft, folder: Path) -> None:
    """See that the draft is a contract as it stands."""
    path = folder / "draft.yaml"
    path.write_text(made.text)
    assert made.open_questions == ()
    load_draft(path)


def test_the_demo_model_becomes_a_contract(project: Project, tmp_path: Path) -> None:
    """Grain, version, key, fields, classes and consent are those that people chose."""
    project.fill(300)
    project.sql(
        "UPDATE main_marts.customer_churn SET scored_at = scored_at + "
        "INTERVAL (abs(hash(customer_id)) % 100) MINUTE"
    )
    made = draft(look(project))
    loads(made, tmp_path)
    contract = load_draft(tmp_path / "draft.yaml")

    assert contract.source.grain == ("customer_id",)
    assert contract.source.version == "scored_at"
    assert contract.destination.key == "Customer_Key__c"
    ours = {f.to: (f.column, f.data_class) for f in contract.fields}
    theirs = {f.to: (f.column, f.data_class) for f in project.contract.fields}
    assert ours == theirs
    assert contract.consent.subject == "person"
    assert [s.model for s in contract.consent.sources] == ["customer_consent"]


def test_wrong_candidates_are_named_with_what_speaks_against_them(project: Project) -> None:
    """A repeated column and a personal one are no grain, and the draft says why."""
    project.fill(300)
    project.sql("ALTER TABLE main_marts.customer_churn ADD COLUMN account_id VARCHAR")
    project.sql("UPDATE main_marts.customer_churn SET account_id = left(customer_id, 5)")

    made = draft(look(project))

    assert "not account_id: 300 rows share theirs; one value stands in 100 rows" in made.text
    assert "not email: it is personal data, which people change and vendors normalise" in made.text


_ID = "format('K-{:05d}', i) AS row_id"
_AT = "TIMESTAMP '2026-01-09 00:00:00' + INTERVAL (i) SECOND AS updated_at"
_NAME = "'Last' || i AS last_name"


def rows(*columns: str, count: int = 90) -> str:
    """Return the query of so many rows with these columns."""
    return f"SELECT {', '.join(columns)} FROM range({count}) r(i)"  # noqa: S608 - ours


GRAIN, VERSION, CONSENT = ("source.grain",), ("source.version",), ("consent",)
NO_NAME = ("fields: Contact needs LastName",)
_SOME_KEY = "CASE WHEN i = 3 THEN NULL ELSE format('K-{:05d}', i) END AS row_id"
_SOME_TIME = "CASE WHEN i > 1 THEN now()::TIMESTAMP END AS updated_at"
_CREATED = "TIMESTAMP '2026-01-09' + INTERVAL (i) HOUR AS created_on"
AWKWARD: dict[str, tuple[str, tuple[str, ...]]] = {
    "no key": (rows("i % 7 AS row_id", _AT, _NAME), GRAIN),
    "a null key": (rows(_SOME_KEY, _AT, _NAME), GRAIN),
    "all keys null": (rows("NULL::VARCHAR AS row_id", _AT, _NAME), GRAIN),
    "late duplicates": (rows("format('K-{:05d}', i % 80) AS row_id", _AT, _NAME), GRAIN),
    "only an address": (rows("'p' || i || '@example.com' AS email", _AT, _NAME), GRAIN),
    "no rows": (rows(_ID, _AT, _NAME, count=0), GRAIN),
    "no timestamp": (rows(_ID, "i AS score", _NAME), VERSION),
    "null times": (rows(_ID, _SOME_TIME, _NAME), VERSION),
    "one time for all": (rows(_ID, "TIMESTAMP '2026-01-09' AS updated_at", _NAME), VERSION),
    "only the time of creation": (rows(_ID, _CREATED, _NAME), VERSION),
    "a date for a time": (rows(_ID, "DATE '2026-01-09' AS updated_at", _NAME), VERSION),
    "times as text": (rows(_ID, "'2026-01-09' AS updated_at", _NAME), VERSION),
    "no consent model joins": (rows(_ID, _AT, _NAME), CONSENT),
    "addresses in disguise": (
        rows(_ID, _AT, _NAME, "'p' || i || '@example.com' AS churn_reason"),
        ("consent: last_name, churn_reason are personal",),
    ),
    "sensitive data": (rows(_ID, _AT, "'x' AS passport", _NAME), CONSENT),
    "a required field is missing": (rows(_ID, _AT, "'a' AS churn_reason"), NO_NAME),
    "no column has a field": (rows(_ID, _AT, "i AS zorp"), ("fields: no column", *NO_NAME)),
    "other types": (rows(_ID, _AT, "i AS last_name", "'high' AS churn_score"), NO_NAME),
    "only structs": (rows(_ID, _AT, "{'a': i} AS last_name"), NO_NAME),
    "nothing at all": (rows("i % 3 AS a", count=9), (*GRAIN, *VERSION, "fields: no column")),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_model_stops_where_a_person_must_decide(project: Project, name: str) -> None:
    """What cannot be known is an open question, with its evidence, and the draft is not used."""
    select, expected = AWKWARD[name]

    made = make(project, "awkward", select)

    for start in expected:
        assert any(q.startswith(start) for q in made.open_questions), made.open_questions
    assert "It cannot be used yet" in made.text


def test_two_keys_are_both_told(project: Project) -> None:
    """Of two proven grains one is chosen and the other named as a choice."""
    made = make(
        project,
        "two_keys",
        rows(
            "format('C-{:05d}', i) AS customer_id",
            "format('X-{:05d}', i) AS legacy_key",
            _AT,
            _NAME,
        ),
    )

    assert "grain: [customer_id]" in made.text or "grain: [legacy_key]" in made.text
    assert "also unique; choose it if it is what stays" in made.text


def test_two_columns_can_be_the_grain(project: Project) -> None:
    """Where no single column identifies a row, pairs are tried."""
    made = make(
        project,
        "pairs",
        rows("'A' || (i // 10) AS account_id", "'P' || (i % 10) AS product_id", _AT, _NAME),
    )

    assert "grain: [account_id, product_id]" in made.text


def test_personal_values_are_never_told(project: Project) -> None:
    """No value of a personal column stands in the draft or in its facts."""
    project.fill(50)
    found = look(project)
    made = draft(found)

    assert "@example.com" not in made.text
    assert all(c.values == () for c in found.facts.columns if c.data_class is not DataClass.NONE)
    assert found.facts.column("churn_band").values == ("High", "Low")


def test_the_same_model_gives_the_same_draft(project: Project) -> None:
    """Drafting is deterministic."""
    project.fill(50)

    assert draft(look(project)).text == draft(look(project)).text
