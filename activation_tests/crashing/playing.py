"""Plays several tracks at once, each in a process of its own with a sandbox of its own."""

from __future__ import annotations

import tempfile
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from activation_tests.crashing.track import Findings, laid

_A_LOOK = 2.0
"""Seconds after which a track that tells nothing is looked after."""


def play(kills: int, jobs: int, seed: str, seconds: float) -> list[Findings]:
    """Kill so many runs on so many tracks, if time allows; return what each has come to."""
    context = get_context("spawn")
    news: Queue[Findings | None] = context.Queue()
    shares = [kills // jobs + (number < kills % jobs) for number in range(jobs)]
    tracks = [
        context.Process(target=_track, args=(share, f"{seed}/{number}", seconds, news))
        for number, share in enumerate(shares)
    ]
    for track in tracks:
        track.start()
    found: list[Findings] = []
    with _bar() as bar:
        task = bar.add_task("kills", total=kills)
        while len(found) < len(tracks):
            try:
                said = news.get(timeout=_A_LOOK)
            except Empty:
                if any(track.exitcode for track in tracks):
                    message = "a track broke off; what it says stands above"
                    raise RuntimeError(message) from None
                continue
            if said is None:
                bar.advance(task)
            else:
                found.append(said)
    for track in tracks:
        track.join()
    return found


def _track(kills: int, seed: str, seconds: float, news: Queue[Findings | None]) -> None:
    """Play one track; tell of each kill, and of the findings at last."""
    with tempfile.TemporaryDirectory() as folder, laid(Path(folder), seed) as track:
        track.kill(kills, lambda: news.put(None), seconds=seconds)
        news.put(track.findings)


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
