"""
What the API key may do, as far as can be seen.

Braze has no endpoint that tells.  Each permission is asked for with a request that does nothing:
a body without data is refused with 400 where the permission is held, and with 401 or 403 where
it is not.
"""

from __future__ import annotations

from collections.abc import Mapping

from activation.destinations.base import Grant
from activation.destinations.braze.names import Kind, Named
from activation.destinations.braze.session import Session
from activation.destinations.traits import Verb
from activation.errors import AccessRefused, BatchRefused

PROBES: Mapping[str, tuple[str, str]] = {
    "users.track": ("POST", "/users/track"),
    "users.export.ids": ("POST", "/users/export/ids"),
    "custom_attributes.get": ("GET", "/custom_attributes"),
    "users.delete": ("POST", "/users/delete"),
    "users.identify": ("POST", "/users/identify"),
    "users.merge": ("POST", "/users/merge"),
    "users.external_ids.rename": ("POST", "/users/external_ids/rename"),
    "email.status": ("POST", "/email/status"),
    "subscription.status.set": ("POST", "/v2/subscription/status/set"),
    "subscription.status.get": ("GET", "/subscription/status/get"),
}

_NEEDED = {
    Kind.USERS: ("users.track", "users.export.ids", "custom_attributes.get"),
    Kind.EVENTS: ("users.track",),
    Kind.GROUP: ("subscription.status.set", "subscription.status.get"),
}


def preflight(session: Session, named: Named, verb: Verb) -> tuple[Grant, ...]:
    """
    Return what is needed for the object and the verb, and what the key may do beyond it.

    Raises:
        AccessRefused: the key is not accepted for anything.
        Transient: Braze does not answer.
    """
    needed = set(_NEEDED[named.kind])
    if verb in {Verb.REMOVE, Verb.ERASE} and named.kind is Kind.USERS:
        needed.add("users.delete")
    held: dict[str, bool] = {}
    refused: AccessRefused | None = None
    for permission, (method, path) in PROBES.items():
        try:
            session.read(method, path, data=b"{}" if method == "POST" else None)
            held[permission] = True
        except BatchRefused:
            held[permission] = True
        except AccessRefused as error:
            held[permission], refused = False, error
    if refused is not None and not any(held.values()):
        raise refused
    return tuple(
        Grant(permission, held=held[permission], needed=permission in needed)
        for permission in PROBES
        if held[permission] or permission in needed
    )
