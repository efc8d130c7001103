"""
Trouble on demand: what can be made to go wrong, how often, and for which requests.

Request faults strike a request as a whole; at most one strikes each request.
Row faults strike single rows of a write.
Job faults strike a job of the vendor's, when it is started or asked for.
Standing faults hold until they are removed.
Faults live in memory: a sandbox that is started again behaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from activation.errors import UsageError


class FaultName(StrEnum):
    """The faults by name."""

    UNAVAILABLE = "unavailable"  # 503 before anything is applied
    SERVER_ERROR_AFTER_APPLY = "server_error_after_apply"  # 500 after the write took effect
    TIMEOUT_AFTER_APPLY = "timeout_after_apply"  # applied; silence, then the line drops
    LOST_RESPONSE = "lost_response"  # applied; the line drops at once
    LOST_REQUEST = "lost_request"  # the line drops, nothing is applied
    SLOW = "slow"  # waits, then answers as usual
    LATE_APPLY = "late_apply"  # the line drops; applied some seconds later
    EXPIRED_SESSION = "expired_session"  # the token presented is revoked: 401
    QUOTA_EXHAUSTED = "quota_exhausted"  # the daily limit's answer
    RATE_LIMITED = "rate_limited"  # the answer of a limit that passes soon
    STATUS = "status"  # any status of choice, such as 423 or 502, before anything is applied
    STORED_NOTHING = "stored_nothing"  # a success that speaks of no row; nothing is applied
    WHOLE_BATCH_REFUSED = "whole_batch_refused"  # 400 before anything is applied
    GARBLED_ANSWER = "garbled_answer"  # applied; the answer is not readable
    ROW_LOCKED = "row_locked"  # a share of the rows is locked
    REFUSE_VALUE = "refuse_value"  # rows with this value are refused
    DROP_FIELD = "drop_field"  # a field vanishes
    USAGE_JITTER = "usage_jitter"  # the usage header jumps up and down
    JOB_STALLED = "job_stalled"  # a job is worked on later, or never
    JOB_FAILED = "job_failed"  # a job fails after a share of its rows
    JOB_VANISHED = "job_vanished"  # a job is not known any more
    JOB_EXPIRED = "job_expired"  # a job's results are not kept any more


ROW_FAULTS = frozenset({FaultName.ROW_LOCKED, FaultName.REFUSE_VALUE})
STANDING_FAULTS = frozenset({FaultName.DROP_FIELD, FaultName.USAGE_JITTER})
JOB_FAULTS = frozenset(
    {
        FaultName.JOB_STALLED,
        FaultName.JOB_FAILED,
        FaultName.JOB_VANISHED,
        FaultName.JOB_EXPIRED,
    }
)
REQUEST_FAULTS = frozenset(FaultName) - ROW_FAULTS - STANDING_FAULTS - JOB_FAULTS

_NUMBER = (int, float)
_OPTIONS: Mapping[FaultName, Mapping[str, type | tuple[type, ...]]] = {
    FaultName.TIMEOUT_AFTER_APPLY: {"seconds": _NUMBER},
    FaultName.SLOW: {"seconds": _NUMBER},
    FaultName.LATE_APPLY: {"seconds": _NUMBER},
    FaultName.WHOLE_BATCH_REFUSED: {"code": str, "message": str},
    FaultName.RATE_LIMITED: {"limit": str, "retry_after": _NUMBER},
    FaultName.STATUS: {"status": int, "code": str, "message": str, "retry_after": _NUMBER},
    FaultName.GARBLED_ANSWER: {"kind": str},
    FaultName.ROW_LOCKED: {"share": _NUMBER},
    FaultName.REFUSE_VALUE: {"field": str, "value": object, "code": str, "message": str},
    FaultName.DROP_FIELD: {"object": str, "field": str},
    FaultName.USAGE_JITTER: {"spread": int},
    FaultName.JOB_STALLED: {"seconds": _NUMBER},
    FaultName.JOB_FAILED: {"code": str, "message": str, "after": _NUMBER},
}
_NEEDED = {
    FaultName.REFUSE_VALUE: ("field",),
    FaultName.DROP_FIELD: ("object", "field"),
    FaultName.STATUS: ("status",),
}
_CHOICES = {(FaultName.GARBLED_ANSWER, "kind"): ("truncated", "html", "empty")}
_DOCUMENT = {"name", "times", "probability", "match", "options"}
_MATCH = {"system", "path_contains", "method", "body_contains"}


@dataclass(slots=True)
class Fault:
    """One fault that is switched on."""

    id: int
    name: FaultName
    times: int | None
    """How many requests it still strikes; None means all."""
    probability: float
    match: dict[str, str]
    options: dict[str, Any]
    random: Random = field(repr=False)
    fired: int = 0

    def matches(
        self, system: str, method: str, path: str, body: bytes = b"", *, is_data: bool
    ) -> bool:
        """Tell whether the request is one that it may strike; without a path, any data call."""
        if self.match.get("system", system) != system:
            return False
        if (wanted := self.match.get("method")) and wanted.upper() != method:
            return False
        if self.match.get("body_contains", "").encode() not in body:
            return False
        part = self.match.get("path_contains")
        return is_data if part is None else part in path

    def strikes(self) -> bool:
        """Roll the dice, and count if it strikes."""
        if self.times == 0 or self.random.random() >= self.probability:
            return False
        self.fired += 1
        if self.times is not None:
            self.times -= 1
        return True

    def seconds(self, default: float) -> float:
        """Return the option `seconds`."""
        return float(self.options.get("seconds", default))

    def document(self) -> dict[str, Any]:
        """Return the fault as JSON."""
        return {
            "id": self.id,
            "name": self.name.value,
            "times": self.times,
            "probability": self.probability,
            "match": self.match,
            "options": self.options,
            "fired": self.fired,
        }


class Faults:
    """The faults that are switched on, in the order in which they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next = 1

    def add(self, document: Mapping[str, Any], systems: Sequence[str]) -> Fault:
        """
        Switch a fault on, for one of these systems or for all.

        Raises:
            UsageError: the name, an option or a value is not known; says what is.
        """
        _only(document, _DOCUMENT, "a fault")
        name = _name(document.get("name"))
        options = dict(document.get("options") or {})
        seed = options.pop("seed", None)
        _check_options(name, options)
        match = dict(document.get("match") or {})
        _only(match, _MATCH, "match")
        if match.get("system", systems[0]) not in systems:
            hint = f"Systems: {', '.join(systems)}."
            raise UsageError(f"The sandbox has no system {match['system']!r}.", hint=hint)
        if name in ROW_FAULTS | JOB_FAULTS and "body_contains" in match:
            hint = "Rows with a value are struck by refuse_value."
            raise UsageError(f"Fault {name.value} does not look into bodies.", hint=hint)
        times = document.get("times")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise UsageError(f"times is {times!r}.", hint="Give a number above 0, or leave it out.")
        probability = document.get("probability", 1.0)
        if name in STANDING_FAULTS and (times is not None or probability != 1 or match):
            hint = "It holds until it is removed; leave times, probability and match out."
            raise UsageError(f"Fault {name.value} strikes no single request.", hint=hint)
        if not isinstance(probability, _NUMBER) or not 0 <= probability <= 1:
            raise UsageError(f"probability is {probability!r}.", hint="Give 0 to 1.")
        fault = Fault(
            id=self._next,
            name=name,
            times=times,
            probability=float(probability),
            match=match,
            options=options,
            random=Random(self._next if seed is None else seed),  # noqa: S311
        )
        self._next += 1
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        self._faults.clear()

    def all(self) -> list[Fault]:
        """Return the faults, those that are used up included."""
        return list(self._faults)

    def request_fault(
        self, system: str, method: str, path: str, body: bytes, *, is_data: bool
    ) -> Fault | None:
        """Return the first request fault that strikes this request to that vendor."""
        for fault in self._of(REQUEST_FAULTS):
            if fault.matches(system, method, path, body, is_data=is_data) and fault.strikes():
                return fault
        return None

    def row_faults(self, system: str, method: str, path: str) -> list[Fault]:
        """Return the row faults that strike this write to that vendor."""
        return [
            fault
            for fault in self._of(ROW_FAULTS)
            if fault.matches(system, method, path, is_data=True) and fault.strikes()
        ]

    def job_fault(self, name: FaultName, system: str, method: str, path: str) -> Fault | None:
        """Return the first fault of that name that strikes the job which this request names."""
        for fault in self._faults:
            if (
                fault.name is name
                and fault.matches(system, method, path, is_data=True)
                and fault.strikes()
            ):
                return fault
        return None

    def standing(self, name: FaultName) -> list[Fault]:
        """Return the standing faults of that name."""
        return [fault for fault in self._faults if fault.name is name]

    def _of(self, names: frozenset[FaultName]) -> Iterable[Fault]:
        return (fault for fault in self._faults if fault.name in names)


def _name(value: object) -> FaultName:
    try:
        return FaultName(str(value))
    except ValueError:
        known = ", ".join(FaultName)
        raise UsageError(f"There is no fault {value!r}.", hint=f"Faults: {known}.") from None


def _only(document: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    names = sorted(known)
    if unknown := sorted(set(document) - set(names)):
        hint = f"Known: {', '.join(names)}." if names else "It takes none."
        raise UsageError(f"{what} has no {unknown[0]!r}.", hint=hint)


def _check_options(name: FaultName, options: Mapping[str, Any]) -> None:
    known = _OPTIONS.get(name, {})
    _only(options, known, f"options of {name.value}")
    for option in _NEEDED.get(name, ()):
        if option not in options:
            raise UsageError(f"Fault {name.value} needs options.{option}.")
    for option, value in options.items():
        if not isinstance(value, known[option]):
            raise UsageError(f"options.{option} of {name.value} is {value!r}: wrong type.")
        choices = _CHOICES.get((name, option))
        if choices and value not in choices:
            raise UsageError(f"options.{option} is {value!r}.", hint=f"Known: {choices}.")
