"""The facts of Salesforce's Bulk API 2.0, each with its source."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from activation.destinations.salesforce.traits import LONG_CALLS
from activation.destinations.traits import EndpointClass, Traits, Verb

UPSERT = Traits(
    system="salesforce",
    # A job has an id before anything of it is carried out.
    endpoint_class=EndpointClass.JOB,
    # Ours: a job may hold 150 million records a day, but its answer is held in memory.
    batch_rows=100_000,
    # Bulk API 2.0 guide, "Upload Job Data": not more than 100 MB, which base64 makes 150 MB.
    batch_bytes=100_000_000,
    # "Get Job Successful Record Results": the order of records is not guaranteed.
    keeps_order=False,
    # A job waits as long as the org is busy, and each batch is tried up to 10 times; finished
    # jobs are kept 7 days, and so long one that nobody answered for may have been carried out.
    horizon=timedelta(days=7),
    name="bulk",
    verbs=frozenset({Verb.UPSERT}),
    buckets=(LONG_CALLS,),
    # Made, uploaded, closed, three result files, and some questions in between.
    requests_per_batch=12,
)
INSERT = replace(UPSERT, name="bulk_insert", verbs=frozenset({Verb.CREATE}))
