"""Routes: how rows of one verb go out, over which endpoint, in which bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from activation.contract.model import Contract
from activation.delivery.order import target_of
from activation.destinations.base import Destination, JobEndpoint, RequestEndpoint, Target
from activation.destinations.traits import Bucket, EndpointClass, Traits, Verb
from activation.governor.permits import buckets_of
from activation.ledger import Ledger

WITHDRAWALS = frozenset({Verb.REMOVE, Verb.ERASE})
"""What goes first, and may use what is kept for people."""


@dataclass(frozen=True, slots=True)
class Route:
    """One verb of one plan on its way to the vendor."""

    target: Target
    endpoint: RequestEndpoint | JobEndpoint

    @property
    def verb(self) -> Verb:
        """Return what is asked for."""
        return self.target.verb

    @property
    def traits(self) -> Traits:
        """Return what holds for the endpoint."""
        return self.endpoint.traits

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """Return the buckets that pace its requests."""
        return buckets_of(self.traits.buckets)

    @property
    def requests(self) -> int:
        """Return the requests that a batch asks for at once: a job's are asked for call by call."""
        traits = self.traits
        return 1 if traits.endpoint_class is EndpointClass.JOB else traits.requests_per_batch

    @property
    def withdrawal(self) -> bool:
        """Return whether it takes rows away."""
        return self.verb in WITHDRAWALS

    def encode(self, rows: pa.Table) -> bytes:
        """Return the bytes of rows: the key, the mapped fields, and what is told of them."""
        names = ["sync_key", *(mapping.to for mapping in self.target.fields)]
        names += [name for name in ("destination_id", "changed") if name in rows.column_names]
        return self.endpoint.encode(self.target, rows.select(names))


@dataclass(slots=True)
class Routes:
    """The routes of one plan; an endpoint is chosen by how many rows of its verb there are."""

    destination: Destination
    contract: Contract
    ledger: Ledger
    rows: Mapping[str, int]
    """Rows to send, by operation."""
    _known: dict[tuple[Verb, str | None], Route] = field(default_factory=dict)

    def of(self, verb: Verb, endpoint: str | None = None) -> Route:
        """
        Return the route of a verb, over the endpoint of that name if something was begun over it.

        Raises:
            ConfigurationError: the destination has none.
        """
        route = self._known.get((verb, endpoint))
        if route is None:
            route = self._known[verb, endpoint] = self._open(verb, endpoint)
        return route

    def _open(self, verb: Verb, endpoint: str | None) -> Route:
        target = target_of(self.contract, verb)
        if endpoint is None:
            deleted = self.rows.get("delete", 0)
            others = sum(self.rows.values()) - deleted
            rows = deleted if verb in WITHDRAWALS else others
            route = Route(target, self.destination.endpoint(target, rows=rows))
        else:
            route = Route(target, self.destination.endpoint_named(target, endpoint))
        self.ledger.permits.prepare(self.contract.destination.connection, route.buckets)
        return route
