"""
Endpoints that write by record id: updates that create nothing, removals, members of campaigns.

Each first asks which records have the keys, in one request, and then writes to those.
What is sent again after a lost answer asks anew, and so does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import pyarrow as pa

from activation.destinations.base import Answer, RowResult, Target
from activation.destinations.salesforce.decode import decode, decode_removals
from activation.destinations.salesforce.encode import encode, encode_keys
from activation.destinations.salesforce.errors import garbled
from activation.destinations.salesforce.lookup import NOT_FOUND, Lookup, look_up
from activation.destinations.salesforce.names import check_target, lookup_field
from activation.destinations.salesforce.session import Deadline, Session
from activation.destinations.salesforce.traits import MEMBERS, REMOVALS, UPDATES
from activation.errors import Applied, BatchRefused, Transient

_PATH = "composite/sobjects"
_FIXED = frozenset({"CampaignId", "ContactId", "LeadId"})
Record = dict[str, Any]
Result = Mapping[str, Any]


class Updates:
    """Updates records that are there; a row without one is refused."""

    traits = UPDATES

    def __init__(self, session: Session, *, relinks: bool = True) -> None:
        """Send through that session; without `relinks`, links of records are left as they are."""
        self._session = session
        self._relinks = relinks

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the records by key, for at most 200 rows; the same rows give the same bytes."""
        return encode(target, rows, ids=True)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Update a payload that `encode` made, and return one result a row.

        A record that is known by its id is not looked up, and gets the key.

        Raises what `Collections.send` raises.
        """
        check_target(target)
        deadline = self._session.deadline(seconds)
        records = _records(payload)
        keys = [record[target.key] for record in records]
        sought = [record[target.key] for record in records if "id" not in record]
        lookup = look_up(self._session, target, sought, deadline)
        known = lookup.absent(NOT_FOUND) | lookup.unclear()
        found = [record for record in records if record[target.key] not in known]
        if not self._relinks:
            found = [_unlinked(record, target) for record in found]
        updated = _write(self._session, "PATCH", _by_id(found, target, lookup), deadline)
        results = _filled(keys, known, updated)
        return _answer(self._session, results, lookup.requests + bool(found))

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; only a row whose success names its record was delivered."""
        return decode(answer, keys)


class Removals:
    """Puts records into the recycle bin; one that is not there is removed already."""

    traits = REMOVALS

    def __init__(self, session: Session) -> None:
        """Send through that session."""
        self._session = session

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the keys, for at most 200 rows; the same rows give the same bytes."""
        return encode_keys(target, rows)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Delete the records with these keys, and return one result a row.

        The ids come from the object itself, by the key, at this moment: a record that no longer
        has our key is not ours any more, and an id of another object cannot get in.

        Raises what `Collections.send` raises.
        """
        check_target(target)
        deadline = self._session.deadline(seconds)
        keys: list[str] = orjson.loads(payload)["keys"]
        lookup = look_up(self._session, target, keys, deadline)
        known = lookup.absent({"absent": True}) | lookup.unclear()
        doomed = [lookup.of(key)[0] for key in keys if key not in known]
        deleted: Sequence[Result] = ()
        if doomed:
            params = {"ids": ",".join(doomed), "allOrNone": "false"}
            answer = self._session.call("DELETE", _PATH, seconds=deadline.left, params=params)
            deleted = _results(answer, len(doomed), "DELETE")
        results = _filled(keys, known, deleted)
        return _answer(self._session, results, lookup.requests + bool(doomed))

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; a record that was gone already is a success too."""
        return decode_removals(answer, keys)


class Members:
    """
    Joins people to campaigns: creates members that are not there, updates those that are.

    Who a member is is said once: its links cannot be written again, so an upsert is refused.
    """

    traits = MEMBERS

    def __init__(self, session: Session) -> None:
        """Send through that session."""
        self._session = session

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the members by key, for at most 200 rows; the same rows give the same bytes."""
        return encode(target, rows)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Join a payload that `encode` made, and return one result a row.

        Raises what `Collections.send` raises.
        """
        check_target(target)
        deadline = self._session.deadline(seconds)
        records = _records(payload)
        keys = [record[target.key] for record in records]
        lookup = look_up(self._session, target, keys, deadline)
        known = lookup.unclear()
        fresh = [r for r in records if not lookup.of(r[target.key]) and r[target.key] not in known]
        there = [r for r in records if lookup.of(r[target.key]) and r[target.key] not in known]
        changes = _by_id([_unlinked(r, target) for r in there], target, lookup)
        changed = [change for change in changes if len(change) > len(("attributes", "id"))]
        for record, change in zip(there, changes, strict=True):
            if change not in changed:
                known[record[target.key]] = _as_it_is(change["id"])
        created = _write(self._session, "POST", fresh, deadline)
        with _doubtful(begun=bool(fresh)):
            updated = _write(self._session, "PATCH", changed, deadline)
        known |= {r[target.key]: result for r, result in zip(fresh, created, strict=True)}
        results = _filled(keys, known, updated)
        return _answer(self._session, results, lookup.requests + bool(fresh) + bool(changed))

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; only a row whose success names its record was delivered."""
        return decode(answer, keys)


def _records(payload: bytes) -> list[Record]:
    records: list[Record] = orjson.loads(payload)["records"]
    return records


def _unlinked(record: Record, target: Target) -> Record:
    """Return a member without who it is and where."""
    links = {f.to.partition(".")[0] for f in target.fields if "." in f.to}
    fixed = links | {lookup_field(name) for name in links} | _FIXED
    return {name: value for name, value in record.items() if name not in fixed}


def _by_id(records: Sequence[Record], target: Target, lookup: Lookup) -> list[Record]:
    """Return the records by id in place of the key; one that came with its id keeps both."""
    return [
        record
        if "id" in record
        else {
            "attributes": record["attributes"],
            "id": lookup.of(record[target.key])[0],
            **{n: v for n, v in record.items() if n not in ("attributes", target.key)},
        }
        for record in records
    ]


def _write(
    session: Session, method: str, records: Sequence[Record], deadline: Deadline
) -> Sequence[Result]:
    """Create or update records; return one result a record."""
    if not records:
        return ()
    body = orjson.dumps({"allOrNone": False, "records": records})
    answer = session.call(method, _PATH, seconds=deadline.left, data=body)
    # Unlike an upsert's, their results do not say what was done.
    done = {"created": method == "POST"}
    results = _results(answer, len(records), method)
    return [result | done if result.get("success") is True else result for result in results]


def _results(answer: Answer, count: int, method: str) -> list[Record]:
    try:
        results = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        results = None
    if (
        not isinstance(results, list)
        or len(results) != count
        or not all(isinstance(result, dict) for result in results)
    ):
        raise garbled(f"{method} {_PATH}")
    return results


def _filled(
    keys: Sequence[str], known: Mapping[str, Result], theirs: Sequence[Result]
) -> list[Result]:
    """Return one result a row: what is known of the key, else the vendor's next."""
    following: Iterator[Result] = iter(theirs)
    return [known[key] if key in known else next(following) for key in keys]


def _as_it_is(identity: str) -> Result:
    """Return the result of a member that is there and has nothing to be written."""
    return {"id": identity, "success": True, "errors": [], "created": False}


@contextmanager
def _doubtful(*, begun: bool) -> Iterator[None]:
    """Let any trouble in the block be a doubt about rows if some were written before it."""
    try:
        yield
    except (Transient, BatchRefused) as error:
        if not begun:
            raise
        if isinstance(error, Transient):
            raise error.with_applied(Applied.UNKNOWN) from None
        raise Transient(error.message, code=error.code, applied=Applied.UNKNOWN) from None


def _answer(session: Session, results: Sequence[Result], requests: int) -> Answer:
    return Answer(200, orjson.dumps(results), session.quota, requests=requests)
