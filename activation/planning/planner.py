"""From a contract and a warehouse to a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlglot import exp

from activation.contract.consent import Consent
from activation.contract.model import Contract
from activation.contract.rollout import Phase
from activation.planning import summary
from activation.planning.actions import checksum, frozen_query, plan_digest, plan_table
from activation.planning.changes import CHANGES, Found, find_changes
from activation.planning.consent import ConsentView, consent_views
from activation.planning.dispositions import ACTIONS, judge
from activation.planning.drafts import (
    Draft,
    draft_table,
    drop_draft,
    drop_old_drafts,
    load_changes,
    questions,
    save_changes,
)
from activation.planning.fold import touch
from activation.planning.images import retain_images
from activation.planning.kept import note_kept
from activation.planning.mapping import HASH_VERSION, SourceMapping, read_mapping
from activation.planning.model import (
    DestinationFacts,
    HeldReason,
    Models,
    Plan,
    PlanInputs,
    SourceProfile,
)
from activation.planning.nothing import find_nothing
from activation.planning.payload import was
from activation.planning.questions import Answers, asks
from activation.planning.references import newest_references
from activation.planning.reminted import reminted, respelled
from activation.planning.removals import add_removals
from activation.planning.replay import keep_only
from activation.planning.resolution import hold_settling, resolve
from activation.planning.revocations import add_revocations
from activation.planning.state import ensure_state
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import (
    column,
    named,
    not_null,
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
    A contract that asks the destination takes `draft_plan` and `finish_plan`: here all its rows
    wait for answers.

    Raises:
        ConfigurationError: the model is not in the warehouse.
        ContractError: the contract does not fit the model or the consent model.
        Refused: a plan with an attempt in doubt is no longer there.
    """
    mapping = read_mapping(session, contract, models.source, facts)
    with session.transaction():
        views = consent_views(session, contract, models.consents, now)
        found = _compare(session, mapping, views, models, facts, inputs, phase=phase, now=now)
        if asks(contract):
            resolve(session, mapping, Answers())
        judge(session, mapping, inputs, views)
        return freeze_plan(
            session,
            mapping,
            found,
            views,
            facts,
            phase=phase,
            inputs=inputs,
            now=now,
            freeze=freeze,
        )


def draft_plan(  # noqa: PLR0913 - see make_plan
    session: Session,
    contract: Contract,
    models: Models,
    facts: DestinationFacts,
    *,
    phase: Phase,
    inputs: PlanInputs,
    now: datetime,
    suffix: str,
    most: int,
) -> Draft:
    """
    Compare, and return what is to be asked of the destination, of at most `most` rows.

    Raises what `make_plan` raises.
    """
    mapping = read_mapping(session, contract, models.source, facts)
    target = draft_table(contract.sync, now, suffix)
    with session.transaction():
        drop_old_drafts(session, contract.sync, now)
        views = consent_views(session, contract, models.consents, now)
        found = _compare(session, mapping, views, models, facts, inputs, phase=phase, now=now)
        judge(session, mapping, inputs, views)
        asked = questions(session, mapping, most=most)
        save_changes(session, target)
    return Draft(mapping, found, target, asked)


def finish_plan(  # noqa: PLR0913 - see make_plan
    session: Session,
    draft: Draft,
    answers: Answers,
    models: Models,
    facts: DestinationFacts,
    *,
    phase: Phase,
    inputs: PlanInputs,
    now: datetime,
    freeze: bool,
) -> Plan:
    """
    Return the plan that a draft becomes by the destination's answers; the draft is gone then.

    Consent is asked again, because time has passed.

    Raises what `make_plan` raises.
    """
    mapping = draft.mapping
    with session.transaction():
        views = consent_views(session, mapping.contract, models.consents, now)
        load_changes(session, draft.table)
        drop_draft(session, draft.table)
        resolve(session, mapping, answers)
        judge(session, mapping, inputs, views)
        return freeze_plan(
            session,
            mapping,
            draft.found,
            views,
            facts,
            phase=phase,
            inputs=inputs,
            now=now,
            freeze=freeze,
        )


def _compare(  # noqa: PLR0913, PLR0917 - see make_plan
    session: Session,
    mapping: SourceMapping,
    views: Sequence[ConsentView],
    models: Models,
    facts: DestinationFacts,
    inputs: PlanInputs,
    *,
    phase: Phase,
    now: datetime,
) -> Found:
    """Make the changes of a phase: new and changed rows, lost ones, withdrawn consent."""
    references = newest_references(session, mapping.contract, models.references)
    if mapping.missing:
        return replace(find_nothing(session, mapping), references=references)
    found = find_changes(session, mapping, phase.share, of_fields=True)
    # Before anything else is put into the changes: later on, not all of them are the model's.
    found = replace(
        found,
        references=references,
        respelled=respelled(session),
        reminted=reminted(session, mapping, phase.share) if found.lost else 0,
    )
    if mapping.contract.destination.mode.removes:
        add_removals(session, mapping, phase.share)
    add_revocations(session, mapping, views, inputs, phase.share)
    if mapping.contract.conflicts.reads:
        hold_settling(session, now - facts.traits.read_lag)
    if inputs.only is not None:
        keep_only(session, mapping, inputs.only, inputs.names)
    return found


def freeze_plan(  # noqa: PLR0913 - see make_plan
    session: Session,
    mapping: SourceMapping,
    found: Found,
    views: Sequence[ConsentView],
    facts: DestinationFacts,
    *,
    phase: Phase,
    inputs: PlanInputs,
    now: datetime,
    freeze: bool,
) -> Plan:
    """Write down what stands in `ACTIONS`, if it is to be frozen, and tell what it is."""
    contract = mapping.contract
    digest = _freeze(session, mapping, phase, now, freeze=freeze)
    if freeze:
        _touch(session, contract.sync)
        note_kept(session, mapping, digest, now)
        retain_images(session, contract, now)
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
            references=found.references,
            fields=found.fields,
            columns=mapping.used,
            folded_keys=found.folded_rows,
            respelled_keys=found.respelled,
            reminted_keys=found.reminted,
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
        kept=summary.kept(session, mapping),
        longest=summary.longest(session, mapping),
    )


def _freeze(
    session: Session, mapping: SourceMapping, phase: Phase, now: datetime, *, freeze: bool
) -> str:
    """Write the actions down and return the digest that names them."""
    contract = mapping.contract
    subjects = len(contract.consent.columns) if isinstance(contract.consent, Consent) else 0
    read = [was(f.place) for f in mapping.fields] if mapping.keeps_read else []
    query = frozen_query(ACTIONS, subjects, [f.column for f in mapping.fields], read)
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
    """Note what needs no look until it changes: rows as delivered, and rows that are kept."""
    columns = ("version", "source_hash", "mapping_digest")
    for of, where, value in ((CHANGES, "change", "same"), (ACTIONS, "reason", HeldReason.KEPT)):
        noted = (
            exp.select(named(column("known_key"), "sync_key"), *(column(c) for c in columns))
            .from_(table(of))
            .where(exp.EQ(this=column(where), expression=exp.Literal.string(value)))
            .where(not_null(column("known_key")))
        )
        touch(session, sync, noted)
