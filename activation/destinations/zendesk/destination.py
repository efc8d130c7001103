"""Zendesk: the parts put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from activation.clock import Clock, SystemClock
from activation.destinations.base import (
    Connection,
    Grant,
    Match,
    ObjectSchema,
    QuotaReading,
    ReadBack,
    RequestEndpoint,
    Target,
)
from activation.destinations.traits import EndpointClass, ObjectTraits, Traits, Verb
from activation.destinations.zendesk.bulk import Bulk
from activation.destinations.zendesk.describe import describe
from activation.destinations.zendesk.grants import preflight
from activation.destinations.zendesk.jobs import Jobs
from activation.destinations.zendesk.lookups import Directory
from activation.destinations.zendesk.membership_reads import read_memberships
from activation.destinations.zendesk.memberships import MembershipJobs
from activation.destinations.zendesk.names import (
    MEMBERSHIPS,
    ORGANIZATIONS,
    REFERENCE,
    USERS,
    Kind,
    kind_of,
)
from activation.destinations.zendesk.organizations import OrganizationJobs
from activation.destinations.zendesk.purge import UserPurge
from activation.destinations.zendesk.readback import find, read_back
from activation.destinations.zendesk.session import Session
from activation.destinations.zendesk.single import SingleUsers
from activation.destinations.zendesk.traits import (
    LEAVING_ROWS,
    OBJECTS,
    PURGE,
    SINGLE,
    TRAITS,
    paced,
)
from activation.destinations.zendesk.users import UserJobs
from activation.errors import ConfigurationError

_ENDPOINTS: dict[tuple[Kind, str], type[Bulk]] = {
    (USERS, TRAITS.name): UserJobs,
    (USERS, SINGLE.name): SingleUsers,
    (USERS, PURGE.name): UserPurge,
    (ORGANIZATIONS, TRAITS.name): OrganizationJobs,
    (MEMBERSHIPS, TRAITS.name): MembershipJobs,
}
_TRAITS = {traits.name: traits for traits in (TRAITS, SINGLE, PURGE)}


class Zendesk:
    """One Zendesk account, written through background jobs, read by key and by list."""

    system = "zendesk"

    def __init__(
        self,
        connection: Connection,
        clock: Clock | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        """
        Take the connection; nothing is sent before the first call.

        `pause` lets seconds pass while a job is waited for, in the thread that waits.

        Raises:
            ConfigurationError: the address, the credentials or the account cannot be used.
        """
        self._oauth = not connection.credentials.get("api_token")
        self._session = Session(connection, clock or SystemClock(), pause)
        self._jobs = Jobs(self._session)
        self._directories = {
            kind: Directory(self._session, kind) for kind in (USERS, ORGANIZATIONS)
        }

    def object_traits(self, object_name: str) -> ObjectTraits:
        """
        Return what Zendesk does with the records of an object; no request is made.

        Raises:
            ConfigurationError: the adapter cannot write such an object.
        """
        return OBJECTS[kind_of(object_name).many]

    def endpoint(self, target: Target, *, rows: int) -> RequestEndpoint:  # noqa: ARG002
        """
        Return the endpoint that suits so many rows best.

        Raises:
            ConfigurationError: there is none for the target's object and verb.
        """
        if target.verb is Verb.ERASE:
            return self.endpoint_named(target, PURGE.name)
        alone = kind_of(target.object) is USERS and not self._session.account.imports
        # Without imports, updates and removals still go in jobs; what may create does not.
        if alone and target.verb in SINGLE.verbs:
            return self.endpoint_named(target, SINGLE.name)
        return self.endpoint_named(target, TRAITS.name)

    def endpoint_named(self, target: Target, name: str) -> RequestEndpoint:
        """
        Return the endpoint of that name.

        Raises:
            ConfigurationError: there is none for the target's object and verb.
        """
        kind = kind_of(target.object)
        made = _ENDPOINTS.get((kind, name))
        if made is None or target.verb not in _TRAITS[name].verbs:
            raise ConfigurationError(
                f"Zendesk has no endpoint {name} that can {target.verb} {target.object}.",
                hint="Choose a mode in the contract that Zendesk offers.",
                object=target.object,
            )
        traits = _traits(kind, target.verb, name)
        if kind is USERS and any(mapping.to == REFERENCE for mapping in target.fields):
            # The organizations of a batch are looked up together.
            traits = replace(traits, requests_per_batch=traits.requests_per_batch + 1)
        traits = paced(traits, self._session.account.plan)
        return made(self._session, self._jobs, self._directories, traits)

    def describe(self, object_name: str) -> ObjectSchema:
        """
        Return the object's fields, those of the account included.

        Raises ConfigurationError if the adapter does not write such an object.
        """
        return describe(self._session, object_name)

    def read_back(self, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
        """Yield the records with these keys, or all that have one if `keys` is None."""
        if kind_of(target.object) is MEMBERSHIPS:
            return read_memberships(self._session, target, keys)
        return read_back(self._session, target, keys)

    def find(self, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:
        """Yield the records whose field `by` has one of these values, with the key they have."""
        return find(self._session, target, by, values)

    def preflight(self, target: Target) -> tuple[Grant, ...]:
        """Return what the credentials may do of what is needed, and what they may beyond it."""
        return preflight(self._session, target, oauth=self._oauth)

    def quota(self) -> QuotaReading | None:
        """Return None: Zendesk counts by the minute and has no daily limit."""
        return None

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()


def _traits(kind: Kind, verb: Verb, name: str) -> Traits:
    traits = _TRAITS[name]
    if verb is Verb.CREATE:
        # Sent again, it would refuse what the first attempt created.
        return replace(traits, endpoint_class=EndpointClass.UNKEYED)
    if kind is MEMBERSHIPS and verb is Verb.REMOVE:
        return replace(traits, batch_rows=LEAVING_ROWS, requests_per_batch=LEAVING_ROWS + 2)
    return traits
