"""What one sync works with: its destination, its models, its phases, what the ledger says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from activation.contract.consent import Consent
from activation.contract.model import Contract
from activation.contract.rollout import Phase
from activation.contract.source import Manifest, load_manifest
from activation.delivery.order import target_of
from activation.destinations.base import Connection, Destination, ObjectSchema
from activation.destinations.connections import connection
from activation.destinations.registry import open_destination
from activation.destinations.transport_errors import NO_CONNECTION
from activation.errors import (
    AccessRefused,
    BatchRefused,
    ConfigurationError,
    DestinationError,
    QuotaExhausted,
    QuotaRefused,
    Refused,
    Stopped,
    Unavailable,
    UsageError,
)
from activation.ledger.fences import Fenced
from activation.ledger.plans import PlanRecord
from activation.ledger.ranges import merge
from activation.planning.dispositions import VERBS
from activation.planning.model import ActionRange, DestinationFacts, Models, PlanInputs
from activation.sync.frozen_actions import FrozenActions
from activation.sync.services import Services
from activation.warehouse.port import Relation


class Parts:
    """A contract, and lazily all that it names."""

    def __init__(self, contract: Contract, services: Services) -> None:
        self.contract = contract
        self.services = services
        self.ledger = services.ledger
        self.clock = services.clock

    @cached_property
    def connection(self) -> Connection:
        """
        Return the connection with its credentials.

        Raises:
            ConfigurationError: it, or a variable that it names, is missing.
        """
        settings = self.services.settings
        name = self.contract.destination.connection
        return connection(settings.connections, settings.target, name, self.services.environment)

    @cached_property
    def destination(self) -> Destination:
        """Return the destination; nothing is sent by opening it."""
        return open_destination(self.connection, self.clock)

    @cached_property
    def schema(self) -> ObjectSchema:
        """
        Return what the destination says of the object, asked once.

        Raises:
            Unavailable: it could not be asked.
        """
        try:
            return self.destination.describe(self.contract.destination.object)
        except DestinationError as error:
            raise self.unreachable(error) from None

    @property
    def facts(self) -> DestinationFacts:
        """Return what a plan depends on of what the destination says."""
        fields = self.schema.fields.values()
        target = target_of(self.contract, VERBS[self.contract.destination.mode])
        return DestinationFacts(
            traits=self.destination.object_traits(target.object),
            emails=frozenset(f.name for f in fields if f.email),
            picklists=frozenset(f.name for f in fields if f.values is not None),
            changes_only=self.destination.endpoint(target, rows=1).traits.changes_only,
        )

    @property
    def models(self) -> Models:
        """Return where dbt built what the sync reads."""
        contract = self.contract
        asked = contract.consent.sources if isinstance(contract.consent, Consent) else ()
        return Models(
            source=self._relation(contract.source.model),
            consents=tuple(self._relation(source.model) for source in asked),
            references=tuple(
                self._relation(reference.model) for reference in contract.freshness.references
            ),
        )

    def phase(self, name: str | None, *, must_be_open: bool = True) -> Phase:
        """
        Return the phase of that name, or the widest open one.

        Raises:
            UsageError: the contract has no such phase.
            Refused: it is not open, or none is.
        """
        sync, rollout = self.contract.sync, self.contract.rollout
        opened = {phase.phase for phase in self.ledger.phases.opened(sync)}
        if name is None:
            widest = [phase for phase in rollout.phases if phase.name in opened]
            if widest:
                return widest[-1]
            if not must_be_open:
                return rollout.phases[0]
            raise Refused(
                f"no phase of {sync} is open, so no row of it may be reached.",
                hint=f"Open one: activation open {sync} {rollout.phases[0].name} --reason ...",
                sync=sync,
            )
        phase = rollout.phase(name)
        if phase is None:
            names = ", ".join(phase.name for phase in rollout.phases)
            raise UsageError(f"{sync} has no phase `{name}`.", hint=f"Its phases are {names}.")
        if must_be_open and name not in opened:
            raise Refused(
                f"phase {name} of {sync} is not open, so no row of it may be reached.",
                hint=f"Open it: activation open {sync} {name} --reason ...",
                sync=sync,
                phase=name,
            )
        return phase

    def inputs(self) -> PlanInputs:
        """Return what the ledger knows and a plan must heed."""
        sync = self.contract.sync
        return PlanInputs(
            rejected=self.ledger.rejected_rows(sync),
            in_doubt=_in_doubt(self.ledger.fences.of(sync)),
            loaded_phases=frozenset(
                phase.phase for phase in self.ledger.phases.opened(sync) if phase.loaded_at
            ),
            names=self.ledger.people.keys,
            withheld=self._withheld(),
        )

    def _withheld(self) -> Callable[[str], str | None] | None:
        contract = self.contract
        barred = self.ledger.people.barred(contract.sync, contract.destination.connection)
        return barred.of if barred.people else None

    def actions(self, record: PlanRecord) -> FrozenActions:
        """Return the actions of a frozen plan."""
        return FrozenActions(
            self.services.warehouse, self.contract, record.table, self.models.consents, self.clock
        )

    def unreachable(self, error: DestinationError) -> Stopped:
        """Return what to say when the destination could not be asked."""
        name = self.connection.name
        address = self.connection.base_url
        said = f"connection {name} at {address} could not be asked: {error.message}"
        if isinstance(error, QuotaRefused):
            hint = "The account's requests of the day are used up; repeat when some are left."
            return QuotaExhausted(said, hint=hint, connection=name)
        if isinstance(error, AccessRefused):
            hint = "See that the credentials are accepted and allow what the contract needs."
        elif isinstance(error, BatchRefused):
            hint = f"See what has changed there: activation validate {self.contract.sync}"
        elif error.code != NO_CONNECTION:
            hint = "This passes by itself as a rule; repeat in some minutes."
        elif self.services.settings.target == "sandbox":
            hint = "Start the sandbox: activation sandbox"
        else:
            hint = "See that the address answers, then repeat."
        return Unavailable(said, hint=hint, connection=name)

    @cached_property
    def _manifest(self) -> Manifest:
        return load_manifest(self.services.settings.manifest)

    def _relation(self, name: str) -> Relation:
        model = self._manifest.models.get(name)
        if model is None:
            raise ConfigurationError(
                f"the dbt project has no model `{name}`, which {self.contract.sync} reads.",
                hint=f"Run `activation validate {self.contract.sync}` for the nearest name.",
                sync=self.contract.sync,
            )
        return Relation(model.schema, model.identifier)


def _in_doubt(fences: Iterable[Fenced]) -> tuple[ActionRange, ...]:
    """Return what is fenced, with the batches of a plan that lie side by side as one range."""
    numbers: dict[str, list[tuple[int, int]]] = {}
    for fenced in fences:
        numbers.setdefault(fenced.plan_table, []).extend(fenced.actions)
    return tuple(
        ActionRange(table, first, last)
        for table, ranges in numbers.items()
        for first, last in merge(ranges)
    )
