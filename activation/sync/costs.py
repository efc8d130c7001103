"""What a plan costs, told before anything is sent: requests, jobs, look-ups, what is billed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from activation.contract.consent import Consent
from activation.contract.destination import Mode
from activation.contract.model import Contract
from activation.contract.references import referenced
from activation.delivery.order import target_of
from activation.destinations.base import JobEndpoint, Target
from activation.destinations.traits import Billing, Bucket, Verb
from activation.planning.capacity import read_backs
from activation.planning.model import Plan
from activation.planning.state import count_delivered
from activation.sync.parts import Parts

_SECONDS_A_REQUEST = 1.0
"""What a request is taken to last where the vendor names no pace."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What carrying out a plan takes of the vendor, in its own units."""

    requests: int
    """Write requests, polls of jobs included."""
    jobs: int
    lookups: int
    """Requests that making the plan took, to see what is there."""
    read_backs: int
    """Requests that the comparison after the delivery takes, where all is visible at once."""
    billed: int
    """What is charged for besides requests."""
    billed_unit: str | None
    per_second: float
    """Requests that the vendor's paces let out."""

    @property
    def total(self) -> int:
        """Return the requests that are still to be made."""
        return self.requests + self.read_backs


def cost_of(parts: Parts, plan: Plan, *, lookups: int = 0) -> Cost:
    """
    Predict what the plan costs; no request is made.

    Raises:
        ConfigurationError: the destination cannot do what the contract's mode asks for.
    """
    requests = jobs = 0
    charged: dict[Billing, int] = {}
    buckets: list[Bucket] = []
    for verb, rows in plan.verbs.items():
        target, known = _asked(parts.contract, verb)
        endpoint = parts.destination.endpoint(target, rows=rows)
        traits = endpoint.traits
        buckets += traits.buckets
        batches = -(-rows // traits.batch_rows)
        requests += batches * (traits.requests_per_batch - known * traits.spared_by_ids)
        jobs += batches if isinstance(endpoint, JobEndpoint) else 0
        if traits.billing is not None:
            charged[traits.billing] = charged.get(traits.billing, 0) + rows
    return Cost(
        requests=requests,
        jobs=jobs,
        lookups=lookups,
        read_backs=read_backs(
            parts.contract,
            parts.destination.object_traits(parts.contract.destination.object),
            plan.delivered_after,
            referenced=referenced_rows(parts),
        ),
        # A field that two verbs write over one kind of endpoint is counted once among `written`.
        billed=sum(_billed(billing, plan, rows) for billing, rows in charged.items()),
        billed_unit=next((billing.unit for billing in charged), None),
        per_second=_per_second(buckets, parts.contract.quota.concurrency),
    )


def referenced_rows(parts: Parts) -> int:
    """Return how many records of other syncs the rows of a sync can name."""
    syncs = referenced(parts.contract)
    if not syncs:
        return 0
    with parts.services.warehouse.session() as session:
        return sum(count_delivered(session, sync) for sync in syncs)


def _asked(contract: Contract, verb: Verb) -> tuple[Target, bool]:
    """Return what a verb writes, and whether the records' ids are known."""
    target = target_of(contract, verb)
    if verb is not Verb.UPDATE or contract.destination.mode is Mode.UPDATE_ONLY:
        return target, False
    # What a withdrawal leaves of delivered records: few fields. An adopted one gets them all.
    revoked = contract.consent.on_revoke if isinstance(contract.consent, Consent) else None
    left = {*revoked.fields, *revoked.set} if revoked and not contract.identity else None
    fields = tuple(f for f in target.fields if left is None or f.to in left)
    return replace(target, fields=fields), True


def _billed(billing: Billing, plan: Plan, rows: int) -> int:
    written = sum(n for field, n in plan.written.items() if field not in billing.free)
    return rows * billing.per_row + written * billing.per_field


def _per_second(buckets: Iterable[Bucket], at_once: int) -> float:
    """Return the slowest of the paces, or that of so many requests at once."""
    paces = [bucket.requests / bucket.seconds for bucket in buckets if bucket.seconds]
    return min([at_once / _SECONDS_A_REQUEST, *paces])
