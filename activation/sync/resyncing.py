"""Resync: take what the destination holds for delivered, so that a plan mends what differs."""

from __future__ import annotations

from contextlib import suppress

from activation.delivery.order import target_of
from activation.errors import DestinationError, Unavailable
from activation.ledger import audit
from activation.ledger.switches import require_words
from activation.reconciliation.adoption import Adopted, adopt
from activation.sync.folding import fold_delivered
from activation.sync.parts import Parts

_LEASE_SECONDS = 600


def resync(parts: Parts, *, reason: str, author: str) -> Adopted:
    """
    Read the destination in full and make the delivered state of it; nothing is sent.

    Raises:
        UsageError: reason or author is empty.
        Busy: a run of the sync is under way.
        Unavailable: warehouse, ledger or vendor cannot be reached.
    """
    require_words(reason=reason, author=author)
    contract, ledger = parts.contract, parts.ledger
    lease = ledger.leases.acquire(contract.sync, f"resync by {author}", seconds=_LEASE_SECONDS)
    try:
        with parts.services.warehouse.session() as session:
            # What is known to have arrived is in the read-back; later it would count twice.
            fold_delivered(parts, session)
        try:
            pages = [page.rows for page in parts.destination.read_back(target_of(contract), None)]
        except DestinationError as error:
            raise parts.unreachable(error) from None
        with parts.services.warehouse.session() as session:
            adopted = adopt(
                session,
                contract,
                parts.models,
                parts.facts,
                read_back=pages,
                now=parts.clock.now(),
            )
        with ledger.store.write() as connected:
            audit.append(
                connected,
                audit.Act.RESYNC,
                {"sync": contract.sync},
                author=author,
                reason=reason,
                at=parts.clock.now(),
            )
        return adopted
    finally:
        with suppress(Unavailable):  # it runs out by itself
            ledger.leases.release(lease)
