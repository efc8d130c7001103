"""Tags are a set of words: the planner makes the same of them as the adapter and Zendesk."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from activation.destinations.traits import Normaliser
from activation.destinations.zendesk.encode import words
from activation.destinations.zendesk.traits import ORGANIZATIONS, USERS
from activation.sandbox.zendesk.tags import tidy
from activation.warehouse.functions import DuckDbFunctions

SQL = (
    f"SELECT {DuckDbFunctions().words(exp.Parameter(this=exp.Identifier(this='t'))).sql('duckdb')}"
)


def planned(text: str | None) -> str | None:
    """Return what a plan makes of a text."""
    row = duckdb.execute(SQL.replace("@t", "$t"), {"t": text}).fetchone()
    assert row is not None
    found: str | None = row[0]
    return found


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("VIP early-bird, vip", "early-bird vip"),
        ("  two\twords\nthree ", "three two words"),
        (" , ", None),
        ("", None),
        (None, None),
    ],
)
def test_tags_are_a_set_of_words(text: str | None, tags: str | None) -> None:
    """Case, order, repetition and gaps say nothing; a text without a word is none."""
    assert planned(text) == tags


@given(st.text("aBc-_:1, \t\n\u00c9", max_size=30))
def test_what_is_planned_is_what_is_sent_and_kept(text: str) -> None:
    """The adapter sends the planned words as they are, and the vendor keeps them so."""
    found = (planned(text) or "").split(" ")

    assert words(" ".join(found)) == [word for word in found if word]
    assert sorted(tidy(words(text))) == [word for word in found if word]


def test_both_objects_have_tags() -> None:
    """Users and organizations declare it for tags and domain names."""
    for traits in (USERS, ORGANIZATIONS):
        assert traits.fields["tags"] == traits.fields["domain_names"] == (Normaliser.WORDS,)
