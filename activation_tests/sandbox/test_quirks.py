"""Behaviour that can be switched."""

from __future__ import annotations

import pytest

from activation.errors import UsageError
from activation.sandbox.quirks import Quirk, Quirks

QUIRKS = (
    Quirk("partial", default=False, about="Answers in part."),
    Quirk("lag", default=2.0, about="Seconds."),
    Quirk("words", default="upper", about="How it writes.", choices=("upper", "lower")),
)


def test_a_quirk_begins_with_its_default_and_returns_to_it() -> None:
    """A setting holds until it is taken back, alone or with all others."""
    quirks = Quirks(*QUIRKS)
    for name, value in (("partial", True), ("lag", 5), ("words", "lower")):
        quirks.set(name, value)
    assert (quirks.on("partial"), quirks.number("lag"), quirks.value("words")) == (True, 5, "lower")

    quirks.set("lag", None)
    assert quirks.number("lag") == 2
    quirks.reset()

    assert [d["value"] for d in quirks.documents()] == [q.default for q in QUIRKS]


@pytest.mark.parametrize(
    ("name", "value"),
    [("partial", 1), ("lag", True), ("lag", "2"), ("words", "middle"), ("words", 1), ("no", 1)],
)
def test_a_setting_that_makes_no_sense_is_told(name: str, value: object) -> None:
    """An unknown quirk, or a value of another kind, is refused and says what is known."""
    with pytest.raises(UsageError, match=r"Quirks:|It is|Known:"):
        Quirks(*QUIRKS).set(name, value)
