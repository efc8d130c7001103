"""
SOQL into SQL: parsed by sqlglot, names taken from the describe documents, values bound.

Comparisons are two-valued as in SOQL: `!=` and `NOT` find empty fields too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from activation.sandbox.salesforce.errors import CallRefused, no_such_column
from activation.sandbox.salesforce.fields import NUMBERS
from activation.sandbox.salesforce.ids import SHORT, lengthen
from activation.sandbox.salesforce.records import marks, quoted
from activation.sandbox.salesforce.schema import Field, SObject
from activation.sandbox.salesforce.soql_text import Literal, malformed, parse, take_literals
from activation.sandbox.salesforce.values import Stored

MAX_OFFSET = 2000
_COMPARISONS: dict[type[exp.Expression], str] = {
    exp.EQ: "IS",
    exp.NEQ: "IS NOT",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
_AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Count: "count",
    exp.Min: "min",
    exp.Max: "max",
    exp.Sum: "sum",
    exp.Avg: "avg",
}
_MOMENTS = {"datetime": "moment", "date": "date"}


@dataclass(frozen=True, slots=True)
class Output:
    """One column of the answer: its path from the record, and its type."""

    path: tuple[str, ...]
    type: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query ready for SQLite."""

    sobject: SObject
    sql: str
    """Selects the record's id, the id of each parent in `parents`, then the outputs."""
    count_sql: str
    parameters: tuple[Stored, ...]
    outputs: tuple[Output, ...]
    parents: tuple[str, ...]
    is_count: bool
    is_aggregate: bool


@dataclass(slots=True)
class _Translation:
    """One query on its way into SQL."""

    sobject: SObject
    parent_of: Callable[[Field], SObject | None]
    aliases: frozenset[str]
    literals: list[Literal]
    parameters: list[Stored] = field(default_factory=list)
    joins: dict[str, Field] = field(default_factory=dict)

    def column(self, node: exp.Expression) -> tuple[str, tuple[str, ...], Field]:
        """Return a column's SQL, its path in the answer and its field."""
        if not isinstance(node, exp.Column):
            raise malformed(f"unexpected token: '{node.sql()}'")
        parts = [part.name for part in node.parts]
        if len(parts) > 1 and parts[0].lower() in self.aliases:
            parts = parts[1:]
        if len(parts) == 1:
            known = self.sobject.field(parts[0])
            if known is None:
                raise no_such_column(parts[0], self.sobject.name)
            return f"t.{quoted(known.name)}", (known.name,), known
        lookup = self.sobject.parents.get(parts[0].lower())
        parent = None if lookup is None else self.parent_of(lookup)
        if lookup is None or parent is None or len(parts) > 2:  # noqa: PLR2004
            message = f"Didn't understand relationship '{parts[0]}' in field path."
            raise CallRefused(400, "INVALID_FIELD", message)
        known = parent.field(parts[1])
        if known is None:
            raise no_such_column(parts[1], parent.name)
        relationship = str(lookup.document["relationshipName"])
        self.joins[relationship] = lookup
        return f"{quoted(relationship)}.{quoted(known.name)}", (relationship, known.name), known

    def condition(self, node: exp.Expression) -> str:
        """Return a condition in SQL; its values go to `parameters` in order."""
        if isinstance(node, exp.Paren):
            return f"({self.condition(node.this)})"
        if isinstance(node, exp.And | exp.Or):
            word = "AND" if isinstance(node, exp.And) else "OR"
            return f"({self.condition(node.this)} {word} {self.condition(node.expression)})"
        if isinstance(node, exp.Not):
            return f"(NOT {self.condition(node.this)})"
        return self._comparison(node)

    def _comparison(self, node: exp.Expression) -> str:
        sql, _, known = self.column(node.this) if node.this else ("", (), None)
        if known is None:
            raise malformed(f"unexpected token: '{node.sql()}'")
        if isinstance(node, exp.In):
            values = [self.value(known, part) for part in node.expressions]
            if not values:
                raise malformed("unexpected token: ')'")
            self.parameters += values
            within = f"{sql} IN ({marks(len(values))})"
            return (
                f"({within} AND {sql} IS NOT NULL)"
                if None not in values
                else (f"({within} OR {sql} IS NULL)")
            )
        if isinstance(node, exp.Like):
            self.value(known, node.expression)
            self.parameters.append(self._literal(node.expression).pattern)
            return f"({sql} LIKE ? ESCAPE '\\' AND {sql} IS NOT NULL)"
        operator = _COMPARISONS.get(type(node))
        if operator is None:
            raise malformed(f"unexpected token: '{node.sql()}'")
        self.parameters.append(self.value(known, node.expression))
        if operator in ("IS", "IS NOT"):
            return f"{sql} {operator} ?"
        return f"({sql} {operator} ? AND {sql} IS NOT NULL)"

    def value(self, known: Field, node: exp.Expression) -> Stored:
        """Return a value in the form in which the field stores it."""
        literal = self._literal(node)
        kind, value = literal.kind, literal.value
        if kind == "null":
            return None
        if known.type in NUMBERS or known.type == "int":
            wanted = "number"
        else:
            wanted = _MOMENTS.get(known.type, known.type if known.type == "boolean" else "text")
        if kind != wanted:
            quotes = "should not" if kind == "text" else "should"
            message = (
                f"value of filter criterion for field '{known.name}' must be of type {known.type}"
                f" and {quotes} be enclosed in quotes"
            )
            raise CallRefused(400, "INVALID_FIELD", message)
        if known.type in ("id", "reference") and len(str(value)) == SHORT:
            return lengthen(str(value))
        return value

    def _literal(self, node: exp.Expression) -> Literal:
        if isinstance(node, exp.Placeholder):
            return self.literals[int(str(node.this)[1:])]
        if isinstance(node, exp.Null):
            return Literal("null", None)
        if isinstance(node, exp.Boolean):
            return Literal("boolean", int(node.this))
        sign = -1 if isinstance(node, exp.Neg) else 1
        number = node.this if isinstance(node, exp.Neg) else node
        if isinstance(number, exp.Literal) and not number.is_string:
            return Literal("number", sign * float(number.name))
        raise malformed(f"unexpected token: '{node.sql()}'")

    def order(self, node: exp.Ordered, *, says_nulls: bool) -> str:
        """Return one ORDER BY term; empty fields come first unless the query says otherwise."""
        sql, _, _ = self.column(node.this)
        first = bool(node.args.get("nulls_first")) if says_nulls else True
        way = "DESC" if node.args.get("desc") else "ASC"
        return f"{sql} {way} NULLS {'FIRST' if first else 'LAST'}"

    def source(self) -> str:
        """Return the FROM clause with the joins that were used."""
        sql = f"{quoted(self.sobject.table)} AS t"
        for relationship, lookup in self.joins.items():
            parent = self.parent_of(lookup)
            if parent is not None:
                alias = quoted(relationship)
                sql += (
                    f" LEFT JOIN {quoted(parent.table)} AS {alias}"
                    f' ON {alias}."Id" = t.{quoted(lookup.name)}'
                )
        return sql


def translate(
    text: str,
    object_of: Callable[[str], SObject | None],
    *,
    includes_deleted: bool,
) -> Query:
    """
    Return a query in SQL.

    Raises:
        CallRefused: it cannot be understood, or names what does not exist.
    """
    bare, literals = take_literals(text)
    tree = parse(bare)
    table = tree.args["from_"].this
    if not isinstance(table, exp.Table):
        raise malformed("unexpected token: '('")
    sobject = object_of(table.name)
    if sobject is None:
        message = f"sObject type '{table.name}' is not supported."
        raise CallRefused(400, "INVALID_TYPE", message)
    work = _Translation(
        sobject,
        lambda lookup: object_of(lookup.target),
        frozenset({table.alias.lower(), sobject.name.lower()} - {""}),
        literals,
    )
    is_count, selected, is_aggregate = _select(tree.expressions, work)
    conditions = [] if includes_deleted else ['t."IsDeleted" = 0']
    if where := tree.args.get("where"):
        conditions.append(work.condition(where.this))
    says_nulls = re.search(r"\bnulls\b", bare, re.IGNORECASE) is not None
    order = tree.args.get("order")
    terms = [work.order(o, says_nulls=says_nulls) for o in order.expressions] if order else []
    body = f"FROM {work.source()}" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
    tail = (f" ORDER BY {','.join(terms)}" if terms else "") + _window(tree)
    parents = tuple(sorted({path[0] for _, path, _ in selected if len(path) > 1}))
    identity = [] if is_aggregate else ['t."Id"', *(f'{quoted(p)}."Id"' for p in parents)]
    columns = ",".join([*identity, *(sql for sql, _, _ in selected)]) or "1"
    return Query(
        sobject=sobject,
        sql=f"SELECT {columns} {body}{tail}",
        count_sql=f"SELECT count(*) FROM (SELECT 1 {body}{_window(tree)})",  # noqa: S608
        parameters=tuple(work.parameters),
        outputs=tuple(Output(path, kind) for _, path, kind in selected),
        parents=parents,
        is_count=is_count,
        is_aggregate=is_aggregate,
    )


def _select(
    expressions: list[exp.Expression], work: _Translation
) -> tuple[bool, list[tuple[str, tuple[str, ...], str]], bool]:
    """Return whether it is COUNT(), the columns (SQL, path, type), whether it aggregates."""
    if len(expressions) == 1 and isinstance(expressions[0], exp.Count) and not expressions[0].this:
        return True, [], False
    if not expressions:
        raise malformed("unexpected token: 'FROM'")
    aggregates = [isinstance(node.unalias(), tuple(_AGGREGATES)) for node in expressions]
    if not any(aggregates):
        columns = [work.column(node) for node in expressions]
        return False, [(sql, path, known.type) for sql, path, known in columns], False
    if not all(aggregates):
        raise malformed("The sandbox does not understand GROUP BY")
    selected: list[tuple[str, tuple[str, ...], str]] = []
    for place, node in enumerate(expressions):
        call = node.unalias()
        sql, _, known = work.column(call.this)
        name = node.alias or f"expr{place}"
        kind = known.type if isinstance(call, exp.Min | exp.Max) else "double"
        selected.append((f"{_AGGREGATES[type(call)]}({sql})", (name,), kind))
    return False, selected, True


def _window(tree: exp.Select) -> str:
    limit, offset = tree.args.get("limit"), tree.args.get("offset")
    rows = _whole(limit) if limit else -1
    skipped = _whole(offset) if offset else 0
    if skipped > MAX_OFFSET:
        message = f"Maximum SOQL offset allowed is {MAX_OFFSET}"
        raise CallRefused(400, "NUMBER_OUTSIDE_VALID_RANGE", message)
    return f" LIMIT {rows} OFFSET {skipped}" if limit or offset else ""


def _whole(clause: exp.Expression) -> int:
    number = clause.expression
    if isinstance(number, exp.Literal) and number.name.isdigit():
        return int(number.name)
    raise malformed("LIMIT and OFFSET take whole numbers")
