"""The facts of Braze's endpoints, each with its source."""

from __future__ import annotations

from datetime import timedelta

from activation.contract.model import FieldKind
from activation.destinations.braze.billing import FREE, UNIT
from activation.destinations.traits import (
    Acknowledgement,
    Billing,
    Bucket,
    EndpointClass,
    Normaliser,
    ObjectTraits,
    Reading,
    Removal,
    Traits,
    Verb,
)

VENDOR = "Braze"

IDS = 50
"""Most external ids in one export, deletion or change of a subscription."""
LONGEST_KEY_BYTES = 987
"""Error text of /users/track: "'external_id' must be fewer than 988 bytes"."""

_QUEUE = timedelta(minutes=5)
# Ours: "API limits" speaks of 10 to 100 ms; a read of what is not there yet is made again.
_MOSTLY = timedelta(seconds=5)
"""
"API limits", "Optimal API requests": calls that depend on each other want about 5 minutes
between them.  Usually it is milliseconds; recorded were up to 6 seconds.
"""

# "Rate limits by request type".
_TRACK = Bucket("users/track", 3_000, 3.0)
_USERS = Bucket("users/delete, alias, identify, merge", 20_000, 60.0)
_SUBSCRIPTIONS = Bucket("subscription/status/set", 5_000, 60.0)

TRACK = Traits(
    system="braze",
    # No idempotency key exists; the same attributes written twice are the same profile, and are
    # billed twice.
    endpoint_class=EndpointClass.KEYED_UPSERT,
    # "Track users", "Rate limit": 75 objects, in newer accounts attributes, events and purchases
    # taken together. A request of ours carries one kind only, so both readings come to the same.
    batch_rows=75,
    # "API basics": a request has at most 4 MB; here without what headers and other words take.
    batch_bytes=4_000_000,
    horizon=_QUEUE,
    # Errors name the place in the request; what has none was taken.
    keeps_order=True,
    name="track",
    verbs=frozenset({Verb.UPSERT, Verb.UPDATE}),
    acknowledges=Acknowledgement.QUEUED,
    changes_only=True,
    billing=Billing(UNIT, per_field=1, free=FREE),
    buckets=(_TRACK,),
)

EVENTS = Traits(
    system="braze",
    # "How does /users/track handle duplicate events?": each is an event of its own.
    endpoint_class=EndpointClass.UNKEYED,
    batch_rows=75,
    batch_bytes=4_000_000,
    horizon=_QUEUE,
    keeps_order=True,
    name="events",
    verbs=frozenset({Verb.CREATE}),
    acknowledges=Acknowledgement.QUEUED,
    billing=Billing(UNIT, per_row=1),
    buckets=(_TRACK,),
)

DELETE = Traits(
    system="braze",
    endpoint_class=EndpointClass.KEYED_UPSERT,
    # "Delete users": up to 50 ids of one kind.
    batch_rows=IDS,
    batch_bytes=4_000_000,
    horizon=_QUEUE,
    keeps_order=True,
    name="delete",
    verbs=frozenset({Verb.REMOVE, Verb.ERASE}),
    acknowledges=Acknowledgement.QUEUED,
    buckets=(_USERS,),
)

SUBSCRIBE = Traits(
    system="braze",
    endpoint_class=EndpointClass.KEYED_UPSERT,
    # "Update user's subscription group status V2": up to 50 users.
    batch_rows=IDS,
    batch_bytes=4_000_000,
    horizon=_QUEUE,
    keeps_order=True,
    name="subscriptions",
    verbs=frozenset({Verb.UPSERT, Verb.REMOVE}),
    acknowledges=Acknowledgement.QUEUED,
    buckets=(_SUBSCRIPTIONS,),
)

# Empty text is sent as null: of profile fields Braze refuses it or stores null, and of custom
# attributes it is not told. Whole seconds are sent, because no precision is documented.
_VALUES = {
    FieldKind.TEXT: (Normaliser.EMPTY_IS_NULL,),
    FieldKind.TIMESTAMP: (Normaliser.SECONDS,),
}
_EMAIL = (Normaliser.TRIM, Normaliser.EMPTY_IS_NULL, Normaliser.LOWER)

USER = ObjectTraits(
    key_is_case_sensitive=True,
    values=_VALUES,
    # That addresses come back in lower case is observed, not documented.
    email_values=_EMAIL,
    read_back_keys=IDS,
    # No endpoint lists all profiles: a full read is a read by key.
    read_back_page=IDS,
    minimal_permissions=("users.track", "users.export.ids", "custom_attributes.get"),
    # "Delete users": it cannot be undone; the same external id afterwards is another profile.
    removal=Removal.DELETED,
    reading=Reading.BY_KEY,
    read_lag=_QUEUE,
    read_after=_MOSTLY,
    irreversible=(
        "Attributes trigger campaigns and Canvases; the messages they send are out.",
        "Each attribute written is billed as a data point, whether or not it changes anything.",
        "A name that Braze does not know becomes a custom attribute of the workspace.",
        "An erased profile and its history are gone; messages sent before stay in reports.",
    ),
)

EVENT = ObjectTraits(
    key_is_case_sensitive=True,
    values=_VALUES,
    email_values=_EMAIL,
    # An export tells how often each event was, and when first and last, not which.
    read_back_keys=IDS,
    read_back_page=IDS,
    minimal_permissions=("users.track",),
    reading=Reading.NEVER,
    read_lag=_QUEUE,
    irreversible=(
        "An event cannot be taken back, and triggers campaigns and Canvases.",
        "Each event is billed as a data point, also one that is sent again.",
    ),
)

GROUP = ObjectTraits(
    key_is_case_sensitive=True,
    values=_VALUES,
    email_values=_EMAIL,
    read_back_keys=IDS,
    read_back_page=IDS,
    minimal_permissions=("subscription.status.set", "subscription.status.get"),
    removal=Removal.UNLINKED,
    reading=Reading.BY_KEY,
    read_lag=_QUEUE,
    read_after=_MOSTLY,
    irreversible=(
        "Profiles with the same e-mail address or phone number change with it.",
        "Joining or leaving triggers campaigns and Canvases; the messages they send are out.",
    ),
)
