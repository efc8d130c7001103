"""What is not sure of Braze, or differs from account to account."""

from __future__ import annotations

from activation.sandbox.quirks import Quirk

QUEUE_SECONDS = "queue_seconds"
QUEUE_SPREAD = "queue_spread"
CREATES_FIRST = "creates_first"
BATCH_COUNTING = "batch_counting"
BATCH_LIMIT = "batch_limit"
TYPE_CLASH = "type_clash"
LONG_TEXT = "long_text"
FIELDS_TO_EXPORT = "fields_to_export"
LOCALE_POINTS = "locale_points"
MAINTENANCE = "maintenance"
RESET_HEADER = "reset_header"
SUCCESS_STATUS = "success_status"
PERMISSION_STATUS = "permission_status"

QUIRKS = (
    Quirk(
        QUEUE_SECONDS,
        2.0,
        "Seconds between an acceptance and its effect. Braze says 10 to 100 ms; a project saw 2 "
        "to 4 seconds, and recordings of 2021 show 6.",
    ),
    Quirk(
        QUEUE_SPREAD,
        0.0,
        "Seconds that an effect may come later still, drawn anew for each object: above 0, "
        "objects for one user take effect in any order. No order is documented.",
    ),
    Quirk(
        CREATES_FIRST,
        default=True,
        about="A new profile is there, empty, half-way to its attributes: recorded in 2021.",
    ),
    Quirk(
        BATCH_COUNTING,
        "combined",
        "How the objects of a track request are counted: all together, or each array by itself "
        "as in older accounts.",
        ("combined", "per_array"),
    ),
    Quirk(BATCH_LIMIT, 75, "Objects in a track request; MAU plans of 2024-25 have 50.", (75, 50)),
    Quirk(
        TYPE_CLASH,
        "dropped",
        "What becomes of a value of another type than the attribute's. That it is dropped "
        "without a word is remembered, not documented.",
        ("dropped", "stored"),
    ),
    Quirk(
        LONG_TEXT,
        "dropped",
        "What becomes of text over 255 characters: the documentation says that the value does "
        "not update, and elsewhere that 255 is the most.",
        ("dropped", "truncated", "stored"),
    ),
    Quirk(
        FIELDS_TO_EXPORT,
        "optional",
        "Whether an export must name its fields: required of accounts since 22 August 2024.",
        ("optional", "required"),
    ),
    Quirk(
        LOCALE_POINTS,
        "billed",
        "Whether country and language cost a data point when they are sent: the documentation "
        "lists them twice, and one connector counts them as free.",
        ("billed", "free"),
    ),
    Quirk(
        MAINTENANCE,
        default=False,
        about='Tracking is answered 202 "queued", as an older page describes of maintenance.',
    ),
    Quirk(
        RESET_HEADER,
        "epoch",
        "What X-RateLimit-Reset holds: a moment, as documented and recorded, or the seconds to "
        "wait, as one connector says.",
        ("epoch", "seconds"),
    ),
    Quirk(SUCCESS_STATUS, 201, "The status of an acceptance; mocks of others say 200.", (201, 200)),
    Quirk(
        PERMISSION_STATUS,
        403,
        "The status for a permission that is lacking: two pages of the documentation differ.",
        (403, 401),
    ),
)
