"""The facts of Salesforce's sObject Collections upsert, each with its source."""

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

API_VERSION = "59.0"
"""What simple-salesforce 1.12.10 speaks unless told; collections upsert needs 46.0 or later."""

URI_AND_HEADER_BYTES = 16_384
"""REST API Developer Guide, "API Request Limits": the URI and the headers of one call together."""

LONG_CALLS = Bucket("long calls", 25, None)
"""
"API Request Limits": at most 25 calls that run for 20 seconds and more; which will is not known.
"""

_TEXT = (Normaliser.TRIM, Normaliser.EMPTY_IS_NULL)

TRAITS = Traits(
    system="salesforce",
    # No idempotency key exists for records; a unique external id makes a repeated upsert harmless.
    endpoint_class=EndpointClass.KEYED_UPSERT,
    # REST API Developer Guide, "Upsert Multiple Records": at most 200 records, results in the
    # order of the request, HTTP 200 whatever became of the rows.
    batch_rows=200,
    keeps_order=True,
    # Ours: no limit in bytes is documented for collections, and 200 rows rarely come near this.
    batch_bytes=5_000_000,
    # "API Request Limits": a call that runs longer than 10 minutes is ended.
    horizon=timedelta(minutes=10),
    name="collections",
    # "Upsert Multiple Records": ?updateOnly exists for single rows only.
    verbs=frozenset({Verb.UPSERT}),
    buckets=(LONG_CALLS,),
)

UPDATES = replace(
    TRAITS,
    name="collections_update",
    verbs=frozenset({Verb.UPDATE}),
    # "Update Multiple Records": by record id, which is asked for first where it is not known.
    requests_per_batch=2,
    spared_by_ids=1,
)
REMOVALS = replace(
    TRAITS,
    name="collections_delete",
    verbs=frozenset({Verb.REMOVE}),
    # "Delete Multiple Records": at most 200 ids, as parameters of the address.
    requests_per_batch=2,
)
MEMBERS = replace(
    TRAITS,
    name="members",
    # One look-up, one creation, one update.
    requests_per_batch=3,
)

OBJECT = ObjectTraits(
    # SOQL compares text without regard to case, and so does the match of an external id, unless
    # the field was made case sensitive.
    key_is_case_sensitive=False,
    # "Primitive Data Types": a dateTime has a precision of one second. That text is trimmed and
    # e-mail put in lower case is observed behaviour, not documented.
    values={FieldKind.TEXT: _TEXT, FieldKind.TIMESTAMP: (Normaliser.SECONDS,)},
    email_values=(*_TEXT, Normaliser.LOWER),
    # "Delete": a deleted record lies in the recycle bin for 15 days.
    removal=Removal.RECYCLED,
    restorable=timedelta(days=15),
    read_back_keys=200,
    # "Query": at most 2,000 records a page.
    read_back_page=2_000,
    minimal_permissions=(
        "API Enabled",
        "Read, Create and Edit on the object",
        "Read and Edit on the key field and on each mapped field",
        "View All Data, only if the key field is not unique",
    ),
    irreversible=(
        "Triggers, flows and assignment rules run on every write; the e-mails they send are out.",
        "The record's last-modified date and user change, and so does its field history.",
    ),
)

MEMBER = replace(
    OBJECT,
    # "CampaignMember": undelete is not among its supported calls.
    removal=Removal.UNLINKED,
    restorable=None,
    irreversible=(
        *OBJECT.irreversible,
        "Whoever left a campaign and joins again is a new member, without the old one's responses.",
    ),
)
