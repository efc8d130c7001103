"""The facts of HubSpot's endpoints, each with its source."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from activation.contract.model import FieldKind
from activation.destinations.traits import (
    Bucket,
    EndpointClass,
    Normaliser,
    ObjectTraits,
    Reading,
    Removal,
    Traits,
    Verb,
)

VENDOR = "HubSpot"
API_VERSION = "v3"
"""Still served, and labelled legacy; the dated versions have the same bodies."""

# "Usage guidelines" and "Increasing our API limits": requests of one app in any ten seconds.
BURSTS = {"free": 100, "starter": 100, "professional": 190, "enterprise": 190}
DEFAULT_PLAN = "starter"
# One page says 250 with the API limit increase, another 200: the lower is kept to.
INCREASED = 200
OAUTH = 110
BURST_SECONDS = 10.0
# "Usage guidelines", "Search": per account; older pages said 4.
SEARCHES, SEARCH_SECONDS = 5, 1.0

MOST_ROWS = 100
"""Each batch call: at most 100 inputs."""
LIST_PAGE, MEMBER_PAGE, SEARCH_PAGE = 100, 250, 200
SEARCH_BODY = 3_000
"""Search: at most so many characters in a body."""

# Ours: no limit in bytes is documented, and 100 rows rarely come near this.
_BATCH_BYTES = 5_000_000
# Ours: how long a request may go on after we stopped listening is not documented; what takes
# longer than some seconds is answered with 502 or 504 ("Error handling").
_HORIZON = timedelta(minutes=5)

UPSERT = Traits(
    system="hubspot",
    # No idempotency key exists; a unique property makes a repeated upsert harmless.
    endpoint_class=EndpointClass.KEYED_UPSERT,
    batch_rows=MOST_ROWS,
    batch_bytes=_BATCH_BYTES,
    horizon=_HORIZON,
    # Results come in another order than the inputs; each is told by its trace id or its key.
    keeps_order=False,
    name="upsert",
    verbs=frozenset({Verb.UPSERT}),
)

UPDATE = replace(UPSERT, name="update", verbs=frozenset({Verb.UPDATE}))

CREATE = replace(
    UPSERT,
    name="create",
    verbs=frozenset({Verb.CREATE}),
    # Sent again, it would refuse what the first attempt created.
    endpoint_class=EndpointClass.UNKEYED,
)

ARCHIVE = replace(
    UPSERT,
    name="archive",
    verbs=frozenset({Verb.REMOVE}),
    # The records are looked up by their keys, since ids go stale when people merge records.
    requests_per_batch=2,
)

ERASE = replace(
    UPSERT,
    name="erase",
    verbs=frozenset({Verb.ERASE}),
    # "GDPR delete" takes one contact; it is looked up among living and archived ones.
    batch_rows=1,
    requests_per_batch=3,
)

MEMBERSHIPS = replace(
    UPSERT,
    name="memberships",
    verbs=frozenset({Verb.UPSERT, Verb.REMOVE}),
    # A look-up by key, then the ids; who was on the list already is asked for too.
    requests_per_batch=2,
)

SUBSCRIPTIONS = replace(UPSERT, name="subscriptions", verbs=frozenset({Verb.UPSERT}))

_TEXT = (Normaliser.EMPTY_IS_NULL,)
_VALUES = {
    # Empty text is what clears a property.
    FieldKind.TEXT: _TEXT,
    # HubSpot keeps milliseconds; whole seconds are what both sides have for sure.
    FieldKind.TIMESTAMP: (Normaliser.SECONDS,),
}
# Recorded: addresses come back in lower case.
_EMAIL = (Normaliser.TRIM, Normaliser.EMPTY_IS_NULL, Normaliser.LOWER)

RECORDS = ObjectTraits(
    # Sure of addresses; whether other unique values mind the case is not documented.
    key_is_case_sensitive=False,
    values=_VALUES,
    email_values=_EMAIL,
    read_back_keys=MOST_ROWS,
    read_back_page=LIST_PAGE,
    minimal_permissions=(
        "crm.objects.<object>.read",
        "crm.objects.<object>.write",
    ),
    # "Delete records": archived ones can be restored for 90 days, in the app only.
    removal=Removal.ARCHIVED,
    restorable=timedelta(days=90),
    # Reads by key see a write at once; a search lags by seconds, and finds by what is not unique.
    read_lag=timedelta(seconds=10),
    irreversible=(
        "Workflows that enrol on a property run on every write; the e-mails they send are out.",
        "A lifecycle stage only moves forward: an earlier one is taken and not stored.",
        "The property's history shows the integration as its source.",
        "A contact deleted under GDPR is gone for good, and its address is kept out.",
    ),
)

MEMBERS = replace(
    RECORDS,
    removal=Removal.UNLINKED,
    restorable=None,
    read_back_page=MEMBER_PAGE,
    # Members are told by record ids, whose keys are read.
    read_back_ids=MOST_ROWS,
    minimal_permissions=(
        "crm.lists.read",
        "crm.lists.write",
        "crm.objects.<object>.read",
    ),
    irreversible=(
        "Workflows and campaigns that enrol from the list run when somebody joins.",
        "Only lists that are filled by hand (MANUAL, SNAPSHOT) can be changed.",
    ),
)

STATUSES = replace(
    RECORDS,
    removal=Removal.UNLINKED,
    restorable=None,
    # Nothing lists who has opted out.
    reading=Reading.BY_KEY,
    read_back_keys=MOST_ROWS,
    minimal_permissions=(
        "communication_preferences.read_write",
        "communication_preferences.statuses.batch.read",
        "communication_preferences.statuses.batch.write",
    ),
    irreversible=(
        "Somebody who opted out cannot be subscribed again by this system.",
        "A status belongs to the address, and to every contact that has it.",
    ),
)


def paced(traits: Traits, burst: int) -> Traits:
    """Return the traits with the pace of an account."""
    bucket = Bucket("requests in ten seconds", burst, BURST_SECONDS)
    return replace(traits, buckets=(bucket,))
