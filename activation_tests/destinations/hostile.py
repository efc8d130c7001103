"""
Answers as no vendor should give them: bytes damaged, shapes bent, from one seed.

An adapter's tests hand sound answers in and judge what comes of each; run by hand, as long as
one likes:

    python -m activation_tests.destinations.hostile braze 100000
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any

import orjson

Trial = Callable[[bytes, Random], bool]
"""Judge what comes of one answer; raise AssertionError if it is not sound; tell if rows passed."""

_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**63, 1.5, 1e308),
    *("", "success", "0", "\ud7ff", "x" * 300),
    *([], {}, [None], {"index": 0}, [[[]]]),
)


def answers(sound: Sequence[object], random: Random, count: int) -> Iterator[bytes]:
    """Yield so many hostile answers, each made of one of the sound documents."""
    for number in range(count):
        document = random.choice(sound)
        if number % 2:
            yield orjson.dumps(bent(document, random))
        else:
            yield damaged(orjson.dumps(document), random)


def damaged(body: bytes, random: Random) -> bytes:
    """Damage a body: bytes changed, cut out, doubled, moved; or the end is missing."""
    found = bytearray(body)
    for _ in range(random.randint(1, 3)):
        if not found:
            return b""
        start = random.randrange(len(found))
        end = min(len(found), start + random.randint(1, 40))
        match random.randrange(6):
            case 0:
                found[start] = random.randrange(256)
            case 1:
                del found[start:end]
            case 2:
                found[start:start] = found[start:end]
            case 3:
                del found[start:]
            case 4:
                found = found.replace(b"true", random.choice([b"1", b"null", b'"true"']), 1)
            case _:
                moved = bytes(found[start:end])
                del found[start:end]
                place = random.randint(0, len(found))
                found[place:place] = moved
    return bytes(found)


def bent(document: object, random: Random) -> object:
    """Bend a document: nodes replaced, dropped, doubled, renamed or swapped."""
    found: list[Any] = [deepcopy(document)]
    for _ in range(random.randint(1, 3)):
        holder, place = random.choice(list(_nodes(found)))
        match random.randrange(5):
            case 0:
                holder[place] = deepcopy(random.choice(_ODD))
            case 1 if holder is not found:
                del holder[place]
            case 2 if isinstance(holder, list) and holder is not found:
                holder.insert(place, deepcopy(holder[place]))
            case 3 if isinstance(holder, dict):
                holder[random.choice([place.upper(), f"{place}s", "index"])] = holder.pop(place)
            case _:
                other, there = random.choice(list(_nodes(found)))
                holder[place] = deepcopy(other[there])
    return found[0]


def _nodes(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each node as what holds it and where."""
    for place, node in holder.items() if isinstance(holder, dict) else enumerate(holder):
        yield holder, place
        if isinstance(node, dict | list):
            yield from _nodes(node)


def run(sound: Sequence[object], trial: Trial, *, count: int, seed: int) -> tuple[int, int]:
    """Judge so many hostile answers; return how many left rows delivered, and how many none."""
    random = Random(seed)  # noqa: S311 - a seed, not a secret
    passed = sum(trial(body, random) for body in answers(sound, random, count))
    return passed, count - passed


def main(vendor: str, count: int, seed: int) -> None:
    """Run an adapter's trials, which its module `test_hostile` holds."""
    module = importlib.import_module(f"activation_tests.destinations.{vendor}.test_hostile")
    for name, (sound, trial) in module.TRIALS.items():
        passed, none = run(sound, trial, count=count, seed=seed)
        sys.stdout.write(f"{vendor} {name}: {count:,} answers judged, {passed:,} with rows taken\n")
        assert none, "no answer was hostile"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
