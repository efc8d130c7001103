from __future__ import annotations

import math

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from activation.contract.keys import compose_key, parts_of
from activation.planning.keys import (
    cohort_of,
    cohort_sql,
    sync_key,
)
from activation.warehouse.functions import DuckDbFunctions
from activation.warehouse.sql import column

PARTS = st.text(alphabet="ab|\\ é", max_size=6)
GRAIN = st.tuples(PARTS, PARTS)
FUNCTIONS = DuckDbFunctions()


def in_sql(rows: list[tuple[str | None, ...]], *, tidy: bool = False) -> list[str | None]:
    """Return the keys that the warehouse makes of these grains."""
    names = [f"c{i}" for i in range(len(rows[0]))]
    columns = {n: pa.array([r[i] for r in rows], pa.string()) for i, n in enumerate(names)}
    grain = pa.table({"n": range(len(rows)), **columns})
    key = sync_key([(column(n), "VARCHAR") for n in names], "duckdb", tidy=tidy)
    with duckdb.connect() as connection:
        connection.register("grain", grain)
        query = exp.select(key).from_("grain").order_by("n")
        return [row[0] for row in connection.execute(query.sql("duckdb")).fetchall()]


@given(GRAIN, GRAIN)
@example(("a|b", "c"), ("a", "b|c"))
@example(("a\\", "b"), ("a", "\\b"))
def test_two_grains_never_make_one_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Keys are the same only if the trimmed grains are."""
    keys = compose_key(one), compose_key(other)
    trimmed = [tuple(part.strip(" ") for part in grain) for grain in (one, other)]
    if None not in keys:
        assert (keys[0] == keys[1]) == (trimmed[0] == trimmed[1])


@given(st.lists(PARTS, min_size=2, max_size=4))
def test_a_key_tells_its_parts(grain: list[str]) -> None:
    """The grain values come out of a key of several columns as they went in, trimmed."""
    key = compose_key(grain)

    if key is not None:
        assert parts_of(key) == tuple(part.strip(" ") for part in grain)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.none() | PARTS, st.none() | PARTS), min_size=1, max_size=20))
def test_the_warehouse_makes_the_same_keys(rows: list[tuple[str | None, str | None]]) -> None:
    """Python and SQL agree on every grain, also empty, null and odd ones."""
    assert in_sql(list(rows)) == [compose_key(row) for row in rows]


def test_a_single_column_is_its_own_key() -> None:
    """With one grain column nothing is escaped, so that keys look as in the source."""
    assert in_sql([("a|b\\",), (" x ",), ("",), (None,)]) == ["a|b\\", "x", None, None]


def test_tidy_keys_are_the_same_keys() -> None:
    """Leaving out the trimming changes nothing where nothing is to be trimmed."""
    rows: list[tuple[str | None, ...]] = [("a b", "c|d"), ("x", None)]
    assert in_sql(rows, tidy=True) == in_sql(rows)


@pytest.mark.parametrize("key", ["a", "ä|b", "it's; --", ""])
def test_a_cohort_is_the_same_in_sql(key: str) -> None:
    """What is computed in Python is what the warehouse computes."""
    query = exp.select(cohort_sql(FUNCTIONS, column("k"))).from_("keys")
    with duckdb.connect() as connection:
        connection.register("keys", pa.table({"k": [key]}))
        found = connection.execute(query.sql("duckdb"), {"salt": "t"}).fetchone()
    assert found == (cohort_of("t", key),)


def test_cohorts_have_their_shares() -> None:
    """Of 100,000 keys each share is met within half a point."""
    cohorts = sorted(cohort_of("pepper", f"L{i}") for i in range(100_000))
    assert cohorts[0] >= 0
    assert cohorts[-1] < 1
    for share in (0.01, 0.05, 0.5, 0.9):
        inside = sum(c < share for c in cohorts) / len(cohorts)
        assert math.isclose(inside, share, abs_tol=0.005)


def test_another_salt_draws_another_cohort() -> None:
    """Who is in the canary of one sync is not in that of every other."""
    one = {i for i in range(10_000) if cohort_of("a", str(i)) < 0.1}
    other = {i for i in range(10_000) if cohort_of("b", str(i)) < 0.1}
    assert len(one & other) < len(one) * 0.2
