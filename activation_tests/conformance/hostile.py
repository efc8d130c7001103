"""
Answers that were tampered with: genuine ones from the sandbox, with bytes or shapes changed.

A change never makes a claim that the vendor did not make: so whatever an adapter takes for
delivered must be among the rows that the genuine answer told to be stored.

    python -m activation_tests.conformance.hostile --answers 100000 --seed 1
"""

from __future__ import annotations

import argparse
import copy
import importlib
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import orjson
import pyarrow as pa

from activation.destinations.transport import Reply
from activation.errors import DestinationError
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.stage import Attempt, Stage, delivered
from activation_tests.conformance.subject import SandboxSubject
from activation_tests.destinations import hostile as decoders
from activation_tests.sandbox.turning_clock import TurningClock
from benchmarks.keeping import renew

Call = tuple[str, str]
_STATUSES = (200, 201, 202, 204, 207, 300, 302, 400, 401, 403, 404, 409, 413, 429, 500, 502, 503)
_HEADERS = {
    "Retry-After": ("-1", "1e99", "soon", "", "99999999999999999999"),
    "Sforce-Limit-Info": ("api-usage=x/y", "api-usage=9999999999999999999/1", ""),
    "Sforce-Locator": ("1", "..", "\N{SNOWMAN}", "null"),
    "Content-Type": ("text/html", "", "application/xml"),
}
_ATOMS: tuple[Any, ...] = (None, False, 0, -1, 1e308, "", "\x00", "x" * 5000, [], {}, [[]], {"": 1})
_SAYS_GOOD = ("success", "successful", "created", "status", "state", "absent")


@dataclass
class Tape:
    """Genuine replies by call, in order; what is played back, and what of it is changed."""

    replies: dict[Call, list[Reply]] = field(default_factory=lambda: defaultdict(list))
    places: list[tuple[Call, int]] = field(default_factory=list)

    def record(self, call: Call, reply: Reply) -> None:
        """Keep a reply."""
        self.places.append((call, len(self.replies[call])))
        self.replies[call].append(reply)

    def player(self, tampered: tuple[Call, int] | None, reply: Reply | None) -> Player:
        """Return what plays the tape with one reply changed."""
        return Player(self, tampered, reply)


@dataclass
class Player:
    """Plays a tape: each call has its next reply, and its last one for ever."""

    tape: Tape
    tampered: tuple[Call, int] | None
    reply: Reply | None
    played: Counter[Call] = field(default_factory=Counter)

    def __call__(self, call: Call) -> Reply:
        """Return the reply to a call; an unknown one has the reply of its method."""
        known = self.tape.replies
        if call not in known:
            call = next((c for c in known if c[0] == call[0]), next(iter(known)))
        place = min(self.played[call], len(known[call]) - 1)
        self.played[call] += 1
        if (call, place) == self.tampered and self.reply is not None:
            return self.reply
        return known[call][place]


def exchangers(system: str) -> list[str]:
    """Return the modules of an adapter that make HTTP exchanges."""
    own = f"activation.destinations.{system}."
    return [
        n for n, module in sys.modules.items() if n.startswith(own) and "exchange" in vars(module)
    ]


@contextmanager
def exchanging(stage: Stage, made: Callable[..., Reply]) -> Iterator[None]:
    """Let the adapter's HTTP exchanges be made by something else for the length of the block."""
    patches = [patch(f"{name}.exchange", made) for name in exchangers(stage.subject.system)]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def record(stage: Stage, attempt: Attempt) -> tuple[Tape, frozenset[str]]:
    """Carry an attempt out for real; return what was answered, and the keys that were stored."""
    tape = Tape()
    real = importlib.import_module("activation.destinations.transport").exchange

    def made(session: Any, method: str, url: str, **given: Any) -> Reply:
        reply: Reply = real(session, method, url, **given)
        tape.record((method, url), replace(reply, headers=dict(reply.headers)))
        return reply

    with exchanging(stage, made):
        results = attempt.run()
    keys = attempt.rows["sync_key"].to_pylist()
    return tape, frozenset(k for k, good in zip(keys, delivered(results), strict=True) if good)


@dataclass
class Trial:
    """One tape, played again and again with changes."""

    stage: Stage
    rows: pa.Table

    def __post_init__(self) -> None:
        """Record the tape."""
        attempt = self.stage.attempt(self.rows)
        self.tape, self.stored = record(self.stage, attempt)
        self.keys: list[str] = self.rows["sync_key"].to_pylist()
        assert self.stored
        assert len(self.stored) < len(self.keys)

    def play(self, randomness: Random) -> str:
        """
        Change one answer, and return what came of it.

        Raises:
            AssertionError: the outcome has no type, or a row counts as delivered that nobody
                vouched for.
        """
        place = randomness.choice(self.tape.places)
        genuine = self.tape.replies[place[0]][place[1]]
        player = self.tape.player(place, tamper(genuine, randomness))

        def made(_session: Any, method: str, url: str, **_given: Any) -> Reply:
            return player((method, url))

        # As a process of its own: a job that one answer kept from ending is not asked for again.
        self.stage.reconnect()
        with exchanging(self.stage, made):
            try:
                results = self.stage.attempt(self.rows).run()
            except DestinationError as error:
                return type(error).__name__
        assert len(results) == len(self.keys)
        taken = {k for k, good in zip(self.keys, delivered(results), strict=True) if good}
        assert taken <= self.stored, f"{sorted(taken - self.stored)} were never vouched for"
        return "delivered in part" if taken else "delivered nothing"


def tamper(reply: Reply, randomness: Random) -> Reply:
    """Return the reply with its bytes, its shape, its status or a header changed."""
    kind = randomness.random()
    if kind < 0.4:
        return replace(reply, body=_bytes(reply.body, randomness))
    if kind < 0.8:
        return replace(reply, body=_shape(reply.body, randomness))
    if kind < 0.9:
        return replace(reply, status=randomness.choice(_STATUSES))
    name = randomness.choice(tuple(_HEADERS))
    return replace(reply, headers={**reply.headers, name: randomness.choice(_HEADERS[name])})


def _bytes(body: bytes, randomness: Random) -> bytes:  # noqa: PLR0911 - one a kind of change
    if not body:
        return randomness.randbytes(randomness.randrange(1, 40))
    place = randomness.randrange(len(body))
    match randomness.randrange(6):
        case 5:
            digits = [at for at, byte in enumerate(body) if byte in b"0123456789"] or [place]
            at = randomness.choice(digits)
            return body[:at] + str(randomness.randrange(10)).encode() + body[at + 1 :]
        case 0:
            return body[:place]
        case 1:
            return body[place:]
        case 2:
            return body[:place] + bytes([randomness.randrange(256)]) + body[place + 1 :]
        case 3:
            return body[:place] + randomness.randbytes(3) + body[place:]
        case _:
            end = place + randomness.randrange(1, 60)
            return body[:place] + body[end:]


def _shape(body: bytes, randomness: Random) -> bytes:
    """Change some values of a document, or one line of a file; no success is made up."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _lines(body, randomness)
    if randomness.random() < 0.1:
        return orjson.dumps(_doubled(document, randomness))
    for _ in range(randomness.randrange(1, 5)):
        places = list(_places(document))
        if not places:
            return orjson.dumps(randomness.choice(_ATOMS))
        holder, name = randomness.choice(places)
        if randomness.random() < 0.3:
            del holder[name]
        elif str(name) in _SAYS_GOOD or randomness.random() < 0.7:
            holder[name] = copy.deepcopy(randomness.choice(_ATOMS))
        else:
            holder[name] = {"was": holder[name]}
    return orjson.dumps(document)


def _doubled(document: Any, randomness: Random) -> Any:
    """
    Return a document in which an entry of a list comes twice.

    Alone: with another one taken out, nobody could tell where results have places and no keys.
    """
    lists = [document] if isinstance(document, list) else []
    lists += [h[n] for h, n in _places(document) if isinstance(h[n], list)]
    full = [entries for entries in lists if entries]
    if full:
        entries = randomness.choice(full)
        again = copy.deepcopy(randomness.choice(entries))
        entries.insert(randomness.randrange(len(entries)), again)
    return document


def _lines(body: bytes, randomness: Random) -> bytes:
    lines = body.split(b"\n")
    place = randomness.randrange(len(lines))
    match randomness.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines.insert(place, lines[randomness.randrange(len(lines))])
        case 2:
            cells = lines[place].split(b",")
            cells.insert(randomness.randrange(len(cells) + 1), b'"')
            lines[place] = b",".join(cells)
        case _:
            lines[place] = lines[place].rpartition(b",")[0]
    return b"\n".join(lines)


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every value of a document as what holds it and its name or place there."""
    if not isinstance(document, dict | list):
        return
    entries = document.items() if isinstance(document, dict) else enumerate(document)
    for name, value in list(entries):
        yield document, name
        if isinstance(value, dict | list):
            yield from _places(value)


@dataclass(frozen=True, slots=True)
class Told:
    """What came of the answers to one subject, or to one part of an adapter."""

    subject: str
    answers: int
    seconds: float
    outcomes: Mapping[str, int]

    def row(self) -> dict[str, object]:
        """Return it as a line of a benchmark."""
        return {
            "subject": self.subject,
            "answers": self.answers,
            "seconds": round(self.seconds),
            "outcomes": dict(self.outcomes),
        }


def of_deliveries(answers: int, seed: int, only: str | None) -> Iterator[Told]:
    """Yield what came of changed answers to whole deliveries, subject by subject."""
    from activation_tests.conformance.subjects import SUBJECTS

    clock = TurningClock()
    with TemporaryDirectory() as folder, running(Path(folder), clock=clock) as address:
        for kind in SUBJECTS:
            if not issubclass(kind, SandboxSubject) or only not in (None, kind.name):
                continue
            if "tampered_answers" in kind.gaps:
                continue
            sandbox = Sandbox(address)
            sandbox.reset()
            stage = Stage(kind(sandbox), SharedTime(clock), Path(folder), Path(folder))
            trial = Trial(stage, stage.spoilt(5, bad=2))
            randomness = Random(seed)  # noqa: S311 - the same answers each time
            began = time.perf_counter()
            told = Counter(trial.play(randomness) for _ in range(answers))
            yield Told(kind.name, told.total(), time.perf_counter() - began, told)
            stage.close()


def of_decoders(answers: int, seed: int, only: str | None) -> Iterator[Told]:
    """Yield what came of hostile answers to what an adapter reads, part by part."""
    for vendor in ("braze", "hubspot"):
        module = importlib.import_module(f"activation_tests.destinations.{vendor}.test_hostile")
        for name, (sound, trial) in module.TRIALS.items():
            subject = f"{vendor}: {name}"
            if only not in (None, subject):
                continue
            began = time.perf_counter()
            passed, none = decoders.run(sound, trial, count=answers, seed=seed)
            outcomes = {"rows taken": passed, "no row taken": none}
            yield Told(subject, answers, time.perf_counter() - began, outcomes)


def main() -> None:
    """Play many changed answers to every subject, and tell what came of them."""
    parser = argparse.ArgumentParser(description="tampered answers to every adapter")
    parser.add_argument("--answers", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--subject", help="only the subject of that name")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks")
    asked = parser.parse_args()
    for told in chain(
        of_decoders(asked.answers, asked.seed, asked.subject),
        of_deliveries(asked.answers, asked.seed, asked.subject),
    ):
        outcomes = ", ".join(f"{name} {count}" for name, count in told.outcomes.items())
        print(  # noqa: T201
            f"{told.subject}: {told.answers} answers in {told.seconds:.0f} s: {outcomes}",
            flush=True,
        )
        if asked.write:
            renew("hostile", told.row(), by="subject")


if __name__ == "__main__":
    main()
