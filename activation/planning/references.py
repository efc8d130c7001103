"""How far the data of the models reaches that a source is made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlglot import exp

from activation.contract.model import Contract
from activation.errors import ContractError
from activation.warehouse.port import Relation, Session
from activation.warehouse.sql import cast, column, named, table


def newest_references(
    session: Session, contract: Contract, relations: Sequence[Relation]
) -> Mapping[str, datetime | None]:
    """
    Return the newest data of each reference model, None if it is empty.

    `relations` stand in the order of the contract's references.

    Raises:
        ContractError: a reference model is not in the warehouse, or lacks its column.
    """
    found: dict[str, datetime | None] = {}
    for reference, relation in zip(contract.freshness.references, relations, strict=True):
        columns = {c.lower(): c for c in session.columns(relation.schema, relation.name)}
        if reference.column.lower() not in columns:
            raise ContractError(
                f"Reference model {relation.schema}.{relation.name} lacks {reference.column}.",
                hint="Build the model, or correct freshness.references.",
                sync=contract.sync,
            )
        reaches = cast(column(columns[reference.column.lower()]), "timestamp")
        query = exp.select(named(exp.Max(this=reaches), "newest")).from_(
            table(relation.name, relation.schema)
        )
        newest = session.fetch(query).to_pylist()[0]["newest"]
        found[reference.model] = newest.replace(tzinfo=UTC) if newest else None
    return found
