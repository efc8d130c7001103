"""What a rollback has brought about, by a read-back of the rows that it wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from activation.contract.model import Contract
from activation.planning.mapping import read_mapping
from activation.planning.model import Cause, DestinationFacts, Disposition, Models
from activation.planning.payload import has_bit, written
from activation.planning.read_backs import READ_BACK, load_read_back, theirs
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import column, either, is_null, named, not_null, table


@dataclass(frozen=True, slots=True)
class Restoration:
    """Rows that a rollback was to write, by what the destination shows of them."""

    restored: int
    """They hold what they held before."""
    removed: int
    """Records that had been created are gone."""
    differing: int
    """They do not show it, because they were refused, blocked, or changed since."""

    @property
    def whole(self) -> bool:
        """Tell whether all of it shows."""
        return not self.differing

    @property
    def sentence(self) -> str:
        """Return the counts in words."""
        rows = self.restored + self.removed + self.differing
        return (
            f"Read back: of {rows:,} rows, {self.restored:,} hold what they held before and "
            f"{self.removed:,} that had been created are gone; {self.differing:,} do not show it."
        )


def rollback_keys(session: Session, plan_table: str) -> list[str]:
    """Return the keys that a rollback writes."""
    query = exp.select(column("sync_key")).from_(table(plan_table, SCHEMA)).where(_sent())
    keys: list[str] = session.fetch(query.order_by("action_no"))["sync_key"].to_pylist()
    return keys


def restoration(  # noqa: PLR0913 - each is named
    session: Session,
    contract: Contract,
    models: Models,
    facts: DestinationFacts,
    *,
    plan_table: str,
    read_back: Sequence[pa.Table] | Iterable[pa.Table],
) -> Restoration:
    """Compare what a rollback wrote with what was read of it."""
    mapping = read_mapping(session, contract, models.source, facts)
    load_read_back(session, mapping, read_back, as_kept=True)
    gone = is_null(column("match_key", "r"))
    taken_back = exp.EQ(this=column("reason", "p"), expression=exp.Literal.string(Cause.TAKEN_BACK))
    wrong = either(
        exp.and_(
            has_bit(column("changed", "p"), f.place),
            exp.NullSafeNEQ(
                this=column(theirs(f), "r"),
                expression=written(mapping.functions, f.mapping.type.kind, column(f.column, "p")),
            ),
        )
        for f in mapping.fields
    )
    same = exp.and_(not_null(column("match_key", "r")), exp.not_(wrong))
    query = (
        exp.select(
            _count(exp.and_(exp.not_(taken_back), same), "restored"),
            _count(exp.and_(taken_back.copy(), gone), "removed"),
            named(exp.Count(this=exp.Star()), "rows"),
        )
        .from_(table(plan_table, SCHEMA, "p"))
        .join(
            table(READ_BACK, alias="r"),
            on=exp.EQ(
                this=mapping.match(column("sync_key", "p")), expression=column("match_key", "r")
            ),
            join_type="left",
        )
        .where(_sent("p"))
    )
    row = session.fetch(query).to_pylist()[0]
    return Restoration(
        row["restored"], row["removed"], row["rows"] - row["restored"] - row["removed"]
    )


def _sent(of: str | None = None) -> exp.EQ:
    return exp.EQ(this=column("disposition", of), expression=exp.Literal.string(Disposition.SEND))


def _count(condition: exp.Expr, alias: str) -> exp.Alias:
    return named(exp.Count(this=exp.case().when(condition, exp.Literal.number(1))), alias)
