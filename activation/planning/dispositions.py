"""
What the plan has in mind for each change: send it, block it or hold it, and why.

What is sent tells why only if it has a cause beyond the row itself.
When several reasons keep an action back, the first of these is told: a person who was erased or
suppressed, consent, an attempt in doubt,
a value that does not fit, an empty field that must not be, a payload that was rejected before,
what the destination's record makes of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from activation.contract.consent import Consent, Revoked
from activation.contract.destination import Mode
from activation.contract.model import Contract
from activation.contract.people import whom
from activation.contract.rollback import Created
from activation.destinations.base import Operation
from activation.destinations.traits import Verb
from activation.errors import Refused
from activation.planning.changes import CHANGES
from activation.planning.consent import (
    ConsentView,
    blocked_reason,
    consent_params,
    with_statuses,
)
from activation.planning.mapping import SourceMapping, held_nulls
from activation.planning.model import (
    REJECTED_SCHEMA,
    TAKES_AWAY,
    Cause,
    Disposition,
    HeldReason,
    PlanInputs,
)
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import (
    bound,
    cast,
    column,
    is_null,
    name,
    named,
    not_null,
    table,
    temporary,
)

VERBS = {
    Mode.UPSERT: Verb.UPSERT,
    Mode.UPDATE_ONLY: Verb.UPDATE,
    Mode.CREATE_ONLY: Verb.CREATE,
    Mode.MIRROR: Verb.UPSERT,
    Mode.AUDIENCE: Verb.UPSERT,
}
"""What is asked for of rows that the model has; what it no longer has is removed."""

_REVOCATION_VERBS = {
    Revoked.LEAVE: Verb.REMOVE,
    Revoked.ARCHIVE: Verb.REMOVE,
    Revoked.DELETE: Verb.ERASE,
}
_TAKE_BACK_VERBS = {Created.ARCHIVE: Verb.REMOVE, Created.DELETE: Verb.ERASE}
"""What else is done about a withdrawal is an update: a record that is gone must not come back."""

ACTIONS = "activation_actions"
"""The temporary table of actions: the columns of `CHANGES`, and what is told at `judge`."""

_REJECTED = "activation_rejected"
_REJECTED_KEYS = pa.schema({"match_key": pa.string()})
_REFUSED = "activation_refused"
_WITHHELD = "activation_withheld"
_WITHHELD_SCHEMA = pa.schema({"match_key": pa.string(), "why": pa.string()})
_ROWS_LOOKED_AT = 50_000
IN_DOUBT = "activation_in_doubt"
"""The temporary table of keys that an earlier attempt may yet reach: `match_key`."""


def judge(
    session: Session,
    mapping: SourceMapping,
    inputs: PlanInputs,
    views: Sequence[ConsentView],
) -> None:
    """
    Make `ACTIONS` from the changes: `operation`, `verb`, `disposition`, `reason`, `action_no`.

    Rows to send are numbered from 0 on: what withdrawn consent asks for, removals, updates,
    creations, each by key; others have no number.

    Raises:
        Refused: a plan with an attempt in doubt is no longer there.
    """
    params = consent_params(mapping.contract)
    _note_rejected(session, mapping, inputs)
    _note_in_doubt(session, mapping, inputs)
    _note_withheld(session, mapping, inputs)
    reasons = _with_reasons(mapping, inputs, views)
    session.execute(temporary(ACTIONS, _numbered(reasons, mapping.contract)), params)


def _note_in_doubt(session: Session, mapping: SourceMapping, inputs: PlanInputs) -> None:
    schema = pa.schema({"match_key": pa.string()})
    session.load(IN_DOUBT, schema.empty_table())
    for doubtful in inputs.in_doubt:
        if not session.columns(SCHEMA, doubtful.table):
            raise Refused(
                f"Plan {doubtful.table} has attempts in doubt, but its actions are gone.",
                hint="Reconcile the sync, so that these attempts are settled.",
                sync=mapping.contract.sync,
            )
        keys = (
            exp.select(named(mapping.match(column("sync_key", "p")), "match_key"))
            .from_(table(doubtful.table, SCHEMA, "p"))
            .where(exp.GTE(this=column("action_no", "p"), expression=bound("first")))
            .where(exp.LTE(this=column("action_no", "p"), expression=bound("last")))
        )
        insert = exp.Insert(this=table(IN_DOUBT), expression=keys)
        session.execute(insert, {"first": doubtful.first, "last": doubtful.last})


def _note_withheld(session: Session, mapping: SourceMapping, inputs: PlanInputs) -> None:
    """
    Note the changed rows of people who were erased or suppressed.

    They are known by keyed hashes, which are not made in the warehouse: its log would hold the
    key.  Only rows that changed are looked at, and none while nobody is known.
    """
    session.load(_WITHHELD, _WITHHELD_SCHEMA.empty_table())
    withheld, of = inputs.withheld, whom(mapping.contract)
    if withheld is None or of is None:
        return
    changed = _changed(mapping).subquery(name("x"))
    query = exp.select(column("match_key", "x"), column("sync_key", "x")).from_(changed)
    found: list[dict[str, str]] = []
    for page in session.stream(query, rows=_ROWS_LOOKED_AT):
        keys = zip(page["match_key"].to_pylist(), page["sync_key"].to_pylist(), strict=True)
        found += [
            {"match_key": match, "why": why} for match, key in keys if (why := withheld(of(key)))
        ]
    if found:
        session.load(_WITHHELD, pa.Table.from_pylist(found, _WITHHELD_SCHEMA), append=True)


def _with_reasons(
    mapping: SourceMapping, inputs: PlanInputs, views: Sequence[ConsentView]
) -> exp.Select:
    changes = _changed(mapping)
    joined = exp.select().from_(changes.subquery(name("c")))
    joined = with_statuses(joined, views, changes, "match_key", "c")
    blocked = blocked_reason(views) if views else cast(exp.null(), "text")
    if inputs.withheld is not None:
        withheld = exp.select(column("match_key"), column("why")).distinct()
        joined = _left_join(joined, withheld.from_(table(_WITHHELD)), "w")
        blocked = exp.Coalesce(this=column("why", "w"), expressions=[blocked])

    values = [column(f.column, "c") for f in mapping.fields]
    held = exp.case()
    if inputs.in_doubt:
        doubtful = exp.select(column("match_key")).distinct().from_(table(IN_DOUBT))
        joined = _left_join(joined, doubtful, "d")
        held = held.when(
            not_null(column("match_key", "d")), exp.Literal.string(HeldReason.IN_DOUBT)
        )
    held = held.when(is_null(column("row_hash", "c")), exp.Literal.string(HeldReason.INVALID))
    taken_away = exp.In(
        this=column("cause", "c"), expressions=[exp.Literal.string(cause) for cause in TAKES_AWAY]
    )
    from_the_model = exp.or_(is_null(column("cause", "c")), exp.not_(taken_away))
    held = held.when(
        exp.and_(
            from_the_model,
            exp.not_(_is_cause("c", Cause.RESTORED)),
            held_nulls(mapping.fields, values),
        ),
        exp.Literal.string(HeldReason.NULL),
    )
    if inputs.rejected.num_rows:
        refused = exp.select(column("match_key")).from_(table(_REJECTED))
        joined = _left_join(joined, refused, "r")
        held = held.when(
            not_null(column("match_key", "r")),
            exp.Literal.string(HeldReason.REJECTED_BEFORE),
        )
    held = held.when(not_null(column("wait", "c")), column("wait", "c"))
    return joined.select(
        exp.Column(this=exp.Star(), table=name("c")),
        # Nobody has to agree to being left alone.
        named(exp.case().when(from_the_model.copy(), blocked), "blocked"),
        named(held, "held"),
    )


def _changed(mapping: SourceMapping) -> exp.Select:
    kinds = ["create", "delete"]
    if mapping.contract.destination.mode is not Mode.CREATE_ONLY:
        kinds.append("update")
    wanted = [exp.Literal.string(kind) for kind in kinds]
    is_wanted = exp.In(this=column("change"), expressions=wanted)
    return (
        exp.select(exp.Star())
        .from_(table(CHANGES))
        .where(exp.or_(is_wanted, not_null(column("cause"))))
    )


def _note_rejected(session: Session, mapping: SourceMapping, inputs: PlanInputs) -> None:
    """
    Note the changes whose very payload was refused before.

    Rows are named by keyed hashes, which are not made in the warehouse (see `_note_withheld`), so
    that those with the hash of a refused payload are looked at here.
    """
    session.load(_REJECTED, _REJECTED_KEYS.empty_table())
    refused = inputs.rejected.select(REJECTED_SCHEMA.names).cast(REJECTED_SCHEMA)
    if not refused.num_rows:
        return
    session.load(_REFUSED, refused)
    hashes = exp.select(column("row_hash")).from_(table(_REFUSED)).subquery()
    query = (
        exp.select(*(column(c, "x") for c in ("match_key", "sync_key", "row_hash")))
        .from_(_changed(mapping).subquery(name("x")))
        .where(exp.In(this=column("row_hash", "x"), query=hashes))
    )
    known = {(row["key_hash"], row["row_hash"]) for row in refused.to_pylist()}
    sync = mapping.contract.sync
    found = [
        row["match_key"]
        for page in session.stream(query, rows=_ROWS_LOOKED_AT)
        for row in page.to_pylist()
        if any((n, row["row_hash"]) in known for n in inputs.names.rows(sync, row["sync_key"]))
    ]
    if found:
        rows = pa.table({"match_key": pa.array(list(dict.fromkeys(found)), pa.string())})
        session.load(_REJECTED, rows, append=True)


def _numbered(reasons: exp.Select, contract: Contract) -> exp.Select:
    mode = contract.destination.mode
    new = Operation.UPDATE if mode is Mode.UPDATE_ONLY else Operation.CREATE
    is_new = exp.EQ(this=column("change", "a"), expression=exp.Literal.string("create"))
    is_there = exp.or_(column("found", "a"), _is_cause("a", Cause.ADOPTED))
    operation = (
        exp.case()
        .when(exp.and_(is_new, is_there), exp.Literal.string(Operation.UPDATE))
        .when(is_new.copy(), exp.Literal.string(new))
        .else_(column("change", "a"))
    )
    verb = (
        exp.case()
        .when(_is_cause("a", Cause.LOST), exp.Literal.string(Verb.REMOVE))
        .when(_is_cause("a", Cause.REVOKED), exp.Literal.string(_revocation_verb(contract)))
        .when(_is_cause("a", Cause.ADOPTED), exp.Literal.string(Verb.UPDATE))
        .when(_is_cause("a", Cause.TAKEN_BACK), exp.Literal.string(_take_back_verb(contract)))
        .when(
            # A record that somebody deleted since must not come into being again.
            exp.and_(_is_cause("a", Cause.RESTORED), exp.not_(is_new.copy())),
            exp.Literal.string(Verb.UPDATE),
        )
        .else_(exp.Literal.string(VERBS[mode]))
    )
    disposition = (
        exp.case()
        .when(not_null(column("blocked", "a")), exp.Literal.string(Disposition.BLOCKED))
        .when(not_null(column("held", "a")), exp.Literal.string(Disposition.HELD))
        .else_(exp.Literal.string(Disposition.SEND))
    )
    disposed = exp.select(
        exp.Column(this=exp.Star(), table=name("a")),
        named(operation, "operation"),
        named(verb, "verb"),
        named(disposition, "disposition"),
        named(
            exp.Coalesce(
                this=column("blocked", "a"), expressions=[column("held", "a"), column("cause", "a")]
            ),
            "reason",
        ),
    ).from_(reasons.subquery(name("a")))
    # Withdrawals first, and a stretch a verb.
    rank = exp.case().when(_is_cause("b", Cause.REVOKED), exp.Literal.number(0))
    for cause in (Cause.LOST, Cause.TAKEN_BACK):
        rank = rank.when(_is_cause("b", cause), exp.Literal.number(1))
    rank = rank.when(_is_cause("b", Cause.ADOPTED), exp.Literal.number(2))
    rank = rank.else_(exp.Literal.number(3))
    number = exp.Window(
        this=exp.RowNumber(),
        partition_by=[column("disposition", "b")],
        order=exp.Order(
            expressions=[
                exp.Ordered(this=rank),
                exp.Ordered(this=column("operation", "b"), desc=True),
                exp.Ordered(this=column("sync_key", "b")),
            ]
        ),
    )
    to_send = exp.EQ(
        this=column("disposition", "b"), expression=exp.Literal.string(Disposition.SEND)
    )
    from_zero = exp.Sub(this=number, expression=exp.Literal.number(1))
    return exp.select(
        exp.Column(this=exp.Star(), table=name("b")),
        named(exp.case().when(to_send, from_zero), "action_no"),
    ).from_(disposed.subquery(name("b")))


def _is_cause(of: str, cause: Cause) -> exp.Expr:
    return exp.NullSafeEQ(this=column("cause", of), expression=exp.Literal.string(cause))


def _revocation_verb(contract: Contract) -> Verb:
    consent = contract.consent
    do = consent.on_revoke.do if isinstance(consent, Consent) else Revoked.STOP
    return _REVOCATION_VERBS.get(do, Verb.UPDATE)


def _take_back_verb(contract: Contract) -> Verb:
    created = Created.KEEP if contract.rollback is None else contract.rollback.created
    return _TAKE_BACK_VERBS.get(created, Verb.REMOVE)


def _left_join(query: exp.Select, other: exp.Select, alias: str) -> exp.Select:
    on = exp.EQ(this=column("match_key", "c"), expression=column("match_key", alias))
    return query.join(other.subquery(name(alias)), on=on, join_type="left")
