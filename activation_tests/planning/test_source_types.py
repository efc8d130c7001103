"""Which columns can be sent as what, and which types hold less than others."""

import pytest

from activation.contract.model import FieldKind
from activation.planning.source_types import can_be_sent, narrows


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        ("DECIMAL(5, 2)", "DECIMAL(5, 2)", False),
        ("DECIMAL(5, 2)", "DECIMAL(6, 2)", False),
        ("DECIMAL(5, 2)", "DECIMAL(6, 3)", False),
        ("DECIMAL(5, 2)", "DECIMAL(5, 3)", True),
        ("DECIMAL(5, 2)", "DECIMAL(4, 2)", True),
        ("DECIMAL(5, 2)", "DECIMAL(6, 1)", True),
        ("TEXT", "TEXT(20)", True),
        ("TEXT(20)", "TEXT", False),
        ("TEXT(20)", "TEXT(19)", True),
        ("TEXT(20)", "TEXT(21)", False),
        ("INT", "BIGINT", False),
        ("INT", "DECIMAL(10, 0)", False),
        ("DECIMAL(10, 0)", "INT", True),
        ("DOUBLE", "DECIMAL(12, 2)", True),
        ("DECIMAL(12, 2)", "DOUBLE", True),
        ("DATE", "TIMESTAMP", False),
        ("TIMESTAMP", "DATE", True),
        ("TIMESTAMP", "TIMESTAMPTZ", False),
        ("BOOLEAN", "TEXT", True),
        ("TEXT", "BOOLEAN", True),
        ("ARRAY<INT>", "ARRAY<TEXT>", True),
    ],
)
def test_a_type_may_hold_less(before: str, after: str, *, less: bool) -> None:
    """Fewer digits, decimals, letters or another kind hold less; wider ones do not."""
    assert narrows(before, after) is less


def test_a_key_of_another_kind_is_another_key() -> None:
    """Even a wider kind writes a key otherwise: 1 and 1.0."""
    assert narrows("INT", "DECIMAL(10, 0)", exactly=True)
    assert not narrows("INT", "BIGINT", exactly=True)


@pytest.mark.parametrize(
    ("column", "kinds"),
    [
        ("TEXT", set(FieldKind)),
        ("INT", set(FieldKind) - {FieldKind.DATE, FieldKind.TIMESTAMP}),
        ("DECIMAL(5, 2)", set(FieldKind) - {FieldKind.DATE, FieldKind.TIMESTAMP}),
        ("BOOLEAN", set(FieldKind) - {FieldKind.DATE, FieldKind.TIMESTAMP}),
        ("DATE", {FieldKind.TEXT, FieldKind.DATE, FieldKind.TIMESTAMP}),
        ("TIMESTAMPNTZ", {FieldKind.TEXT, FieldKind.DATE, FieldKind.TIMESTAMP}),
        ("ARRAY<INT>", {FieldKind.TEXT}),
    ],
)
def test_a_column_can_be_sent_as(column: str, kinds: set[FieldKind]) -> None:
    """What no value of a column could ever become is told before any row is looked at."""
    assert {kind for kind in FieldKind if can_be_sent(column, kind)} == kinds
