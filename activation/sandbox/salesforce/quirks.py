"""What is not sure of Salesforce, or differs from org to org."""

from __future__ import annotations

from activation.sandbox.quirks import Quirk
from activation.sandbox.salesforce.auth import SESSION_HOURS
from activation.sandbox.salesforce.bulk.ingest import (
    HARD_DELETE,
    RESULT_ROWS,
    SECOND_UPLOAD,
)
from activation.sandbox.salesforce.bulk.work import BATCH_SECONDS, QUEUE_SECONDS
from activation.sandbox.salesforce.collections import FAILED_ROWS
from activation.sandbox.salesforce.errors import EXTERNAL_ID_TEXT

QUIRKS = (
    Quirk(
        EXTERNAL_ID_TEXT,
        "named",
        "Text of the 404 of an upsert by a field that is no external id: of a recorded answer, "
        "which names the field, or the generic one of the Bulk guide.",
        ("named", "generic"),
    ),
    Quirk(
        FAILED_ROWS,
        "absent",
        "Whether a failed row of an upserted collection says `created: false`; not recorded.",
        ("absent", "false"),
    ),
    Quirk(
        SESSION_HOURS,
        2.0,
        "Hours without a call after which a session ends; an org's session policy.",
    ),
    Quirk(
        QUEUE_SECONDS,
        2.0,
        "Seconds that a bulk job waits before it is worked on; real ones wait from a second to "
        "minutes.",
    ),
    Quirk(
        BATCH_SECONDS,
        1.0,
        "Seconds that an internal batch of up to 10,000 rows takes; triggers and flows make it "
        "longer.",
    ),
    Quirk(
        SECOND_UPLOAD,
        "refused",
        "What a second upload to the same job comes to; the guide says only that it is once. Two "
        "projects saw it refused.",
        ("refused", "ignored"),
    ),
    Quirk(
        RESULT_ROWS,
        0,
        "Rows in one page of a job's results, told by Sforce-Locator; 0 sends all at once, as "
        "the guide describes.",
    ),
    Quirk(
        HARD_DELETE,
        "withheld",
        "Whether the user has the permission Bulk API Hard Delete.",
        ("withheld", "granted"),
    ),
)
