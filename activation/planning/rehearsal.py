"""A contract's own tests: what a row of the model becomes, without model or destination."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from activation.contract.model import Contract, MappingTest, NullPolicy, Scalar
from activation.contract.problem import At, Problem, suggestion
from activation.planning.mapping import PayloadField, payload_fields
from activation.planning.model import DestinationFacts
from activation.warehouse.functions import Functions
from activation.warehouse.port import Session
from activation.warehouse.sql import bound, is_null, named, text


def rehearse(session: Session, contract: Contract, facts: DestinationFacts) -> tuple[Problem, ...]:
    """
    Return where a test's row becomes something else than it expects.

    The same SQL does it that maps rows in a plan; given values go in as text, as a model's text
    column would hold them.
    """
    fields = payload_fields(contract, facts)
    problems: list[Problem] = []
    for index, test in enumerate(contract.tests):
        at: At = ("tests", index)
        unknown = list(_unknown(contract, test, at))
        problems += unknown or _differences(session, fields, test, at)
    return tuple(problems)


def _unknown(contract: Contract, test: MappingTest, at: At) -> Iterator[Problem]:
    columns = {mapping.column for mapping in contract.fields}
    for column in sorted(test.given.keys() - columns):
        near = suggestion(column, columns)
        yield Problem(f"test `{test.name}`: no field is made of `{column}`{near}", (*at, "given"))
    if isinstance(test.expect, str):
        return
    targets = {mapping.to for mapping in contract.fields}
    for target in sorted(test.expect.keys() - targets):
        near = suggestion(target, targets)
        yield Problem(f"test `{test.name}`: there is no field `{target}`{near}", (*at, "expect"))


def _differences(
    session: Session, fields: tuple[PayloadField, ...], test: MappingTest, at: At
) -> Iterator[Problem]:
    row = _carried_out(session, fields, test)
    held = sorted(f.mapping.to for f in fields if row[f"held_{f.place}"])
    if isinstance(test.expect, str):
        if not held:
            yield Problem(f"test `{test.name}`: the row is not held", (*at, "expect"))
        return
    if held:
        told = ", ".join(held)
        yield Problem(f"test `{test.name}`: the row is held because of {told}", (*at, "expect"))
        return
    for field in fields:
        if field.mapping.to not in test.expect:
            continue
        is_, wanted = row[f"is_{field.place}"], row[f"wanted_{field.place}"]
        if is_ != wanted:
            yield Problem(
                f"test `{test.name}`: {field.mapping.to} is {_told(is_)}, expected {_told(wanted)}",
                (*at, "expect", field.mapping.to),
            )


def _carried_out(
    session: Session, fields: tuple[PayloadField, ...], test: MappingTest
) -> dict[str, object]:
    functions = session.functions
    params: dict[str, object] = {}
    made: list[exp.Expr] = []
    expected = {} if isinstance(test.expect, str) else test.expect
    for field in fields:
        params[f"given_{field.place}"] = _written(test.given.get(field.mapping.column))
        params[f"expect_{field.place}"] = _written(expected.get(field.mapping.to))
        raw = text(bound(f"given_{field.place}"))
        value = field.value(functions, raw.copy(), is_text=True)
        holds = field.misfit(raw.copy(), is_text=True)
        if field.mapping.nulls is NullPolicy.HOLD:
            holds = exp.or_(holds, is_null(value.copy()))
        made += [
            named(_canonical(functions, field, value), f"is_{field.place}"),
            named(_canonical(functions, field, _expected(field)), f"wanted_{field.place}"),
            named(holds, f"held_{field.place}"),
        ]
    row: dict[str, object] = session.fetch(exp.select(*made), params).to_pylist()[0]
    return row


def _expected(field: PayloadField) -> exp.Expr:
    """Return what a test expects, in the field's type, as it is written."""
    wanted = text(bound(f"expect_{field.place}"))
    return exp.Cast(this=wanted, to=exp.DataType.build(field.sql_type))


def _canonical(functions: Functions, field: PayloadField, value: exp.Expr) -> exp.Expr:
    return functions.canonical(field.mapping.type.kind, value)


def _written(value: Scalar) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _told(value: object) -> str:
    return "empty" if value is None else f"`{value}`"
