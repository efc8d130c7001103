"""The changes of a model that cannot be read: none, in the same shape as any others."""

from __future__ import annotations

from sqlglot import exp

from activation.contract.consent import Consent
from activation.planning.changes import CHANGES, RESOLVED, Found
from activation.planning.mapping import SourceMapping
from activation.planning.payload import was
from activation.planning.state import empty
from activation.warehouse.port import Session
from activation.warehouse.sql import named, table, temporary

_COLUMNS = {
    "match_key": "text",
    "sync_key": "text",
    "source_key": "text",
    "known_key": "text",
    "version": "timestamp",
    "cohort": "double",
    "known_hash": "bigint",
    "known_nulls": "bigint",
    "known_version": "timestamp",
    "known_mapping": "text",
    "known_method": "text",
    "known_at": "timestamp",
    "row_hash": "bigint",
    "nulls": "bigint",
    "change": "text",
    "mapping_digest": "text",
    "destination_id": "text",
    "changed": "bigint",
    **RESOLVED,
}


def find_nothing(session: Session, mapping: SourceMapping) -> Found:
    """Make an empty table of changes for a model that lacks a mapped column."""
    empty_changes(session, mapping)
    relation = mapping.relation
    size = exp.select(named(exp.Count(this=exp.Star()), "rows")).from_(
        table(relation.name, relation.schema)
    )
    rows = session.fetch(size).to_pylist()[0]["rows"]
    return Found(
        rows=rows,
        null_keys=0,
        repeated_rows=0,
        keys=0,
        newest_version=None,
        delivered_before=0,
        known=0,
        lost=0,
    )


def empty_changes(session: Session, mapping: SourceMapping) -> None:
    """Make an empty table of changes."""
    consent = mapping.contract.consent
    subjects = len(consent.columns) if isinstance(consent, Consent) else 0
    columns = (
        _COLUMNS
        | {"source_hash": session.functions.fast_hash_type}
        | {f"subject_{i}": "text" for i in range(subjects)}
        | {was(f.place): "text" for f in mapping.fields if mapping.keeps_payload}
        | {f.column: f.sql_type for f in mapping.fields}
    )
    session.execute(temporary(CHANGES, empty(columns)))
