"""From a contract and a warehouse to a plan."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlglot import exp

from activation.contract.consent import Consent
from activation.contract.model import Contract
from activation.contract.rollout import Phase
from activation.planning import summary
from activation.planning.actions import checksum, frozen_query, plan_digest, plan_table
from activation.planning.changes import CHANGES, find_changes
from activation.planning.consent import consent_views
from activation.planning.dispositions import ACTIONS, judge
from activation.planning.fold import touch
from activation.planning.mapping import HASH_VERSION, SourceMapping, read_mapping
from activation.planning.model import (
    DestinationFacts,
    Models,
    Plan,
    PlanInputs,
    SourceProfile,
)
from activation.planning.nothing import find_nothing
from activation.planning.removals import add_removals
from activation.planning.revocations import add_revocations
from activation.planning.state import ensure_state
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import (
    column,
    named,
    table,
    temporary,
)


def make_plan(  # noqa: PLR0913 - a plan depends on all of these, and each is named
    session: Session,
    contract: Contract,
    models: Models,
    facts: DestinationFacts,
    *,
    phase: Phase,
    inputs: PlanInputs,
    now: datetime,
    freeze: bool,
) -> Plan:
    """
    Compare the model with what was delivered, and return what is to be done about it.

    With `freeze`, the actions are written to `Plan.table`, and rows that are newer but
    otherwise as delivered are noted; without, only temporary tables are made.
    A model that lacks a mapped column makes a plan without actions that names the column.

    Raises:
        ConfigurationError: the model is not in the warehouse.
        ContractError: the contract does not fit the model or the consent model.
        Refused: a plan with an attempt in doubt is no longer there.
    """
    mapping = read_mapping(session, contract, models.source, facts)
    with session.transaction():
        views = consent_views(session, contract, models.consents, now)
        if mapping.missing:
            found = find_nothing(session, mapping)
        else:
            found = find_changes(session, mapping, phase.share)
            if contract.destination.mode.removes:
                add_removals(session, mapping, phase.share)
            add_revocations(session, mapping, views, phase.share)
        judge(session, mapping, inputs, views)
        digest = _freeze(session, mapping, phase, now, freeze=freeze)
        if freeze:
            _touch(session, contract.sync)
        return Plan(
            digest=digest,
            sync=contract.sync,
            phase=phase.name,
            created_at=now.astimezone(UTC),
            contract_digest=contract.digest,
            mapping_digest=contract.mapping_digest,
            table=plan_table(contract.sync, digest),
            source=SourceProfile(
                rows=found.rows,
                keys=found.keys,
                null_keys=found.null_keys,
                repeated_keys=found.repeated_rows,
                newest_version=found.newest_version,
                consents={view.source.model: view.newest for view in views},
                missing_columns=mapping.missing,
            ),
            blast=summary.blast(session, mapping, inputs, found),
            counts=summary.counts(session),
            verbs=summary.verbs(session),
            delivered_after=summary.delivered_after(session, found),
            written=summary.written(session, mapping),
            frozen=freeze,
            mapping_changed=summary.known_differ(session, "known_mapping", contract.mapping_digest),
            hash_changed=summary.known_differ(session, "known_method", HASH_VERSION),
            values=summary.values(session, mapping, facts.picklists),
            longest=summary.longest(session, mapping),
        )


def _freeze(
    session: Session, mapping: SourceMapping, phase: Phase, now: datetime, *, freeze: bool
) -> str:
    """Write the actions down and return the digest that names them."""
    contract = mapping.contract
    subjects = len(contract.consent.columns) if isinstance(contract.consent, Consent) else 0
    query = frozen_query(ACTIONS, subjects, [f.column for f in mapping.fields])
    columns = [projection.alias_or_name for projection in query.selects]
    content = checksum(session, query.subquery(), columns)
    digest = plan_digest(contract.digest, phase.name, now, content)
    target = plan_table(contract.sync, digest)
    if freeze:
        ensure_state(session, contract.sync, mapping.kept)
        session.execute(
            exp.Create(
                this=table(target, SCHEMA),
                kind="TABLE",
                replace=True,
                expression=query.order_by(column("action_no")),
            )
        )
    else:
        session.execute(temporary(target, query))
    return digest


def _touch(session: Session, sync: str) -> None:
    is_same = exp.EQ(this=column("change"), expression=exp.Literal.string("same"))
    columns = ("version", "source_hash", "mapping_digest")
    same = (
        exp.select(named(column("known_key"), "sync_key"), *(column(c) for c in columns))
        .from_(table(CHANGES))
        .where(is_same)
    )
    touch(session, sync, same)
