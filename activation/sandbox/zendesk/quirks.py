"""What is not sure of Zendesk, or differs from account to account."""

from __future__ import annotations

from activation.sandbox.quirks import Quirk

JOB_SECONDS = "job_seconds"
JOB_KEPT_HOURS = "job_kept_hours"
RESULTS = "results"
TOO_MANY_JOBS_STATUS = "too_many_jobs_status"
TOO_MANY_VALUES_STATUS = "too_many_values_status"
FOREIGN_EMAIL = "foreign_email"
SEARCH_LAG = "search_lag_seconds"
DELETION_EMPTIES_FIELDS = "deletion_empties_fields"
PLAIN_TEXT_LIMITS = "plain_text_limits"
TAGS_KEEP_FIELD_TAGS = "tags_keep_field_tags"
FAILED_STATUS = "failed_status"

QUIRKS = (
    Quirk(
        JOB_SECONDS,
        0.5,
        "Seconds from a job's request to its end; half of them it is queued. Not documented.",
    ),
    Quirk(
        JOB_KEPT_HOURS,
        24,
        "Hours after which a job's status is gone. The reference says one day; a community post "
        "of older date says one hour, and the last 100 jobs.",
    ),
    Quirk(
        RESULTS,
        "reference",
        "How a job tells of its rows. The published description has three shapes: a creation with "
        "id and index, an update and a failure with neither. `indexed` gives each row its index "
        "as well; `observed` is what a job of create_or_update_many told, without any index.",
        ("reference", "indexed", "observed"),
    ),
    Quirk(
        TOO_MANY_JOBS_STATUS,
        429,
        "The status of TooManyJobs; only its body is documented.",
        (429, 422, 403),
    ),
    Quirk(
        TOO_MANY_VALUES_STATUS,
        413,
        "The status of TooManyValues; only its body is known, from another parameter.",
        (413, 400),
    ),
    Quirk(
        FOREIGN_EMAIL,
        "adopted",
        "What a row with a new external id and the address of a user with another one comes to: "
        "the user is adopted and its external id replaced, or the row is refused. Not documented.",
        ("adopted", "refused"),
    ),
    Quirk(
        SEARCH_LAG,
        60,
        "Seconds until the search index shows a write; documented as up to a few minutes.",
    ),
    Quirk(
        DELETION_EMPTIES_FIELDS,
        default=False,
        about="Whether a deleted user loses its custom fields. A recorded deletion kept them.",
    ),
    Quirk(
        PLAIN_TEXT_LIMITS,
        default=True,
        about="Whether the 429 of a limit is plain text, as recorded for a single user, or JSON.",
    ),
    Quirk(
        TAGS_KEEP_FIELD_TAGS,
        default=True,
        about="Whether writing tags leaves those that custom fields give. Not documented.",
    ),
    Quirk(
        FAILED_STATUS,
        "failed",
        "What a job that ended early is called; `killed` is told of, not documented.",
        ("failed", "killed"),
    ),
)
