"""Checks a contract against what dbt knows of the models it reads."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activation.contract.consent import Consent
from activation.contract.document import shown
from activation.contract.model import Contract
from activation.contract.problem import At, Problem, suggestion
from activation.errors import ConfigurationError

CONSENT_COLUMNS = ("purpose", "channel", "status", "loaded_at")
"""What every consent model has; `loaded_at` tells how far its data reaches."""


@dataclass(frozen=True, slots=True)
class Model:
    """One dbt model: where it stands in the warehouse, and its documented columns."""

    name: str
    database: str | None
    schema: str
    identifier: str
    relation: str | None
    """The quoted name as dbt writes it; None if the model makes no table or view."""
    columns: Mapping[str, str | None]
    """Column: type, if documented. Empty if no column is documented."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The models of a dbt project, by name."""

    models: Mapping[str, Model]


def load_manifest(path: Path) -> Manifest:
    """
    Read the models out of dbt's manifest.json.

    Raises:
        ConfigurationError: there is no manifest, or it is none.
    """
    remedy = "Run `make setup`, or `dbt parse` in the dbt project."
    try:
        nodes = json.loads(path.read_bytes())["nodes"].values()
        models = {node["name"]: _model(node) for node in nodes if _is_current(node)}
    except FileNotFoundError:
        message = f"there is no dbt manifest at {shown(path)}."
        raise ConfigurationError(message, hint=remedy) from None
    except OSError as error:
        message = f"{shown(path)} cannot be read ({type(error).__name__})."
        raise ConfigurationError(message, hint="Check that you may read it.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        message = f"{shown(path)} is not a dbt manifest."
        raise ConfigurationError(message, hint=remedy) from None
    return Manifest(models)


def check_source(contract: Contract, manifest: Manifest) -> tuple[Problem, ...]:
    """
    Return what the contract asks of its models that dbt does not know of.

    Columns are checked against the documented ones; a model that documents none is not judged.
    `loading.place` adds file and line.
    """
    return (
        *_source(contract, manifest),
        *_consent(contract, manifest),
        *_references(contract, manifest),
    )


def _source(contract: Contract, manifest: Manifest) -> Iterator[Problem]:
    source = contract.source
    model = manifest.models.get(source.model)
    yield from _absent(model, source.model, ("source", "model"), manifest)
    if model is None:
        return
    for index, column in enumerate(source.grain):
        yield from _lacking(model, column, ("source", "grain", index))
    yield from _lacking(model, source.version, ("source", "version"))
    kind = model.columns.get(source.version)
    if kind is not None and not _is_moment(kind):
        text = (
            f"`source.version` is `{source.version}`, documented as {kind}; "
            "it must be a timestamp, for the age of the data is read from it"
        )
        yield Problem(text, ("source", "version"))
    for index, mapping in enumerate(contract.fields):
        yield from _lacking(model, mapping.column, ("fields", index, "column"))


def _consent(contract: Contract, manifest: Manifest) -> Iterator[Problem]:
    consent = contract.consent
    if not isinstance(consent, Consent):
        return
    for index, source in enumerate(consent.sources):
        at = ("consent", "sources", index)
        model = manifest.models.get(source.model)
        yield from _absent(model, source.model, (*at, "model"), manifest)
        if model is None:
            continue
        # The joined source columns are grain, and the grain is checked.
        for source_column, column in source.join.items():
            yield from _lacking(model, column, (*at, "join", source_column))
        for column in CONSENT_COLUMNS:
            if model.columns and column not in model.columns:
                text = (
                    f"consent model `{model.name}` has no column `{column}`; "
                    f"a consent model has {_and(CONSENT_COLUMNS)}"
                )
                yield Problem(text, (*at, "model"))


def _references(contract: Contract, manifest: Manifest) -> Iterator[Problem]:
    for index, reference in enumerate(contract.freshness.references):
        at = ("freshness", "references", index)
        model = manifest.models.get(reference.model)
        yield from _absent(model, reference.model, (*at, "model"), manifest)
        if model is not None:
            yield from _lacking(model, reference.column, (*at, "column"))


def _absent(model: Model | None, name: str, at: At, manifest: Manifest) -> Iterator[Problem]:
    if model is None:
        hint = suggestion(name, manifest.models.keys())
        yield Problem(f"the dbt project has no model `{name}`{hint}", at)
    elif model.relation is None:
        text = f"model `{name}` is ephemeral, so there is nothing to read; make it a table or view"
        yield Problem(text, at)


def _lacking(model: Model, column: str, at: At) -> Iterator[Problem]:
    if model.columns and column not in model.columns:
        hint = suggestion(column, model.columns.keys())
        yield Problem(f"model `{model.name}` has no column `{column}`{hint}", at)


def _and(words: Collection[str]) -> str:
    *most, last = (f"`{word}`" for word in words)
    return f"{', '.join(most)} and {last}"


def _is_moment(kind: str) -> bool:
    return any(word in kind.casefold() for word in ("timestamp", "datetime"))


def _is_current(node: Mapping[str, Any]) -> bool:
    """Tell whether a node is a model that `ref` without a version finds."""
    is_model: bool = node["resource_type"] == "model"
    return is_model and node.get("version") == node.get("latest_version")


def _model(node: Mapping[str, Any]) -> Model:
    return Model(
        name=node["name"],
        database=node.get("database"),
        schema=node["schema"],
        identifier=node.get("alias") or node["name"],
        relation=node.get("relation_name"),
        columns={name: column.get("data_type") for name, column in node["columns"].items()},
    )
