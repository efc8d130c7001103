"""What a strategy needs of a sync: what its adapter declares, and what can be measured."""

from __future__ import annotations

from sqlglot import exp

from activation.delivery.order import target_of
from activation.destinations.traits import Traits
from activation.planning.capacity import Account, Load, load
from activation.strategy.facts import Facts, Measured
from activation.strategy.parity_sql import parity_sql
from activation.sync.erasing import how
from activation.sync.parts import Parts
from activation.warehouse.sql import named, table

_SIZES = (1, 100_000)
"""Few and many rows: the endpoints that a sync may go over."""
_RUNS = 30


def gather(parts: Parts, *, measure: bool) -> Facts:
    """
    Return the facts of a sync; without `measure`, nothing is asked of warehouse or vendor.

    Raises:
        ConfigurationError: connection or model are not there.
        Unavailable: with `measure`, warehouse or vendor cannot be reached.
    """
    contract, destination = parts.contract, parts.destination
    found = [destination.endpoint(target_of(contract), rows=size).traits for size in _SIZES]
    measured = _measured(parts) if measure else Measured()
    return Facts(
        contract=contract,
        system=destination.system,
        headroom=parts.connection.headroom,
        traits=destination.object_traits(contract.destination.object),
        endpoints=tuple({traits.name: traits for traits in found}.values()),
        measured=measured,
        loads=_loads(parts, measured),
        erasure=how(parts)[1],
        parity_sql=parity_sql(contract, parts.models.source, "duckdb"),
    )


def _measured(parts: Parts) -> Measured:
    with parts.services.warehouse.session() as session:
        count = exp.select(named(exp.Count(this=exp.Star()), "rows")).from_(
            table(parts.models.source.name, parts.models.source.schema)
        )
        rows = int(session.fetch(count).to_pylist()[0]["rows"])
    runs = parts.ledger.runs.list(parts.contract.sync, limit=_RUNS)
    # The first delivery of a phase is no ordinary day.
    sent = [
        sum(tally["delivered"] for operation, tally in run.tally.items() if operation != "create")
        for run in runs
        if run.tally
    ]
    ordinary = sorted(rows for rows in sent if rows)
    quota = parts.destination.quota()
    return Measured(
        rows=rows,
        daily=ordinary[len(ordinary) // 2] if ordinary else None,
        peak=ordinary[-1] if ordinary else None,
        limit=None if quota is None else quota.limit,
    )


def _loads(parts: Parts, measured: Measured) -> tuple[Load, ...]:
    contract, destination = parts.contract, parts.destination
    traits = destination.object_traits(contract.destination.object)
    account = Account(contract.quota.requests_per_day, measured.limit, parts.connection.headroom)

    def endpoint_for(rows: int) -> Traits:
        return destination.endpoint(target_of(contract), rows=rows).traits

    sizes = (
        ("first load", measured.rows),
        ("ordinary day", measured.daily),
        ("peak day", measured.peak),
    )
    return tuple(
        load(
            name,
            rows,
            contract=contract,
            endpoint_for=endpoint_for,
            traits=traits,
            account=account,
            compared=measured.rows,
        )
        for name, rows in sizes
        if rows is not None
    )
