"""The facts of Zendesk's users, organizations and memberships, each with its source."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from activation.contract.model import FieldKind
from activation.destinations.traits import (
    Bucket,
    EndpointClass,
    Normaliser,
    ObjectTraits,
    Removal,
    Traits,
    Verb,
)
from activation.destinations.zendesk.names import LISTS

MOST_ROWS = 100
"""Users, "Create Or Update Many Users" and "Show Many Users": at most 100 at a time."""

QUERY_BYTES = 6_000
"""Ours: servers commonly take lines of 8,000 bytes, and no limit is documented."""

PLANS = {
    "support_essential": 10,
    "support_team": 200,
    "support_professional": 400,
    "support_enterprise": 700,
    "suite_team": 200,
    "suite_growth": 400,
    "suite_professional": 400,
    "suite_enterprise": 700,
    "suite_enterprise_plus": 2_500,
    "high_volume": 2_500,
}
""""Rate limits": requests a minute by plan; `high_volume` is an add-on."""

DEFAULT_PLAN = "suite_team"
"""The smallest plan that is sold; a connection that says more may send more."""

REQUESTS_PER_JOB = 3
"""
One starts a job, one sees it done, which takes some seconds, and one is for a look: which records
are there before it, or what it wrote.
"""

LEAVING_ROWS = 25
"""Ours: each membership that ends takes a request, and all must fit the time of one."""

_TEXT = (Normaliser.TRIM, Normaliser.EMPTY_IS_NULL)
_KEPT_PAGE = 100  # "Pagination": at most 100 records a page

USERS = ObjectTraits(
    # "External ID Case Sensitivity": the search for the user is not case sensitive, and the id
    # found is overwritten by the one that was asked for.
    key_is_case_sensitive=False,
    # Recorded: a text that was cleared comes back as "". Organizations, "Create": white space at
    # both ends of a name is dropped; planner and parity drop it everywhere.
    values={FieldKind.TEXT: _TEXT},
    # Recorded: tags come back in lower case, each once, and in no order that could be told.
    fields=dict.fromkeys(LISTS, (Normaliser.WORDS,)),
    # Recorded: addresses come back in lower case.
    email_values=(*_TEXT, Normaliser.LOWER),
    read_back_keys=MOST_ROWS,
    read_back_page=_KEPT_PAGE,
    # Organizations, whose ids nobody knows but Zendesk.
    read_back_ids=MOST_ROWS,
    minimal_permissions=(
        "OAuth scopes users:write and read, or an API token",
        "Role admin, or a custom role that may edit end users",
        "Data imports, which Zendesk Support enables for an account on request",
    ),
    # "Delete User": deleted users are not recoverable.
    removal=Removal.DELETED,
    restorable=None,
    irreversible=(
        "Setting a user's organization ends all other organization memberships of that user.",
        "A replaced e-mail address stays with the user as a secondary address.",
        "A primary e-mail address cannot be emptied.",
        "Writing tags replaces all tags of the user, also those that people gave.",
        "A user that is deleted cannot be brought back; a user written later is a new one.",
    ),
)

ORGANIZATIONS = replace(
    USERS,
    # The same holds for organizations by observation.
    minimal_permissions=(
        "OAuth scopes organizations:write and read, or an API token",
        "Role admin, or a custom role that may manage organizations",
    ),
    irreversible=(
        "Writing tags or domain names replaces all that the organization has.",
        "A domain name draws users with such an address into the organization.",
        "An organization that is deleted cannot be brought back; its users lose it.",
    ),
)

MEMBERSHIPS = replace(
    USERS,
    minimal_permissions=(
        "OAuth scopes users:write, organizations:write and read, or an API token",
        "Role admin, or an agent who may edit end users",
    ),
    removal=Removal.UNLINKED,
    irreversible=(
        "Who leaves an organization has open tickets of it taken out of the organization.",
    ),
)

OBJECTS = {
    "users": USERS,
    "organizations": ORGANIZATIONS,
    "organization_memberships": MEMBERSHIPS,
}

TRAITS = Traits(
    system="zendesk",
    # No idempotency key exists; a unique external id makes a repeated upsert harmless.
    endpoint_class=EndpointClass.KEYED_UPSERT,
    batch_rows=MOST_ROWS,
    # Ours: no limit in bytes is documented.
    batch_bytes=2_000_000,
    # Ours: a job's status is kept for a day, and some wait in the queue; an hour is the longest
    # that anybody reports of a job of 100 users.
    horizon=timedelta(hours=1),
    # Results come in the order of the request (Zendesk's developer advocacy on
    # create_or_update_many); we rest on it only where they carry no index.
    keeps_order=False,
    name="jobs",
    verbs=frozenset({Verb.UPSERT, Verb.UPDATE, Verb.CREATE, Verb.REMOVE}),
    requests_per_batch=REQUESTS_PER_JOB,
)

SINGLE = replace(
    TRAITS,
    name="single",
    batch_rows=1,
    horizon=timedelta(minutes=5),
    keeps_order=True,
    verbs=frozenset({Verb.UPSERT}),
    requests_per_batch=1,
)

PURGE = replace(
    TRAITS,
    name="purge",
    # Each takes a request of its own, and all must fit the time of one.
    batch_rows=25,
    verbs=frozenset({Verb.ERASE}),
    requests_per_batch=REQUESTS_PER_JOB + 26,
)

# "Job limit": 30 queued or running at once, for the whole account; people start some of them.
_JOBS = Bucket("jobs", 20, None)
# "Create Or Update User": one a second for the account, five a minute for each user.
_SINGLE_WRITES = Bucket("single writes", 1, 1.0)
# "Permanently Delete User".
_PURGES = Bucket("permanent deletions", 700, 600.0)


def paced(traits: Traits, plan: str) -> Traits:
    """Return an endpoint's traits with the paces that an account of that plan has."""
    account = Bucket("account", PLANS[plan], 60.0)
    own = {SINGLE.name: (_SINGLE_WRITES,), PURGE.name: (_JOBS, _PURGES)}
    return replace(traits, buckets=(account, *own.get(traits.name, (_JOBS,))))
