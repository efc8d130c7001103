"""
What Zendesk said of each row; a row that it does not vouch for was not delivered.

An answer is a job's status as Zendesk tells it, or a single user or organization, or what `send`
made of several answers (see `Report`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson

from activation.destinations.base import Answer, Fate, RowError, RowResult
from activation.destinations.transport_errors import GARBLED
from activation.destinations.unvouched import unvouched
from activation.destinations.zendesk.errors import code_in, first_error

_LONGEST_TEXT = 500
_OVER = frozenset({"completed", "failed", "killed"})
_DONE = {"Created": True, "Updated": False, "Deleted": None}
"""The words of success, and whether a record was made."""

_LASTING = re.compile(
    r"not properly formatted|is invalid|is not valid|cannot be blank|can't be blank|is too (long|"
    r"short|big|large)|must be|must have|already been taken|already being used|already exists|"
    r"is not included|is not permitted|does not match|cannot be (changed|updated|modified|merged|"
    r"deleted)|do(es)? not exist|not found|forbidden|not allowed|access denied|shared",
    re.IGNORECASE,
)
"""
Signs in a row's details that the row must change first.

The codes of refused rows are not documented, and the same one stands for any reason; all others
may pass later: a row that is tried once too often costs a request, a row that is given up too
early is lost until somebody looks.
"""
_LASTING_CODES = frozenset(
    {
        "BlankValue",
        "DuplicateValue",
        "Forbidden",
        "InvalidFormat",
        "InvalidValue",
        "PermissionDenied",
        "RecordInvalid",
        "RecordNotFound",
    }
)
_STRANGE = "the row's result is neither a success nor an error"
_TAKEN = re.compile(r"(already been taken|already being used|already exists)", re.IGNORECASE)


@dataclass(slots=True)
class Report:
    """What `send` has to say of the rows of a payload, told by their places."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def job(
        self,
        status: Mapping[str, Any],
        places: Sequence[int],
        *,
        ids: Sequence[int] | None = None,
        taken_passes: bool = False,
    ) -> None:
        """
        Add a job.

        Args:
            status: what Zendesk told of it.
            places: the payload's rows that it was given, in order.
            ids: the ids of their records, if it was given those.
            taken_passes: whether a key that is taken will be found by the next attempt.
        """
        made: dict[str, Any] = {"job_status": status, "places": list(places)}
        if ids is not None:
            made["ids"] = list(ids)
        if taken_passes:
            made["taken_passes"] = True
        self.jobs.append(made)

    def again(self, places: Sequence[int]) -> None:
        """Say that another job will tell of these rows of the last one."""
        self.jobs[-1]["again"] = list(places)

    def done(self, place: int, record: int | None = None) -> None:
        """Say that a row holds already, and in which record."""
        self.rows[str(place)] = {"done": True, "id": record}

    def refuse(self, place: int, code: str, text: str, fate: Fate) -> None:
        """Say that a row was not sent, or is not fully written, and why."""
        self.rows[str(place)] = {"code": code, "text": text, "fate": fate.value}

    def body(self) -> bytes:
        """Return it as the body of an answer."""
        return orjson.dumps({"jobs": self.jobs, "rows": self.rows})


def decode(answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
    """
    Return one result a key, in the order of the keys sent.

    Never raises: an answer that cannot be read vouches for no row, and each gets a RETRYABLE
    error.
    """
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return (unvouched("the answer is not JSON"),) * len(keys)
    if not isinstance(told, dict):
        return (unvouched("the answer is not an object"),) * len(keys)
    if "jobs" in told or "rows" in told:
        return _reported(told, keys)
    if "job_status" in told:
        return _reported({"jobs": [told | {"places": list(range(len(keys)))}]}, keys)
    if len(keys) == 1:
        return (_single(answer, told, keys[0]),)
    return (unvouched("the answer speaks of no job"),) * len(keys)


def _reported(told: Mapping[str, Any], keys: Sequence[str]) -> tuple[RowResult, ...]:
    found: dict[int, RowResult] = {}
    twice: set[int] = set()
    jobs, rows = told.get("jobs"), told.get("rows")
    for job in jobs if isinstance(jobs, list) else ():
        if isinstance(job, dict):
            for place, result in _job(job, keys).items():
                twice.update({place} & found.keys())
                found[place] = result
    for place in twice:
        found[place] = unvouched("two jobs speak of the row")
    for name, said in (rows if isinstance(rows, dict) else {}).items():
        if name.isdecimal() and int(name) < len(keys):
            found[int(name)] = _said(said)
    silence = unvouched("the answer does not speak of the row")
    return tuple(found.get(place, silence) for place in range(len(keys)))


def _said(said: object) -> RowResult:
    if not isinstance(said, dict):
        return unvouched("what is said of the row is not an object")
    if said.get("done") is True:
        record = said.get("id")
        if record is not None and not _is_id(record):
            return unvouched("the row's record has no id")
        return RowResult(None if record is None else str(record), created=False)
    code, text = code_in(said.get("code")), said.get("text")
    try:
        fate = Fate(str(said.get("fate")))
    except ValueError:
        fate = Fate.RETRYABLE
    return RowResult(error=RowError(code or GARBLED, text if isinstance(text, str) else "", fate))


def _job(job: Mapping[str, Any], keys: Sequence[str]) -> dict[int, RowResult]:
    """Return what a job says of the rows that it was given."""
    places = job.get("places")
    if (
        not isinstance(places, list)
        or not all(type(place) is int and 0 <= place < len(keys) for place in places)
        or len(set(places)) < len(places)
    ):
        return {}
    status = job.get("job_status")
    if not isinstance(status, dict) or not _is_one_of(status.get("status"), _OVER):
        return dict.fromkeys(places, unvouched("the job is not known to be over"))
    results = status.get("results")
    if not isinstance(results, list):
        return dict.fromkeys(places, unvouched("the job tells no results"))
    ids = job.get("ids")
    if ids is not None:
        placed = _by_id(results, ids) if isinstance(ids, list) else {}
    else:
        placed = _by_index(results, [keys[place] for place in places])
    passes, again = job.get("taken_passes") is True, job.get("again")
    later = again if isinstance(again, list) else []
    silence = unvouched("the job does not speak of the row")
    return {
        place: _result(placed[at], taken_passes=passes) if at in placed else silence
        for at, place in enumerate(places)
        if place not in later
    }


def _by_id(results: Sequence[object], ids: Sequence[object]) -> dict[int, Mapping[str, Any]]:
    """Return the results of records that the job was told by id; a repeated id is no evidence."""
    at = {value: place for place, value in enumerate(ids) if _is_id(value)}
    found: dict[int, Mapping[str, Any]] = {}
    twice: set[int] = set()
    for entry in results:
        if not isinstance(entry, dict):
            continue
        # A refused row may have its index where others have their id.
        index = entry.get("index")
        by_index = index if type(index) is int and 0 <= index < len(ids) else None
        value = entry.get("id")
        place = at.get(value) if _is_id(value) else None
        if place is None and _refuses(entry):
            place = by_index
        if place is not None:
            twice.update({place} & found.keys())
            found[place] = entry
    return {place: entry for place, entry in found.items() if place not in twice}


def _by_index(results: Sequence[object], keys: Sequence[str]) -> dict[int, Mapping[str, Any]]:
    """
    Return the results by their index, by the key that they name, or by their place.

    Two that claim one row speak of nobody, and so does one that names another row's key.
    """
    entries = [entry for entry in results if isinstance(entry, dict)]
    at = {key.casefold(): place for place, key in enumerate(keys)}
    placed: dict[int, Mapping[str, Any]] = {}
    twice: set[int] = set()
    for entry in entries:
        place = entry.get("index")
        if "index" not in entry and isinstance(named := entry.get("external_id"), str):
            place = at.get(named.casefold())
        elif "index" not in entry and _refuses(entry):
            # A refused row may have its index where others have their id.
            place = entry.get("id")
        if type(place) is int and 0 <= place < len(keys):
            twice.update({place} & placed.keys())
            placed[place] = entry
    if len(entries) == len(results) == len(keys):
        # "The order of the results is that of the users sent" (Zendesk's developer advocacy).
        for place, entry in enumerate(entries):
            if entry.get("external_id") is None and "index" not in entry:
                placed.setdefault(place, entry)
    return {
        place: entry
        for place, entry in placed.items()
        if place not in twice and _names(entry, keys[place])
    }


def _names(entry: Mapping[str, Any], key: str) -> bool:
    named = entry.get("external_id")
    return named is None or (isinstance(named, str) and named.casefold() == key.casefold())


def _refuses(entry: Mapping[str, Any]) -> bool:
    return "error" in entry or entry.get("success") is False or entry.get("status") == "Failed"


def _result(entry: Mapping[str, Any], *, taken_passes: bool) -> RowResult:
    if _refuses(entry):
        return RowResult(error=_error(entry, taken_passes=taken_passes))
    if not _is_id(entry.get("id")):
        return unvouched("the row's success names no record")
    if entry.get("success", True) is not True:
        return unvouched("the row is neither a success nor an error")
    record = str(entry["id"])
    if "status" in entry:
        status = entry["status"]
        known = _is_one_of(status, _DONE)
        return RowResult(record, created=_DONE[status]) if known else unvouched(_STRANGE)
    # "Results": a job that creates tells the id and the index, and nothing else.
    vouched = "success" in entry or type(entry.get("index")) is int
    return RowResult(record) if vouched else unvouched(_STRANGE)


def _error(entry: Mapping[str, Any], *, taken_passes: bool) -> RowError:
    code = code_in(entry.get("error"))
    details = entry.get("details")
    text = details if isinstance(details, str) else ""
    if code is None and isinstance(entry.get("error"), str):
        # Some jobs tell the reason itself as the error.
        text = text or entry["error"]
    fate = Fate.RETRYABLE if taken_passes and is_taken(text) else fate_of(code or "", text)
    return RowError(code=code or "UNKNOWN", text=text[:_LONGEST_TEXT], fate=fate)


def is_taken(text: str) -> bool:
    """Tell whether a row was refused because its key is: our own, made meanwhile, unlike a name."""
    return _TAKEN.search(text) is not None and not text.lower().startswith("name")


def fate_of(code: str, text: str) -> Fate:
    """Return whether a row with this error may pass later as it is."""
    lasting = code in _LASTING_CODES or _LASTING.search(text) is not None
    return Fate.PERMANENT if lasting else Fate.RETRYABLE


def _single(answer: Answer, told: Mapping[str, Any], key: str) -> RowResult:
    """Return what an answer about one record says: 200 is an update, 201 a creation."""
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return RowResult(error=_invalid(answer, told))
    record = told.get("user", told.get("organization"))
    if not isinstance(record, dict):
        return unvouched("the answer speaks of no record")
    if not _is_id(record.get("id")) or not isinstance(record.get("external_id"), str):
        return unvouched("the answer's record has no id or no key")
    if not _names(record, key):
        return unvouched("the answer speaks of another record")
    return RowResult(str(record["id"]), created=answer.status == HTTPStatus.CREATED)


def _invalid(answer: Answer, told: Mapping[str, Any]) -> RowError:
    code, text = first_error(answer.status, answer.body)
    details = told.get("details")
    fields = tuple(details) if isinstance(details, dict) else ()
    parts = [
        part["description"]
        for listed in (details.values() if isinstance(details, dict) else ())
        for part in (listed if isinstance(listed, list) else ())
        if isinstance(part, dict) and isinstance(part.get("description"), str)
    ]
    fate = Fate.PERMANENT if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY else Fate.RETRYABLE
    return RowError(code, ("; ".join(parts) or text)[:_LONGEST_TEXT], fate, fields)


def _is_one_of(value: object, words: Collection[str]) -> bool:
    return isinstance(value, str) and value in words


def _is_id(value: object) -> bool:
    return type(value) is int and value > 0
