"""Who may not be reached any more, held against each parcel before its request may leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from activation.contract.people import whom
from activation.delivery.order import Terms
from activation.delivery.parcels import Parcel
from activation.delivery.ports import Wire
from activation.ledger import Ledger
from activation.ledger.people import Barred, Withheld
from activation.planning.mapping import REVOKED_HASH


@dataclass(slots=True)
class People:
    """
    What one delivery knows of people who were suppressed or erased.

    It begins with knowing of nobody.  The ledger tells in the transaction of an intent whether
    there was an act since; then it is read, so that an act is heeded by the next request after
    it, and asking costs nothing while there was none.
    """

    ledger: Ledger
    terms: Terms
    wire: Wire
    known: Barred = field(default_factory=Barred)
    _whom: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        """Find out whom rows are about."""
        self._whom = whom(self.terms.contract)

    async def renew(self) -> None:
        """
        Read who they are now.

        Raises:
            ConfigurationError: somebody is named by a key that is not at hand.
            Unavailable: the ledger cannot be read.
        """
        self.known = await self.wire.run(self._read)

    def withheld(self, parcel: Parcel) -> dict[int, Withheld]:
        """
        Return the numbers of the actions that may not leave, each with the reason.

        What takes data away leaves all the same: removals of everybody, and what withdrawn
        consent asks for of those who are not erased.
        """
        if not self.known.people or self._whom is None or parcel.route.withdrawal:
            return {}
        whom_of, barred = self._whom, self.known
        hashes = parcel.rows.column("row_hash").to_pylist()
        found: dict[int, Withheld] = {}
        for number, key, row_hash in zip(parcel.numbers, parcel.keys, hashes, strict=True):
            reason = barred.of(whom_of(key))
            takes_away = reason is Withheld.SUPPRESSED and row_hash == REVOKED_HASH
            if reason is not None and not takes_away:
                found[number] = reason
        return found

    def looked_at(self, parcel: Parcel) -> Parcel:
        """Return the parcel, knowing that its rows were held against all who are known of."""
        return replace(parcel, people_seen=self.known.seen)

    def _read(self) -> Barred:
        contract = self.terms.contract
        return self.ledger.people.barred(contract.sync, contract.destination.connection)
