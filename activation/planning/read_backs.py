"""What the destination holds, brought into the shape of what was sent."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from sqlglot import exp

from activation.planning.mapping import PayloadField, SourceMapping
from activation.planning.payload import written
from activation.planning.state import empty
from activation.warehouse.port import Session
from activation.warehouse.sql import (
    cast,
    column,
    joined,
    name,
    named,
    not_null,
    table,
    temporary,
    text,
)

READ_BACK = "activation_read_back"
"""
The temporary table of records: `match_key`, `sync_key`, `destination_id`, the fields as in plans.

Where a plan depends on what is there, it has `theirs_0`..., each field as a payload is kept,
and `modified`, when the record was last changed, if the contract names the field.
"""
TWICE = "activation_read_twice"
"""The temporary table of keys that more than one record has: `match_key`."""

_PAGE = "activation_read_page"
_ALL = "activation_read_all"


def load_read_back(
    session: Session,
    mapping: SourceMapping,
    pages: pa.Table | Iterable[pa.Table],
    *,
    as_kept: bool | None = None,
) -> None:
    """
    Cast and normalise the records as the planner does, and keep one record a key.

    With `as_kept`, each field stands there as a payload is kept, too; None leaves it to the
    contract's conflicts.
    """
    held = mapping.contract.conflicts.reads if as_kept is None else as_kept
    columns = {"match_key": "text", "sync_key": "text", "destination_id": "text"}
    columns |= {f.column: f.sql_type for f in mapping.fields}
    if held:
        columns |= {theirs(f): "text" for f in mapping.fields} | {"modified": "timestamp"}
    session.execute(temporary(_ALL, empty(columns)))
    for page in [pages] if isinstance(pages, pa.Table) else pages:
        if page.num_rows:
            session.load(_PAGE, page)
            session.execute(
                exp.Insert(this=table(_ALL), expression=_normalised(mapping, page, held=held))
            )
    repeated = (
        exp.select(column("match_key"))
        .from_(table(_ALL))
        .group_by(column("match_key"))
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
    )
    session.execute(temporary(TWICE, repeated))
    size = exp.select(named(exp.Count(this=exp.Star()), "n")).from_(table(TWICE))
    kept: exp.Expr = exp.Literal.number(1)
    if session.fetch(size).to_pylist()[0]["n"]:
        kept = exp.Window(
            this=exp.RowNumber(),
            partition_by=[column("match_key")],
            order=exp.Order(expressions=[exp.Ordered(this=column("destination_id"))]),
        )
    numbered = exp.select(exp.Star(), named(kept, "place")).from_(table(_ALL))
    once = (
        exp.select(*(column(c) for c in columns))
        .from_(numbered.subquery(name("n")))
        .where(exp.EQ(this=column("place"), expression=exp.Literal.number(1)))
    )
    session.execute(temporary(READ_BACK, once))
    session.execute(exp.Drop(tables=[table(_ALL)], kind="TABLE"))


def theirs(field: PayloadField) -> str:
    """Return the column that has what the destination holds, as a payload is kept."""
    return f"theirs_{field.place}"


def _normalised(mapping: SourceMapping, page: pa.Table, *, held: bool) -> exp.Select:
    key = exp.Nullif(
        this=exp.Trim(this=text(column("sync_key", "p"))), expression=exp.Literal.string("")
    )
    return (
        exp.select(
            named(mapping.match(key), "match_key"),
            named(key.copy(), "sync_key"),
            named(text(column("destination_id", "p")), "destination_id"),
            *(
                named(
                    f.held(
                        mapping.functions,
                        column(f.mapping.to, "p"),
                        is_text=_is_text(page.schema.field(f.mapping.to).type),
                    ),
                    f.column,
                )
                for f in mapping.fields
            ),
            *(_held(mapping, page) if held else ()),
        )
        .from_(table(_PAGE, alias="p"))
        .where(not_null(key.copy()))
    )


def _held(mapping: SourceMapping, page: pa.Table) -> list[exp.Expr]:
    """Return what conflicts and rollbacks are decided by."""
    conflicts = mapping.contract.conflicts
    found: list[exp.Expr] = []
    for f in mapping.fields:
        raw = column(f.mapping.to, "p")
        is_text = _is_text(page.schema.field(f.mapping.to).type)
        value = f.held(mapping.functions, raw, is_text=is_text)
        kept = written(mapping.functions, f.mapping.type.kind, value)
        # What a person wrote may not fit our type; it is not nothing.
        strange = joined([exp.Literal.string("="), text(raw.copy())])
        case = exp.case().when(f.misfit(raw.copy(), is_text=is_text), strange).else_(kept)
        found.append(named(case, theirs(f)))
    modified: exp.Expr = exp.null()
    if conflicts.modified is not None and conflicts.modified in page.column_names:
        modified = column(conflicts.modified, "p")
    return [*found, named(cast(modified, "timestamp"), "modified")]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
