"""The rights of people, over all syncs: who received a person, suppression, erasure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp

from activation.contract.consent import Consent
from activation.contract.loading import load_contracts
from activation.contract.model import Contract
from activation.contract.people import person_key
from activation.contract.source import load_manifest
from activation.errors import ActivationError, UsageError
from activation.ledger.erasures import Erasure, Place
from activation.ledger.people import PersonAct
from activation.ledger.switches import EVERYTHING
from activation.planning.people import (
    Received,
    forget_people,
    note_people,
    planned,
    received,
)
from activation.sync.erasing import carry_out, how
from activation.sync.folding import fold_delivered
from activation.sync.parts import Parts
from activation.sync.services import Services
from activation.warehouse.sql import column, named, not_null, table, text

_SHORTEST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Recipient:
    """One destination that received a person, or may have."""

    person: str
    """The keyed hash."""
    sync: str
    connection: str
    object: str
    first_at: datetime | None
    last_at: datetime | None
    standing: str
    """`there`, `removed`, `in doubt`, or how far the erasure has come."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What an erasure will do in one destination."""

    sync: str
    connection: str
    object: str
    people: int
    """Those that it received."""
    possible: bool
    effect: str


def syncs_about_people(services: Services) -> tuple[Parts, ...]:
    """Return the syncs about people; audiences first, for their members are others' records."""
    contracts = load_contracts(services.settings.contracts).values()
    about = [c for c in contracts if isinstance(c.consent, Consent)]
    about.sort(key=lambda c: (not c.destination.mode.removes, c.sync))
    return tuple(Parts(contract, services) for contract in about)


def recipients(services: Services, people: Sequence[str]) -> tuple[Recipient, ...]:
    """
    Return every destination that received these people, with the first and the last time.

    Raises:
        Unavailable: warehouse or ledger cannot be reached.
    """
    found: list[Recipient] = []
    ledger = services.ledger
    names = {person_key(p): ledger.people.keys.current.person(person_key(p)) for p in people}
    for parts in syncs_about_people(services):
        rows, doubtful = _received(parts, people)
        for person, name in names.items():
            theirs = [row for row in rows if row.person == person]
            erased = {e.sync: e for e in ledger.erasures.of(person, ledger.people.keys)}
            found += _recipient(
                parts.contract, name, theirs, erased.get(parts.contract.sync), person in doubtful
            )
    return tuple(sorted(found, key=lambda r: (r.person, r.connection, r.sync)))


def suppress(  # noqa: PLR0913 - who, where, why and by whom
    services: Services,
    people: Sequence[str],
    *,
    scope: str = EVERYTHING,
    lift: bool = False,
    reason: str,
    author: str,
) -> int:
    """
    Let nothing be sent about these people any more but what takes data away; or lift that.

    It holds from the next request on; what `on_revoke` says is done by the next plan.

    Returns:
        for how many of them this is new.

    Raises:
        UsageError: no key is given, or the reason names one of them.
        Unavailable: the warehouse cannot be reached. It holds all the same; repeat the command,
            so that the next plan knows of it.
    """
    _fit(people, reason)
    act = PersonAct.LIFT if lift else PersonAct.SUPPRESS
    keys = [person_key(person) for person in people]
    # The ledger first: from here on nothing leaves, whatever becomes of the rest.
    new = services.ledger.people.record(act, keys, scope=scope, reason=reason, author=author)
    with services.warehouse.session() as session:
        if not lift:
            note_people(session, people)
        else:
            known = services.ledger.people
            gone = [k for k in keys if not known.is_suppressed(k) and not known.is_erased(k)]
            forget_people(session, gone)
    return new


def foresee(services: Services, people: Sequence[str]) -> tuple[Foreseen, ...]:
    """
    Return what an erasure of these people will do, destination by destination; nothing is done.

    Raises:
        Unavailable: warehouse or ledger cannot be reached.
    """
    found = []
    for parts in syncs_about_people(services):
        rows, doubtful = _received(parts, people)
        verb, effect = how(parts)
        destination = parts.contract.destination
        found.append(
            Foreseen(
                parts.contract.sync,
                destination.connection,
                destination.object,
                people=len({row.person for row in rows if row.gone_at is None} | doubtful),
                possible=verb is not None,
                effect=effect,
            )
        )
    return tuple(found)


def ask_erasure(services: Services, people: Sequence[str], *, reason: str, author: str) -> int:
    """
    Leave a tombstone for each of these people, and note what is due in each destination.

    From here on no run, replay, resync or rollback sends them again.

    Returns:
        for how many of them this is new.

    Raises:
        UsageError: no key is given, or the reason names one of them.
        ConfigurationError: there is no key to name them by.
        Unavailable: the warehouse cannot be reached. The tombstones hold all the same; repeat
            the command, so that the removal is sent.
    """
    _fit(people, reason)
    ledger = services.ledger
    keys = [person_key(person) for person in people]
    new = ledger.people.record(PersonAct.ERASE, keys, reason=reason, author=author)
    places = [
        Place(p.contract.sync, p.contract.destination.connection, p.contract.destination.object)
        for p in syncs_about_people(services)
    ]
    names = [name for key in keys for name in ledger.people.named(key)]
    ledger.erasures.ask(names, places, author=author)
    with services.warehouse.session() as session:
        note_people(session, people)
    return new


def carry_out_erasures(
    services: Services, *, run_id: str
) -> tuple[tuple[Erasure, ...], Mapping[str, str]]:
    """Carry out what is due in every sync; return what came of it, and by sync what stopped it."""
    done: list[Erasure] = []
    stopped: dict[str, str] = {}
    for parts in syncs_about_people(services):
        try:
            done += carry_out(parts, run_id=run_id)
        except ActivationError as error:
            stopped[parts.contract.sync] = str(error)
    return tuple(done), stopped


def people_of_model(services: Services, model: str, column_name: str) -> tuple[str, ...]:
    """
    Return the keys in a column of a dbt model, so that they need to stand nowhere else.

    Raises:
        UsageError: there is no such model or column, or it is empty.
        Unavailable: the warehouse cannot be reached.
    """
    known = load_manifest(services.settings.manifest).models.get(model)
    if known is None:
        raise UsageError(
            f"the dbt project has no model `{model}`.", hint="Name one with a column of keys."
        )
    with services.warehouse.session() as session:
        columns = {c.lower(): c for c in session.columns(known.schema, known.identifier)}
        if column_name.lower() not in columns:
            raise UsageError(
                f"model `{model}` has no column `{column_name}` in the warehouse.",
                hint="Build it with `dbt build`, or name another column.",
            )
        of = column(columns[column_name.lower()])
        query = exp.select(named(text(of), "person")).distinct()
        query = query.from_(table(known.identifier, known.schema)).where(not_null(of.copy()))
        found: list[str] = session.fetch(query)["person"].to_pylist()
    return tuple(sorted(key.strip(" ") for key in found if key.strip(" ")))


def _received(parts: Parts, people: Sequence[str]) -> tuple[list[Received], set[str]]:
    """Return the rows that a destination received, and who may be in a request under way."""
    ledger, sync = parts.ledger, parts.contract.sync
    tables = sorted(ledger.plans.tables_unsettled(sync))
    with parts.services.warehouse.session() as session:
        fold_delivered(parts, session)
        rows = received(session, parts.contract, people)
        doubtful = {
            person_key(person)
            for person in people
            if tables and planned(session, parts.contract, [person], tables)
        }
    return rows, doubtful


def _recipient(
    contract: Contract,
    name: str,
    rows: Sequence[Received],
    erasure: Erasure | None,
    doubtful: bool,  # noqa: FBT001 - what is known, in order
) -> Iterator[Recipient]:
    destination = contract.destination
    first = min((row.first_at for row in rows), default=None)
    last = max((row.last_at for row in rows), default=None)
    why = ""
    if erasure is not None and (erasure.last_at is not None or erasure.due):
        first = min(filter(None, (first, erasure.first_at)), default=None)
        last = max(filter(None, (last, erasure.last_at)), default=None)
        standing = f"erasure {erasure.state}"
        why = erasure.why
    elif rows:
        standing = "there" if any(row.gone_at is None for row in rows) else "removed"
    elif doubtful:
        standing, why = "in doubt", "a request that nobody answered, or a plan under way"
    else:
        return
    yield Recipient(
        name,
        contract.sync,
        destination.connection,
        destination.object,
        first,
        last,
        standing,
        why,
    )


def _fit(people: Sequence[str], reason: str) -> None:
    if not people:
        raise UsageError(
            "no key of a person is given.", hint="Name them, or give --from FILE, or --model."
        )
    told = reason.casefold()
    if any(
        len(person.strip()) >= _SHORTEST_TOLD and person.strip().casefold() in told
        for person in people
    ):
        raise UsageError(
            "the reason names the person, and reasons are kept in the clear.",
            hint="Say why in other words, such as the number of the request.",
        )
