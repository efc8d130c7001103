"""The plan of an erasure: removals of the records of people, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pyarrow as pa
from sqlglot import exp

from activation.contract.consent import Consent
from activation.contract.model import Contract
from activation.destinations.base import Operation
from activation.destinations.traits import Verb
from activation.planning.actions import checksum, frozen_query, plan_digest, plan_table
from activation.planning.mapping import REMOVED_HASH, payload_fields
from activation.planning.model import (
    ActionCount,
    BlastRadius,
    Cause,
    DestinationFacts,
    Disposition,
    Plan,
    SourceProfile,
)
from activation.planning.state import ensure_state
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import bound, cast, column, named, table, temporary

PHASE = "erasure"
"""What stands for the phase of an erasure: it reaches people whatever phase is open."""
_KEYS = "activation_erased_keys"
_ACTIONS = "activation_erasing"
_LATEST = "9999-12-31 00:00:00"
"""The version of a removal that nothing overtakes."""


def plan_erasure(  # noqa: PLR0913 - a plan depends on all of these, and each is named
    session: Session,
    contract: Contract,
    facts: DestinationFacts,
    keys: Mapping[str, str | None],
    *,
    verb: Verb,
    now: datetime,
) -> Plan:
    """
    Freeze the removal of the records with these keys; their ids stand beside, if they are known.

    Data only leaves the destination, so that no consent, phase or guard is asked.
    """
    ordered = sorted(keys)
    session.load(
        _KEYS,
        pa.table(
            {
                "sync_key": pa.array(ordered, pa.string()),
                "destination_id": pa.array([keys[key] for key in ordered], pa.string()),
                "action_no": pa.array(range(len(ordered)), pa.int64()),
            }
        ),
    )
    with session.transaction():
        ensure_state(session, contract.sync)
        session.execute(temporary(_ACTIONS, _actions(session, contract, facts, verb)), {
            "mapping_digest": contract.mapping_digest
        })  # fmt: skip
        subjects = len(contract.consent.columns) if isinstance(contract.consent, Consent) else 0
        query = frozen_query(
            _ACTIONS, subjects, [f.column for f in payload_fields(contract, facts)]
        )
        columns = [projection.alias_or_name for projection in query.selects]
        content = checksum(session, query.subquery(), columns)
        digest = plan_digest(contract.digest, PHASE, now, content)
        session.execute(
            exp.Create(
                this=table(plan_table(contract.sync, digest), SCHEMA),
                kind="TABLE",
                replace=True,
                expression=query.order_by(column("action_no")),
            )
        )
    rows = len(ordered)
    return Plan(
        digest=digest,
        sync=contract.sync,
        phase=PHASE,
        created_at=now.astimezone(UTC),
        contract_digest=contract.digest,
        mapping_digest=contract.mapping_digest,
        table=plan_table(contract.sync, digest),
        source=SourceProfile(0, 0, 0, 0, None),
        blast=BlastRadius(rows, 0, 0, 0, 0, rows, 0, 0),
        counts=(ActionCount(Operation.DELETE, Disposition.SEND, Cause.ERASED, rows),),
        verbs={verb: rows},
    )


def _actions(
    session: Session, contract: Contract, facts: DestinationFacts, verb: Verb
) -> exp.Select:
    consent = contract.consent
    subjects = len(consent.columns) if isinstance(consent, Consent) else 0
    number, text = exp.Literal.number, exp.Literal.string
    values: dict[str, exp.Expr] = {
        "action_no": column("action_no"),
        "sync_key": column("sync_key"),
        "operation": text(Operation.DELETE),
        "verb": text(verb),
        "disposition": text(Disposition.SEND),
        "reason": text(Cause.ERASED),
        "row_hash": cast(number(REMOVED_HASH), "bigint"),
        "source_hash": cast(number(0), session.functions.fast_hash_type),
        "nulls": cast(number(0), "bigint"),
        "version": cast(text(_LATEST), "timestamp"),
        "cohort": cast(number(0), "double"),
        "mapping_digest": bound("mapping_digest"),
        "destination_id": column("destination_id"),
        "changed": cast(exp.null(), "bigint"),
        **{f"subject_{i}": cast(exp.null(), "text") for i in range(subjects)},
        **{f.column: cast(exp.null(), f.sql_type) for f in payload_fields(contract, facts)},
    }
    return exp.select(*(named(value, c) for c, value in values.items())).from_(table(_KEYS))
