"""The destination against the sandbox, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from activation.contract.model import FieldKind
from activation.destinations.base import (
    Connection,
    Fate,
    JobEndpoint,
    JobState,
    RowResult,
    Target,
)
from activation.destinations.salesforce.destination import Salesforce
from activation.errors import (
    Applied,
    BatchRefused,
    ConfigurationError,
    DestinationError,
    QuotaRefused,
    Transient,
)
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.destinations.salesforce.rows import mapping, requests_of

# sqlglot, which the sandbox reads SOQL with, warns of its own optional speed-up when it is loaded.
pytestmark = pytest.mark.filterwarnings("ignore:sqlglotrs:DeprecationWarning")

FIELDS = (
    mapping("LastName", "text(80)"),
    mapping("Email", "text(80)"),
    mapping("Churn_Score__c", "decimal(5,2)"),
    mapping("Churn_Band__c", "text(20)"),
    mapping("Churn_Scored_At__c", "timestamp"),
)
TARGET = Target(object="Contact", key="Customer_Key__c", fields=FIELDS)
SCORED = datetime(2026, 9, 1, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run one sandbox for the module."""
    with running(tmp_path_factory.mktemp("sandbox"), credentials=("app", "s3cret")) as address:
        yield Sandbox(address)


@pytest.fixture
def org(sandbox: Sandbox) -> Iterator[Salesforce]:
    """Connect to an empty sandbox."""
    sandbox.reset()
    credentials = {"client_id": "app", "client_secret": "s3cret"}
    salesforce = Salesforce(Connection("crm", "salesforce", sandbox.address, credentials))
    yield salesforce
    salesforce.close()


def rows(*keys: str, **changed: list[Any]) -> pa.Table:
    """Make a row a key."""
    count = len(keys)
    columns: dict[str, Any] = {
        "sync_key": list(keys),
        "LastName": [f"Name {key}" for key in keys],
        "Email": [f"person-{number}@example.com" for number in range(count)],
        "Churn_Score__c": pa.array([Decimal("71.20")] * count, pa.decimal128(5, 2)),
        "Churn_Band__c": ["High"] * count,
        "Churn_Scored_At__c": pa.array([SCORED] * count, pa.timestamp("us", "UTC")),
    }
    return pa.table(columns | changed)


def upsert(org: Salesforce, table: pa.Table, seconds: float = 5) -> tuple[RowResult, ...]:
    """Encode, send and decode."""
    endpoint = requests_of(org, TARGET)
    answer = endpoint.send(TARGET, endpoint.encode(TARGET, table), seconds=seconds)
    return endpoint.decode(answer, table["sync_key"].to_pylist())


def test_what_was_sent_is_read_back(org: Salesforce) -> None:
    """A full batch is created, updated by its keys, and read back as it was sent."""
    table = rows(*[f"c-{n:03d}" for n in range(200)])

    created = upsert(org, table)
    updated = upsert(org, table)

    assert all(r.error is None and r.created is True for r in created)
    assert [r.created for r in updated] == [False] * 200
    assert [r.destination_id for r in updated] == [r.destination_id for r in created]
    (page,) = org.read_back(TARGET, None)
    read = page.rows.sort_by("sync_key")
    for name in table.column_names:
        assert read[name].to_pylist() == table[name].to_pylist()
    assert set(read["destination_id"].to_pylist()) == {r.destination_id for r in created}


def test_keys_with_odd_characters_are_found_again(org: Salesforce) -> None:
    """A key that holds what SOQL and addresses treat as signs is read back by itself."""
    keys = ["it's", 'say "x"', "back\\slash", "50%_off", "a,b)('c", "Łódź&a=b#+ c"]
    assert all(r.error is None for r in upsert(org, rows(*keys, "other")))

    (page,) = org.read_back(TARGET, keys)

    assert sorted(page.rows["sync_key"].to_pylist()) == sorted(keys)


def test_null_clears_a_field(org: Salesforce, sandbox: Sandbox) -> None:
    """An empty value under `clear` empties the field."""
    upsert(org, rows("c-1"))

    upsert(org, rows("c-1", Email=pa.array([None], pa.string())))

    (record,) = sandbox.records("Contact")
    assert record["Email"] is None


def test_one_bad_row_does_not_cost_its_neighbours(org: Salesforce) -> None:
    """A refused row has its error, at its place; the others are delivered."""
    bad = rows("c-1", "c-2", "c-3", Churn_Band__c=["High", "Sideways", "Low"])

    first, second, third = upsert(org, bad)

    assert first.error is None
    assert third.error is None
    assert second.error is not None
    assert second.error.fate is Fate.PERMANENT
    assert second.destination_id is None


def test_describes_the_object(org: Salesforce) -> None:
    """The schema holds the mapped fields with their kinds and limits."""
    schema = org.describe("Contact")

    assert schema.creatable
    key, score = schema.fields["Customer_Key__c"], schema.fields["Churn_Score__c"]
    assert (key.external_id, key.unique, key.length) == (True, True, 80)
    assert (score.kind, score.precision, score.scale) == (FieldKind.DECIMAL, 5, 2)
    assert schema.fields["LastName"].required
    assert schema.fields["Email"].email
    assert schema.fields["Churn_Band__c"].values == ("Low", "Medium", "High")
    assert not schema.fields["Id"].writable
    with pytest.raises(ConfigurationError, match="Nonsense"):
        org.describe("Nonsense")


def test_reads_many_pages(org: Salesforce) -> None:
    """More records than a page holds come in several."""
    for start in range(0, 2200, 200):
        upsert(org, rows(*[f"c-{n:05d}" for n in range(start, start + 200)]))

    pages = list(org.read_back(TARGET, None))

    assert [page.rows.num_rows for page in pages] == [2000, 200]
    keys = pa.concat_tables([page.rows for page in pages])["sync_key"].to_pylist()
    assert sorted(keys) == [f"c-{n:05d}" for n in range(2200)]


def test_tells_the_quota(org: Salesforce, sandbox: Sandbox) -> None:
    """The org's count is the one that its answers tell."""
    sandbox.set_quota(limit=15000, used=0)

    reading = org.quota()

    assert reading is not None
    assert reading.limit == 15000
    upsert(org, rows("c-1"))
    told = org.quota()
    assert told is not None
    assert told.used == sandbox.quota()["used"]


@pytest.mark.parametrize(
    ("fault", "options", "kind", "applied", "written"),
    [
        ("unavailable", {}, Transient, Applied.NO, 0),
        ("server_error_after_apply", {}, Transient, Applied.UNKNOWN, 1),
        ("lost_response", {}, Transient, Applied.UNKNOWN, 1),
        ("lost_request", {}, Transient, Applied.UNKNOWN, 0),
        ("timeout_after_apply", {"seconds": 0.3}, Transient, Applied.UNKNOWN, 1),
        ("garbled_answer", {"kind": "truncated"}, Transient, Applied.UNKNOWN, 1),
        ("garbled_answer", {"kind": "html"}, Transient, Applied.UNKNOWN, 1),
        ("garbled_answer", {"kind": "empty"}, Transient, Applied.UNKNOWN, 1),
        ("quota_exhausted", {}, QuotaRefused, None, 0),
        ("whole_batch_refused", {}, BatchRefused, None, 0),
    ],
)
def test_faults_are_told_for_what_they_are(  # noqa: PLR0913, PLR0917
    org: Salesforce,
    sandbox: Sandbox,
    fault: str,
    options: dict[str, Any],
    kind: type[DestinationError],
    applied: Applied | None,
    written: int,
) -> None:
    """`applied` is NO only where nothing was written, and the same bytes then go through."""
    sandbox.faults.add(fault, times=1, method="PATCH", **options)

    with pytest.raises(kind) as caught:
        upsert(org, rows("c-1"), seconds=2)

    assert getattr(caught.value, "applied", None) == applied
    assert sandbox.count("Contact") == written
    (result,) = upsert(org, rows("c-1"))
    assert result.error is None
    assert sandbox.count("Contact") == 1


def test_an_expired_session_goes_unnoticed(org: Salesforce, sandbox: Sandbox) -> None:
    """A session that ends between two calls is replaced within the second."""
    upsert(org, rows("c-1"))
    sandbox.faults.add("expired_session", times=1, method="PATCH")

    (result,) = upsert(org, rows("c-2"))

    assert result.error is None
    assert sandbox.count("Contact") == 2


def test_locked_rows_may_pass_later(org: Salesforce, sandbox: Sandbox) -> None:
    """A row that somebody else holds is refused for now, not for good."""
    sandbox.faults.add("row_locked", times=1, share=1.0)

    (locked,) = upsert(org, rows("c-1"))

    assert locked.error is not None
    assert (locked.error.code, locked.error.fate) == ("UNABLE_TO_LOCK_ROW", Fate.RETRYABLE)
    assert upsert(org, rows("c-1"))[0].error is None


def test_a_field_that_vanished_refuses_the_batch(org: Salesforce, sandbox: Sandbox) -> None:
    """Schema drift is one refusal with its code, and shows in the description."""
    sandbox.faults.add("drop_field", object="Contact", field="Churn_Band__c")

    assert "Churn_Band__c" not in org.describe("Contact").fields
    with pytest.raises(BatchRefused) as caught:
        upsert(org, rows("c-1"))

    assert caught.value.code == "INVALID_FIELD"
    assert sandbox.count("Contact") == 0


def test_a_repeated_key_fails_all_its_rows(org: Salesforce) -> None:
    """Two rows of one request with the same key are both refused; the others pass."""
    first, other, second = upsert(org, rows("c-1", "c-2", "c-1"))

    assert other.error is None
    for result in (first, second):
        assert result.error is not None
        assert (result.error.code, result.error.fate) == ("DUPLICATE_VALUE", Fate.PERMANENT)


def test_wrong_credentials_are_told(sandbox: Sandbox) -> None:
    """A secret that is not accepted ends with the connection's name, and without the secret."""
    wrong = {"client_id": "app", "client_secret": "wr0ng"}
    org = Salesforce(Connection("crm", "salesforce", sandbox.address, wrong))

    with pytest.raises(DestinationError, match="crm") as caught:
        org.describe("Contact")

    assert caught.value.code == "invalid_client"
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize("name", ["collections", "bulk"])
def test_a_parent_is_named_by_its_key(sandbox: Sandbox, org: Salesforce, name: str) -> None:
    """A contact waits until its account is there, and is read back with the account's key."""
    for wait in ("bulk_queue_seconds", "bulk_batch_seconds"):
        sandbox.set_quirk("salesforce", wait, 0)
    linked = mapping("Account.Account_Key__c", "text(80)")
    target = Target("Contact", "Customer_Key__c", (mapping("LastName", "text(80)"), linked))
    people = pa.table({"sync_key": ["u-1"], "LastName": ["Kim"], linked.to: ["A-7"]})

    (early,) = written(org, target, people, name)
    sandbox.create_record("Account", Name="Acme", Account_Key__c="A-7")
    (then,) = written(org, target, people, name)

    assert early.error is not None
    assert early.error.fate is Fate.LATER
    assert then.error is None
    (page,) = org.read_back(target, ["u-1"])
    assert page.rows[linked.to].to_pylist() == ["A-7"]


def written(org: Salesforce, target: Target, rows: pa.Table, name: str) -> tuple[RowResult, ...]:
    """Send rows over an endpoint, and wait for its job if it has one."""
    endpoint, keys = org.endpoint_named(target, name), rows["sync_key"].to_pylist()
    payload = endpoint.encode(target, rows)
    if not isinstance(endpoint, JobEndpoint):
        return endpoint.decode(endpoint.send(target, payload, seconds=10), keys)
    job = endpoint.open_job(target, seconds=10)
    endpoint.start_job(target, job, payload, seconds=10)
    while endpoint.job_status(target, job, seconds=10).state is JobState.RUNNING:
        time.sleep(0.05)
    return endpoint.decode(endpoint.job_answer(target, job, seconds=10), keys)
