"""Source, contract and destination fit: every field is there, writable, of a type that fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from activation.contract.destination import Mode
from activation.contract.model import Contract, DataClass, FieldKind, FieldMapping, NullPolicy
from activation.contract.problem import Problem, closed, suggestion
from activation.destinations.base import FieldSchema, ObjectSchema
from activation.gates.drift import drifts, seen
from activation.gates.past import NOTHING_PAST, Past
from activation.gates.verdict import Evidence, Gate, Verdict, approval_step
from activation.planning.model import Plan
from activation.planning.source_types import can_be_sent

_FITS = {
    FieldKind.TEXT: {FieldKind.TEXT},
    FieldKind.INTEGER: {FieldKind.INTEGER, FieldKind.DECIMAL},
    FieldKind.DECIMAL: {FieldKind.DECIMAL},
    FieldKind.BOOLEAN: {FieldKind.BOOLEAN},
    FieldKind.DATE: {FieldKind.DATE},
    FieldKind.TIMESTAMP: {FieldKind.TIMESTAMP},
}
_SHOWN_VALUES = 10


def schema_drift(
    contract: Contract, plan: Plan, schema: ObjectSchema, past: Past = NOTHING_PAST
) -> Verdict:
    """
    Fail if the destination could not take what the contract sends, or the source holds less.

    What changed on either side since the last plan that was delivered is told in any case.
    """
    now = seen(contract, plan, schema)
    changed = drifts(contract, plan, now, past)
    key = plan.longest.get(contract.destination.key)
    found = (
        *misfits(contract, schema, values=plan.values, longest_key=key),
        *unfit(contract, plan),
    )
    stopping = [drift for drift in changed if drift.stops]
    evidence: Evidence = {
        "fields": len(contract.fields),
        "changed": [drift.sentence for drift in changed],
    }
    since = f" Since the last plan: {'; '.join(d.sentence for d in changed)}." if changed else ""
    if found:
        more = f" And {len(found) - 1} more." if len(found) > 1 else ""
        return Verdict(
            Gate.SCHEMA,
            passed=False,
            summary=closed(f"{schema.name} does not fit the contract: {found[0].text}")
            + more
            + since,
            # What does not fit is refused there, whoever approves it here.
            evidence=evidence | {"problems": [one.text for one in found], "final": True},
            next_step=(
                f"Mend the field in the destination, or the contract: "
                f"`activation validate {contract.sync}`."
            ),
        )
    if stopping:
        return Verdict(
            Gate.SCHEMA,
            passed=False,
            summary=f"{contract.source.model} may hold less than it did.{since}",
            evidence=evidence,
            next_step=(
                f"See whether {contract.source.model} lost digits, times or letters. "
                f"{approval_step(plan, Gate.SCHEMA)}"
            ),
        )
    count = len(contract.fields)
    summary = f"{schema.name} takes the key and all {count} fields as the contract sends them."
    return Verdict(Gate.SCHEMA, passed=True, summary=summary + since, evidence=evidence)


def unfit(contract: Contract, plan: Plan) -> Iterator[Problem]:
    """Yield the fields whose column holds nothing that could be sent as their type."""
    for index, mapping in enumerate(contract.fields):
        kind = plan.source.columns.get(mapping.column.lower())
        if kind is not None and not can_be_sent(kind, mapping.type.kind):
            text = (
                f"column `{mapping.column}` of {contract.source.model} is {kind}; "
                f"the contract sends {mapping.type}"
            )
            yield Problem(text, ("fields", index, "column"))


def picklists(contract: Contract, schema: ObjectSchema) -> frozenset[str]:
    """Return the mapped fields whose values the destination restricts."""
    return frozenset(
        mapping.to
        for mapping in contract.fields
        if mapping.to in schema.fields and schema.fields[mapping.to].values is not None
    )


def misfits(
    contract: Contract,
    schema: ObjectSchema,
    *,
    values: Mapping[str, tuple[str, ...]] | None = None,
    longest_key: int | None = None,
) -> tuple[Problem, ...]:
    """
    Return what the destination could not take, and where the contract says so.

    Args:
        contract: what is sent.
        schema: what the destination describes.
        values: the distinct values to be sent, by field, of fields with a picklist.
        longest_key: the characters of the longest key to be sent.
    """
    return (
        *_object(contract, schema),
        *_key(contract, schema, longest_key),
        *_fields(contract, schema, values or {}),
        *_required(contract, schema),
    )


def _object(contract: Contract, schema: ObjectSchema) -> Iterator[Problem]:
    at = ("destination", "object")
    mode = contract.destination.mode
    for may, asked, verb in (
        (schema.creatable, mode is not Mode.UPDATE_ONLY, "create"),
        (schema.updatable, mode is not Mode.CREATE_ONLY, "update"),
        (schema.deletable, mode.removes, "delete"),
    ):
        if asked and not may:
            connection = contract.destination.connection
            yield Problem(f"the user of {connection} may not {verb} a {schema.name}", at)


def _key(contract: Contract, schema: ObjectSchema, longest: int | None) -> Iterator[Problem]:
    at, name = ("destination", "key"), contract.destination.key
    field = schema.fields.get(name)
    if field is None:
        near = suggestion(name, [f.name for f in schema.fields.values() if f.external_id])
        yield Problem(f"{schema.name} has no field `{name}` for the key{near}", at)
        return
    if field.kind is not FieldKind.TEXT:
        yield Problem(f"key `{name}` is {field.type}; a key is text", at)
    if not field.external_id:
        yield Problem(f"key `{name}` is not an external id, so records cannot be found by it", at)
    if not field.unique:
        yield Problem(f"key `{name}` is not unique, so one key could find two records", at)
    if not field.writable:
        yield Problem(f"key `{name}` is not writable for this user", at)
    if longest is not None and field.length is not None and longest > field.length:
        text = f"key `{name}` takes {field.length} characters; the longest key has {longest}"
        yield Problem(text, at)


def _fields(
    contract: Contract, schema: ObjectSchema, values: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    for index, mapping in enumerate(contract.fields):
        field = schema.field(mapping.to)
        at = ("fields", index, "to")
        if field is None:
            near = suggestion(mapping.to, [f.name for f in schema.fields.values() if f.writable])
            yield Problem(f"{schema.name} has no field `{mapping.to}`{near}", at)
            continue
        if not field.writable:
            yield Problem(f"field `{mapping.to}` is not writable for this user", at)
        for text in _type(mapping, field):
            yield Problem(f"field `{mapping.to}` {text}", ("fields", index, "type"))
        for text in _refused(mapping, field, values.get(mapping.to, ())):
            yield Problem(text, at)


def _type(mapping: FieldMapping, field: FieldSchema) -> Iterator[str]:
    """Yield what keeps values of the contract's type out of the field."""
    sent = mapping.type
    if sent.kind not in field.takes and field.kind not in _FITS[sent.kind]:
        yield f"is {field.type} ({field.kind}); the contract sends {sent}"
    elif sent.kind is FieldKind.TEXT:
        if None not in {sent.length, field.length} and (sent.length or 0) > (field.length or 0):
            yield f"takes {field.length} characters; the contract sends {sent}"
    elif sent.kind is FieldKind.DECIMAL:
        yield from _digits(mapping, field)


def _digits(mapping: FieldMapping, field: FieldSchema) -> Iterator[str]:
    sent = mapping.type
    scale, precision = sent.scale or 0, sent.precision or 0
    if field.scale is not None and scale > field.scale:
        yield f"keeps {field.scale} of the digits after the point; the contract sends {sent}"
    if field.precision is not None:
        whole = field.precision - (field.scale or 0)
        if precision - scale > whole:
            yield f"takes {whole} digits before the point; the contract sends {sent}"


def _refused(mapping: FieldMapping, field: FieldSchema, values: tuple[str, ...]) -> Iterator[str]:
    """Yield the values that are not in the field's picklist; personal ones are only counted."""
    if field.values is None:
        return
    accepted = set(field.values)
    refused = [value for value in values if value not in accepted]
    if not refused:
        return
    if mapping.data_class is not DataClass.NONE:
        count = f"{len(refused):,} value" + "s" * (len(refused) > 1)
        yield f"picklist `{mapping.to}` lacks {count} (personal, not shown)"
        return
    shown = ", ".join(repr(value) for value in refused[:_SHOWN_VALUES])
    more = len(refused) - _SHOWN_VALUES
    yield f"picklist `{mapping.to}` lacks {shown}" + (f" and {more:,} more" if more > 0 else "")


def _required(contract: Contract, schema: ObjectSchema) -> Iterator[Problem]:
    mapped = {mapping.to: index for index, mapping in enumerate(contract.fields)}
    for name, field in schema.fields.items():
        # What nobody can write, the vendor fills by itself.
        if not field.required or not field.writable or name == contract.destination.key:
            continue
        if name not in mapped:
            text = f"field `{name}` is required and not mapped, so no record can be created"
            yield Problem(text, ("fields",))
        elif contract.fields[mapped[name]].nulls is not NullPolicy.HOLD:
            text = f"field `{name}` is required, so a row without it must wait: `nulls: hold`"
            yield Problem(text, ("fields", mapped[name], "nulls"))
