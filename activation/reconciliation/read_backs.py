"""What the destination holds, brought into the shape of what was sent."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from sqlglot import exp

from activation.planning.mapping import SourceMapping
from activation.planning.state import empty
from activation.warehouse.port import Session
from activation.warehouse.sql import column, name, named, not_null, table, temporary, text

READ_BACK = "activation_read_back"
"""The temporary table of records: `match_key`, `sync_key`, and the fields as in plans."""
TWICE = "activation_read_twice"
"""The temporary table of keys that more than one record has: `match_key`."""

_PAGE = "activation_read_page"
_ALL = "activation_read_all"


def load_read_back(
    session: Session, mapping: SourceMapping, pages: pa.Table | Iterable[pa.Table]
) -> None:
    """Cast and normalise the records as the planner does, and keep one record a key."""
    columns = {"match_key": "text", "sync_key": "text", "destination_id": "text"}
    columns |= {f.column: f.sql_type for f in mapping.fields}
    session.execute(temporary(_ALL, empty(columns)))
    for page in [pages] if isinstance(pages, pa.Table) else pages:
        if page.num_rows:
            session.load(_PAGE, page)
            session.execute(exp.Insert(this=table(_ALL), expression=_normalised(mapping, page)))
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


def _normalised(mapping: SourceMapping, page: pa.Table) -> exp.Select:
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
                    f.value(
                        mapping.functions,
                        column(f.mapping.to, "p"),
                        is_text=_is_text(page.schema.field(f.mapping.to).type),
                    ),
                    f.column,
                )
                for f in mapping.fields
            ),
        )
        .from_(table(_PAGE, alias="p"))
        .where(not_null(key.copy()))
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
