"""Hashing and masking: done in the warehouse, the same in plan, state and parity."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from activation.contract.protection import Keeping, Protection
from activation.planning.protection import protected
from activation.warehouse.functions import WHITE_SPACE, DuckDbFunctions
from activation.warehouse.sql import bound, text
from activation_tests.planning.shop import open_shop, update

ADDRESS = "Ada.Example@Example.com"


def protect(value: str | None, **how: Any) -> str | None:
    """Return what the warehouse makes of a value."""
    made = protected(DuckDbFunctions(), Protection.model_validate(how), text(bound("v")))
    with duckdb.connect() as connection:
        row = connection.execute(exp.select(made).sql("duckdb"), {"v": value}).fetchone()
    assert row is not None
    found: str | None = row[0]
    return found


@pytest.mark.parametrize(
    ("value", "tidy", "hashed"),
    [
        (f" {ADDRESS}\t", ["lower", "trim"], ADDRESS.lower()),
        (f" {ADDRESS}", [], f" {ADDRESS}"),
        ("+49 (731) 555-01", ["digits"], "4973155501"),
        ("ü@example.com", ["trim", "lower"], "ü@example.com"),
    ],
)
def test_a_hash_is_that_of_the_tidied_value(value: str, tidy: list[str], hashed: str) -> None:
    """Whoever knows the value finds the hash: SHA-256 in small hex, as vendors compare it."""
    assert protect(value, do="hash", tidy=tidy) == hashlib.sha256(hashed.encode()).hexdigest()


@pytest.mark.parametrize("value", [None, "", "  \t"])
def test_nothing_stays_nothing(value: str | None) -> None:
    """An empty value has neither hash nor mask, so that nobody is matched by having none."""
    assert protect(value, do="hash", tidy=["trim"]) is None
    for keep in Keeping:
        assert protect(value, do="mask", keep=keep) is None


@pytest.mark.parametrize(
    ("keep", "value", "masked"),
    [
        ("nothing", ADDRESS, "***"),
        ("first_letter", "Ada", "A***"),
        ("last_4", "DE02 1234 5678", "***5678"),
        ("last_4", "1234567", "***"),
        ("domain", ADDRESS, "A***@Example.com"),
        ("domain", "no address", "***"),
        ("domain", "@example.com", "***"),
    ],
)
def test_a_mask_leaves_what_it_says(keep: str, value: str, masked: str) -> None:
    """A mask leaves what the contract says, and less where that would be most of the value."""
    assert protect(value, do="mask", keep=keep) == masked


@settings(max_examples=60)
@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_no_mask_tells_the_length(value: str) -> None:
    """Whatever the value, a mask is as long as what it leaves, and a hash is 64 characters."""
    with duckdb.connect() as connection:
        for keep, most in ((Keeping.NOTHING, 3), (Keeping.FIRST_LETTER, 4), (Keeping.LAST_4, 7)):
            how = Protection.model_validate({"do": "mask", "keep": keep})
            query = exp.select(protected(DuckDbFunctions(), how, text(bound("v"))))
            (made,) = connection.execute(query.sql("duckdb"), {"v": value}).fetchall()[0]
            assert (made is None) == (not value.strip(WHITE_SPACE))
            assert made is None or len(made) <= most


def test_what_leaves_is_protected_and_stays_equal(tmp_path: Path) -> None:
    """The plan has the hash and the mask alone, and a value that only looks different is none."""
    hashed = {
        "to": "Email",
        "column": "email",
        "type": "text(64)",
        "nulls": "clear",
        "data_class": "personal",
        "protect": {"do": "hash", "tidy": ["trim", "lower"]},
    }
    masked = {
        "to": "City",
        "column": "city",
        "type": "text(20)",
        "nulls": "clear",
        "data_class": "personal",
        "protect": {"do": "mask", "keep": "first_letter"},
    }
    shop = open_shop(tmp_path, fields=[hashed, masked])
    shop.add("a", email=f" {ADDRESS}", city="Ulm")
    first = shop.plan()
    (action,) = shop.actions(first)
    assert action["Email"] == hashlib.sha256(ADDRESS.lower().encode()).hexdigest()
    assert action["City"] == "U***"
    (plain,) = shop.sql(
        f"SELECT count(*) FROM activation.{first.table} AS t "  # noqa: S608
        "WHERE lower(t::VARCHAR) LIKE '%example%' OR t::VARCHAR LIKE '%Ulm%'"
    )
    assert plain == (0,)
    shop.deliver(first)
    update(shop, "a", email=ADDRESS.upper(), city="Ulm ")
    assert shop.plan().rows() == 0
    update(shop, "a", email="other@example.com")
    assert shop.plan().rows() == 1
