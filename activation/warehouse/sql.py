"""The few builders that all composed SQL is made of: names are quoted, values are bound."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp


def name(text: str) -> exp.Identifier:
    """Return a quoted identifier."""
    return exp.to_identifier(text, quoted=True)


def table(text: str, schema: str | None = None, alias: str | None = None) -> exp.Table:
    """Return a table by its quoted name."""
    return exp.Table(
        this=name(text),
        db=name(schema) if schema else None,
        alias=exp.TableAlias(this=name(alias)) if alias else None,
    )


def column(text: str, of: str | None = None) -> exp.Column:
    """Return a column by its quoted name, of a table or alias if given."""
    return exp.Column(this=name(text), table=name(of) if of else None)


def bound(text: str) -> exp.Placeholder:
    """Return the place of a value that is bound by name."""
    return exp.Placeholder(this=text)


def type_of(kind: str) -> exp.DataType:
    """Return a type by DuckDB's name of it; each dialect renders its own."""
    return exp.DataType.build(kind, dialect="duckdb")


def cast(value: exp.Expr, to: str) -> exp.Cast:
    """Return a cast that fails where the value does not fit."""
    return exp.Cast(this=value, to=type_of(to))


def text(value: exp.Expr) -> exp.Cast:
    """Return the value as text."""
    return cast(value, "text")


def named(value: exp.Expr, alias: str) -> exp.Alias:
    """Return the value under a quoted name."""
    return exp.Alias(this=value, alias=name(alias))


def differs(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Return whether two values differ, where null equals null."""
    return exp.NullSafeNEQ(this=left, expression=right)


def is_null(value: exp.Expr) -> exp.Expr:
    """Return whether the value is null."""
    return exp.Is(this=value, expression=exp.null())


def not_null(value: exp.Expr) -> exp.Expr:
    """Return whether the value is not null."""
    return exp.Not(this=is_null(value))


def either(conditions: Iterable[exp.Expr]) -> exp.Expr:
    """Return whether one of the conditions holds; false if there is none."""
    found = list(conditions)
    return exp.or_(*found) if found else exp.false()


def joined(parts: Iterable[exp.Expr]) -> exp.Expr:
    """Return texts one behind the other; null if one of them is null."""
    first, *rest = parts
    for part in rest:
        first = exp.DPipe(this=first, expression=part, safe=True)
    return first


def temporary(table_name: str, query: exp.Query) -> exp.Create:
    """Return the statement that makes a temporary table of a query, replacing the last one."""
    return exp.Create(
        this=table(table_name),
        kind="TABLE",
        replace=True,
        expression=query,
        properties=exp.Properties(expressions=[exp.TemporaryProperty()]),
    )
