"""Answers that no vendor gives."""

from collections import Counter
from random import Random

from activation_tests.conformance.hostile import Trial, exchangers
from activation_tests.conformance.stage import Stage

ANSWERS = 300


def test_tampered_answers(stage: Stage) -> None:
    """An answer that was tampered with has a typed outcome, and vouches for no further row."""
    assert exchangers(stage.subject.system)
    trial = Trial(stage, stage.spoilt(5, bad=2))
    randomness = Random(1)  # noqa: S311 - the same answers each time

    told = Counter(trial.play(randomness) for _ in range(ANSWERS))

    assert told.total() == ANSWERS
    assert len(told) > 1
