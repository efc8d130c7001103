"""The text of a query: its literals taken out, the rest parsed by sqlglot."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from activation.sandbox.salesforce.errors import CallRefused
from activation.sandbox.salesforce.values import Stored, parse_date, parse_datetime

_LITERAL = re.compile(
    r"""'(?P<text>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<moment>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"""
    r"""|(?P<date>\b\d{4}-\d\d-\d\d\b)""",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_CLAUSES = frozenset({"expressions", "from_", "where", "order", "limit", "offset", "kind"})


@dataclass(frozen=True, slots=True)
class Literal:
    """A value of a query: its kind (text, moment, date, number, boolean, null) and itself."""

    kind: str
    value: Stored
    pattern: str = ""
    """A text as LIKE wants it: an escaped wildcard or backslash stays escaped."""


def malformed(detail: str) -> CallRefused:
    """Return the 400 of a query that cannot be understood."""
    return CallRefused(400, "MALFORMED_QUERY", detail)


def take_literals(text: str) -> tuple[str, list[Literal]]:
    """Replace quoted texts, dates and times by placeholders; the parser never sees a value."""
    literals: list[Literal] = []
    if ":" in _LITERAL.sub("", text):
        raise malformed("unexpected token: ':'")

    def take(match: re.Match[str]) -> str:
        kind = str(match.lastgroup)
        raw = match[kind]
        if kind == "text":
            literal = Literal(kind, _unescape(raw, kept=""), _unescape(raw, kept="_%\\"))
        else:
            literal = Literal(kind, parse_datetime(raw) if kind == "moment" else parse_date(raw))
        if literal.value is None:
            raise malformed(f"line 1: invalid date '{raw}'")
        literals.append(literal)
        return f":p{len(literals) - 1}"

    return _LITERAL.sub(take, text), literals


def _unescape(raw: str, *, kept: str) -> str:
    def plain(match: re.Match[str]) -> str:
        letter = match[1]
        return match[0] if letter in kept else _ESCAPES.get(letter.lower(), letter)

    return re.sub(r"\\(.)", plain, raw, flags=re.DOTALL)


def parse(bare: str) -> exp.Select:
    """
    Return the tree of a query whose literals are taken out.

    Raises:
        CallRefused: it is no query that Salesforce or the sandbox understands.
    """
    try:
        tree = parse_one(bare)
    except (SqlglotError, ValueError):
        raise malformed("unexpected token in the query") from None
    if not isinstance(tree, exp.Select) or tree.args.get("from_") is None:
        raise malformed("a query selects fields from one object")
    if extra := [name for name, value in tree.args.items() if value and name not in _CLAUSES]:
        raise malformed(f"The sandbox does not understand {extra[0].rstrip('_').upper()}")
    return tree
