"""The port to a warehouse: short sessions, composed SQL in, Arrow out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from activation.warehouse.functions import Functions

SCHEMA = "activation"
"""The only schema that is written."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view that dbt built."""

    schema: str
    name: str


class Session(Protocol):
    """
    An open connection.

    Parameters are bound by name; those that a statement does not use are left out.
    """

    functions: Functions

    def execute(self, statement: exp.Expr, params: Mapping[str, object] | None = None) -> None:
        """Run a statement that returns nothing."""
        ...

    def fetch(self, query: exp.Expr, params: Mapping[str, object] | None = None) -> pa.Table:
        """Return all rows of a query."""
        ...

    def stream(
        self,
        query: exp.Expr,
        params: Mapping[str, object] | None = None,
        *,
        rows: int,
    ) -> Iterator[pa.Table]:
        """Yield the rows of a query, at most `rows` at a time."""
        ...

    def load(self, table_name: str, rows: pa.Table, *, append: bool = False) -> None:
        """Make (or add to) the temporary table of that name from Arrow."""
        ...

    def columns(self, schema: str | None, table: str) -> dict[str, str]:
        """
        Return the columns of a relation and their types, in order; empty if there is none.

        Without a schema, a temporary table is meant.
        """
        ...

    def tables(self, schema: str) -> list[str]:
        """Return the names of the relations in a schema, sorted."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Let all that is written inside stand together, or not at all."""
        ...


class Warehouse(Protocol):
    """Where the models live."""

    def session(self) -> AbstractContextManager[Session]:
        """
        Open a session for the time of a `with` block.

        Raises:
            Unavailable: the warehouse cannot be reached, or is held by another process.
        """
        ...
