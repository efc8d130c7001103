"""What is not sure of HubSpot, or known from others alone, or differs between accounts."""

from __future__ import annotations

from activation.sandbox.quirks import Quirk

QUIRKS = (
    Quirk(
        "search_lag",
        3.0,
        "Seconds until a search sees a write; real ones take from one to sixty.",
    ),
    Quirk(
        "multi_status",
        "traced",
        "When good rows of a batch are written although others are bad: if every input has a trace "
        "id of its own (documented for creates, seen with upserts), or always (one project).",
        ("traced", "always"),
    ),
    Quirk(
        "takes_a_body_without_inputs",
        default=True,
        about="A batch without `inputs` is answered with 200 and stores nothing; seen by one "
        "project. Off: 400.",
    ),
    Quirk(
        "shuffles_results",
        default=True,
        about="Results come in another order than the inputs; recorded for creates, seen with "
        "upserts.",
    ),
    Quirk(
        "returns_trace_ids",
        default=True,
        about="Results name the trace id of their input; the description has it as optional.",
    ),
    Quirk(
        "ignores_an_update_without_id_property",
        default=True,
        about="A batch update whose id is no record id and has no idProperty is taken without a "
        "word and changes nothing; reported by one project. Off: the record is not found.",
    ),
    Quirk(
        "refuses_updates_by_email",
        default=False,
        about="A batch update by idProperty email is refused as not unique; reported by one "
        "project, while the description allows it.",
    ),
    Quirk(
        "email_upsert_clears_the_rest",
        default=False,
        about="An upsert by idProperty email clears what it does not mention; documented is only "
        "that partial upserts by email are not supported.",
    ),
    Quirk(
        "leaves_merged_records_out",
        default=True,
        about="A batch update by the id of a record that was merged away says nothing of it; seen "
        "by one project. Off: the record is not found.",
    ),
    Quirk(
        "merges_into_a_new_id",
        default=True,
        about="What remains of a merge has a record id of its own; announced by HubSpot for some "
        "accounts. Off: it keeps the first record's.",
    ),
    Quirk(
        "archives_what_is_not_there",
        default=True,
        about="Deleting an unknown record is answered with 204; not sourced. Off: 404.",
    ),
    Quirk(
        "refuses_resubscription",
        default=True,
        about="Somebody who opted out cannot be subscribed again by the API; not sourced.",
    ),
    Quirk(
        "search_filters",
        18,
        "Filters that one search may have; the page on search says 18, a changelog of 2024 25.",
        (18, 25),
    ),
)
