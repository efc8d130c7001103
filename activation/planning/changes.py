"""
What differs between the model and what was delivered.

Two passes, so that cost follows the rows that changed:

1. One join of two 64-bit numbers a row, key hash and source hash.
   Rows where both are as delivered are surely unchanged; all others are candidates.
2. Only the candidates are looked at closely.
   Here the real keys and the real row hashes decide; a hash that met by chance costs a look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlglot import exp

from activation.contract.consent import Consent
from activation.planning.candidates import (
    CANDIDATES,
    REPEATED,
    among,
    count_candidates,
    find_repeated,
    first_pass,
    profile,
    raw_columns,
)
from activation.planning.keys import cohort_sql
from activation.planning.mapping import (
    HASH_VERSION,
    REVOKED_HASH,
    SourceMapping,
    null_bits,
    row_hash,
    row_seed,
)
from activation.planning.model import FieldProfile
from activation.planning.payload import changed_bits, payload_column, was, whole_bits
from activation.planning.state import delivered
from activation.warehouse.port import Session
from activation.warehouse.sql import (
    bound,
    cast,
    column,
    either,
    is_null,
    name,
    named,
    not_null,
    table,
    temporary,
    text,
)

CHANGES = "activation_changes"
"""
The temporary table of pass 2; its columns are told at `_second_pass`.

`removals` adds the delivered rows that the model no longer has, where the mode removes them.
"""

KNOWN = {
    "row_hash": "known_hash",
    "nulls": "known_nulls",
    "version": "known_version",
    "mapping_digest": "known_mapping",
    "hash_version": "known_method",
    "destination_id": "destination_id",
    "delivered_at": "known_at",
}
"""Columns of the delivered state, and what they are called in `CHANGES`."""

RESOLVED = {
    "cause": "text",
    "wait": "text",
    "found": "boolean",
    "kept": "bigint",
}
"""
Columns of `CHANGES` that are null unless something is known beyond the row itself.

`cause` is a `Cause`; the others are filled in by `resolution`: why the row waits, whether its
record is there already, and a bit for each field that keeps the destination's value.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What both passes counted; the rows themselves stand in `CHANGES`."""

    rows: int
    null_keys: int
    repeated_rows: int
    keys: int
    newest_version: datetime | None
    delivered_before: int
    """Within the phase."""
    known: int
    """In all phases."""
    lost: int
    folded_rows: int = 0
    """Of the repeated ones, those whose keys are not spelled alike."""
    references: Mapping[str, datetime | None] = field(default_factory=dict)
    respelled: int = 0
    reminted: int = 0
    fields: Mapping[str, FieldProfile] = field(default_factory=dict)


def find_changes(
    session: Session, mapping: SourceMapping, share: float, *, of_fields: bool = False
) -> Found:
    """
    Compare the model with the delivered state, within a phase's share of the keys.

    With `of_fields` it is also told what the values of the model look like.
    """
    contract = mapping.contract
    params: dict[str, object] = {
        "mapping_seed": f"{HASH_VERSION} {contract.mapping_digest}",
        "row_seed": row_seed(mapping.fields),
        "salt": contract.rollout.salt,
        "share": share,
        "mapping_digest": contract.mapping_digest,
    }
    state = delivered(session, contract.sync, mapping.kept)
    read = profile(session, mapping, of_fields=of_fields)
    mapping, rows, keyed = read.mapping, read.rows, read.keyed
    known, before = _state_size(session, state, params)
    first = first_pass(mapping, state, some_without_key=keyed < rows)
    session.execute(temporary(CANDIDATES, first), params)
    fresh, gone = count_candidates(session)
    # A key that comes twice meets the same delivered row twice.
    met_twice = (keyed - fresh) != (known - gone)
    repeated = find_repeated(session, mapping, everywhere=met_twice)
    session.execute(
        temporary(CHANGES, _second_pass(mapping, state, suspects=repeated.keys > 0)), params
    )
    return Found(
        rows=rows,
        null_keys=rows - keyed,
        repeated_rows=repeated.rows,
        keys=keyed - repeated.rows,
        newest_version=read.newest,
        delivered_before=before,
        known=known,
        # Every delivered key is in the widest phase; else the lost ones are looked up.
        lost=gone if share >= 1 else _lost(session, mapping, state, params),
        folded_rows=repeated.folded,
        fields=read.fields,
    )


def _state_size(session: Session, state: exp.Query, params: dict[str, object]) -> tuple[int, int]:
    """Return how many rows were delivered, in all and within the phase."""
    inside = exp.case().when(_inside(column("cohort", "t")), exp.Literal.number(1))
    query = exp.select(
        named(exp.Count(this=exp.Star()), "known"), named(exp.Count(this=inside), "inside")
    ).from_(state.subquery(name("t")))
    row = session.fetch(query, params).to_pylist()[0]
    return row["known"], row["inside"]


def _second_pass(mapping: SourceMapping, state: exp.Query, *, suspects: bool) -> exp.Select:
    """
    Read the candidates with their payload.

    Columns: `match_key`, `sync_key`, `source_key` (as the model spells it),
    `change` (create, update, late, same), `row_hash` (null if
    a value does not fit), `source_hash`, `nulls`, `version`, `cohort`, `mapping_digest`,
    those of `RESOLVED`, the `known_` ones and the `destination_id` of the delivered row,
    `changed` (bit i says that the i-th field is to be written; null if the payload is not kept),
    `was_0`... (the kept payload), `subject_0`..., and `field_...`, null unless created or updated.
    """
    functions = mapping.functions
    fields = mapping.fields
    raws = raw_columns(mapping)
    values = [column(f.column) for f in fields]
    meta = ("match_key", "sync_key", "source_key", "known_key", "source_hash", "version", "cohort")
    subjects = tuple(f"subject_{i}" for i in range(len(_subjects(mapping))))
    kept = tuple(was(f.place) for f in fields) if mapping.keeps_payload else ()
    carried = (*meta, *KNOWN.values(), *kept, *subjects)

    mapped = exp.select(
        *(column(c, "c") for c in carried),
        *(
            named(
                f.value(
                    functions,
                    column(raws[f.mapping.column.lower()], "c"),
                    is_text=mapping.is_text(f.mapping.column),
                ),
                f.column,
            )
            for f in fields
        ),
        named(
            either(
                f.misfit(
                    column(raws[f.mapping.column.lower()], "c"),
                    is_text=mapping.is_text(f.mapping.column),
                )
                for f in fields
            ),
            "misfit",
        ),
    ).from_(_cohorted(mapping, state, suspects=suspects).subquery(name("c")))
    hashed = exp.select(
        *(column(c, "m") for c in (*carried, *(f.column for f in fields))),
        named(
            exp.case()
            .when(column("misfit", "m"), exp.null())
            .else_(row_hash(functions, fields, values)),
            "row_hash",
        ),
        named(null_bits(fields, values), "nulls"),
    ).from_(mapped.subquery(name("m")))
    bits: exp.Expr = cast(exp.null(), "bigint")
    if mapping.keeps_payload and not mapping.names_changes:
        # Said all the same: the fold must know what an empty value did to its field.
        bits = whole_bits(fields, "h")
    elif mapping.keeps_payload:
        bits = changed_bits(functions, fields, "h")
        # What a withdrawal left may look like the row; it goes whole once its person agrees.
        revoked = exp.NullSafeEQ(
            this=column("known_hash", "h"), expression=exp.Literal.number(REVOKED_HASH)
        )
        none = exp.EQ(this=bits.copy(), expression=exp.Literal.number(0))
        bits = exp.case().when(exp.not_(exp.and_(revoked, none)), bits)
    same = exp.NullSafeEQ(this=column("row_hash", "h"), expression=column("known_hash", "h"))
    # Of a row that differs only by an empty field that is left alone, nothing is written.
    nothing = exp.EQ(this=bits.copy(), expression=exp.Literal.number(0))
    idle = exp.and_(not_null(column("row_hash", "h")), nothing)
    change = (
        exp.case()
        .when(is_null(column("known_key", "h")), exp.Literal.string("create"))
        .when(exp.or_(same, idle), exp.Literal.string("same"))
        .when(
            exp.LT(this=column("version", "h"), expression=column("known_version", "h")),
            exp.Literal.string("late"),
        )
        .else_(exp.Literal.string("update"))
    )
    judged = exp.select(
        exp.Column(this=exp.Star(), table=name("h")),
        named(change, "change"),
        named(bits, "changed"),
    ).from_(hashed.subquery(name("h")))
    sent = exp.In(
        this=column("change", "j"),
        expressions=[exp.Literal.string("create"), exp.Literal.string("update")],
    )
    return exp.select(
        *(column(c, "j") for c in (*carried, "row_hash", "nulls", "change", "changed")),
        named(bound("mapping_digest"), "mapping_digest"),
        *(named(cast(exp.null(), kind), c) for c, kind in RESOLVED.items()),
        *(named(exp.case().when(sent.copy(), column(f.column, "j")), f.column) for f in fields),
    ).from_(judged.subquery(name("j")))


def _cohorted(mapping: SourceMapping, state: exp.Query, *, suspects: bool) -> exp.Select:
    """Return the candidates inside the phase: raw columns beside what was delivered."""
    functions = mapping.functions
    raws = raw_columns(mapping)
    staged = replace(mapping, names=raws)
    picked = (
        exp.select(
            named(staged.key("s"), "source_key"),
            named(mapping.match(staged.key("s")), "match_key"),
            named(staged.version("s"), "version"),
            named(staged.source_hash("s"), "source_hash"),
            *(named(s, f"subject_{i}") for i, s in enumerate(_subjects(staged))),
            *(column(raw, "s") for raw in raws.values()),
        )
        .from_(table(CANDIDATES, alias="s"))
        .where(not_null(column("source_kh", "s")))
    )
    kept = (
        {payload_column(f.mapping.to): was(f.place) for f in mapping.fields}
        if mapping.keeps_payload
        else {}
    )
    known_match = mapping.match(column("sync_key", "t"))
    known = (
        exp.select(
            named(known_match, "match_key"),
            *(
                named(column(c, "t"), alias)
                for c, alias in (
                    ("sync_key", "known_key"),
                    ("cohort", "known_cohort"),
                    *KNOWN.items(),
                )
            ),
            *(named(column(c, "t"), alias) for c, alias in kept.items()),
        )
        .from_(state.subquery(name("t")))
        .where(among(functions.fast_hash(known_match.copy()), CANDIDATES, "source_kh"))
    )
    cohort = exp.Coalesce(
        this=column("known_cohort", "k"),
        expressions=[cohort_sql(functions, column("match_key", "p"))],
    )
    beside = (
        exp.select(
            exp.Column(this=exp.Star(), table=name("p")),
            *(column(c, "k") for c in ("known_key", *KNOWN.values(), *kept.values())),
            named(
                exp.Coalesce(
                    this=column("known_key", "k"), expressions=[column("source_key", "p")]
                ),
                "sync_key",
            ),
            named(cohort, "cohort"),
        )
        .from_(picked.subquery(name("p")))
        .join(
            known.subquery(name("k")),
            on=exp.EQ(this=column("match_key", "p"), expression=column("match_key", "k")),
            join_type="left",
        )
    )
    inside = (
        exp.select(exp.Column(this=exp.Star(), table=name("b")))
        .from_(beside.subquery(name("b")))
        .where(_inside(column("cohort", "b")))
    )
    if suspects:
        inside = inside.where(exp.Not(this=among(column("match_key", "b"), REPEATED, "match_key")))
    return inside


def _lost(
    session: Session, mapping: SourceMapping, state: exp.Query, params: dict[str, object]
) -> int:
    gone = (
        exp.select(column("state_kh")).from_(table(CANDIDATES)).where(is_null(column("source_kh")))
    )
    kh = mapping.functions.fast_hash(mapping.match(column("sync_key", "t")))
    query = (
        exp.select(named(exp.Count(this=exp.Star()), "n"))
        .from_(state.subquery(name("t")))
        .where(_inside(column("cohort", "t")))
        .where(exp.In(this=kh, query=gone.subquery()))
    )
    return int(session.fetch(query, params).to_pylist()[0]["n"])


def _subjects(mapping: SourceMapping) -> list[exp.Expr]:
    """Return the person's columns as text, in the order of the contract's consent."""
    consent = mapping.contract.consent
    if not isinstance(consent, Consent):
        return []
    return [exp.Trim(this=text(mapping.raw(c, "s"))) for c in consent.columns]


def _inside(cohort: exp.Expr) -> exp.Expr:
    return exp.LT(this=cohort, expression=bound("share"))
