"""
A replay as a plan: of the keys of some dead letters, as their rows are now, and of no others.

Letters name rows by keyed hashes, which are not made in the warehouse, so that the rows that
changed are looked at here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa
from sqlglot import exp

from activation.hash_keys import HashKeys
from activation.planning.changes import CHANGES
from activation.planning.mapping import SourceMapping
from activation.planning.model import Disposition
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import column, table

_ONLY = "activation_only"
_AT_ONCE = 50_000


def keep_only(
    session: Session, mapping: SourceMapping, only: Collection[str], names: HashKeys
) -> None:
    """Take all changes out but those of these keys, which are told by their names."""
    query = exp.select(column("match_key"), column("sync_key")).from_(table(CHANGES))
    sync = mapping.contract.sync
    kept = [
        row["match_key"]
        for page in session.stream(query, rows=_AT_ONCE)
        for row in page.to_pylist()
        if any(name in only for name in names.rows(sync, row["sync_key"]))
    ]
    session.load(_ONLY, pa.table({"match_key": pa.array(sorted(set(kept)), pa.string())}))
    wanted = exp.select(column("match_key")).from_(table(_ONLY)).subquery()
    others = exp.not_(exp.In(this=column("match_key"), query=wanted))
    session.execute(exp.Delete(this=table(CHANGES), where=exp.Where(this=others)))


def dispositions(
    session: Session, sync: str, plan_table: str, names: HashKeys
) -> Mapping[str, Disposition]:
    """Return what a frozen plan has in mind for each row, under each of its names."""
    return dict(_named(session, sync, plan_table, names))


def _named(
    session: Session, sync: str, plan_table: str, names: HashKeys
) -> Iterator[tuple[str, Disposition]]:
    query = exp.select(column("sync_key"), column("disposition")).from_(table(plan_table, SCHEMA))
    for page in session.stream(query, rows=_AT_ONCE):
        for row in page.to_pylist():
            for name in names.rows(sync, row["sync_key"]):
                yield name, Disposition(row["disposition"])
