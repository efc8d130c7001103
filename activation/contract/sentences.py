"""One sentence for each kind of error that a value can have."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pydantic_core import ErrorDetails

from activation.contract.problem import At, listed, suggestion

_NAME = "small letters, digits and _, beginning with a letter"
_SHAPES = {
    "owner": "`team:` and a name, or an e-mail address",
    "schedule": "the five fields of cron, such as `0 6 * * *`",
    "env": "the name of an environment variable, such as SALESFORCE_CLIENT_ID",
}
_SUBJECT = (
    "write `subject: person` if the object is about people, `subject: none` if it is about none"
)


def dotted(at: At) -> str:
    """Return the way to a value as people write it: `fields[0].to`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return text.removeprefix(".")


def sentence(error: ErrorDetails, at: At, raw: Any, *, secret: bool) -> str:
    """
    Return what is wrong with a value and what would be right.

    Args:
        error: what pydantic found.
        at: the way to the value.
        raw: the value as it stands in the file.
        secret: never show the value.
    """
    name = f"`{dotted(at)}`" if at else "it"
    has = f"{name} is not right" if secret else f"{name} is {_plain(raw)}"
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "union_tag_not_found":
            text = f"{name} lacks `subject`; {_SUBJECT}"
        case "union_tag_invalid":
            text = f"{has}; {_SUBJECT}"
        case "enum" | "literal_error":
            text = f"{has}; {_choice(str(raw), context['expected'])}"
        case "string_pattern_mismatch":
            text = f"{has}; it must be {_SHAPES.get(str(at[-1]), _NAME)}"
        case "value_error":
            text = f"{name}: {context['error']}"
        case "too_short":
            text = f"{name} is empty; it needs at least one"
        case "string_too_short":
            least = context["min_length"]
            text = (
                f"{name} is too short; write {least} characters or more"
                if raw
                else f"{name} is empty"
            )
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            text = f"{has}; it must be {_bound(kind, context, raw)}"
        case _:
            text = f"{name} must be {_wanted(kind, raw, error['msg'])}, but it is {_kind(raw)}"
    return text


def _choice(raw: str, expected: str) -> str:
    words = re.findall(r"'([^']*)'", expected)
    hint = suggestion(raw, words)
    chosen = hint if "did you mean" in hint else ""
    return f"it must be one of {listed(words)}{chosen}" if words else f"it must be {expected}"


def _bound(kind: str, context: dict[str, Any], raw: Any) -> str:
    limit = next(context[key] for key in ("gt", "ge", "lt", "le") if key in context)
    shown = f"{limit:.0%}" if isinstance(raw, str) and "%" in raw else f"{limit:g}"
    words = {
        "greater_than": "more than",
        "greater_than_equal": "at least",
        "less_than": "less than",
        "less_than_equal": "at most",
    }
    return f"{words[kind]} {shown}"


def _wanted(kind: str, raw: Any, message: str) -> str:
    if kind == "string_type":
        quoted = isinstance(raw, bool | int | float | date)
        return "text (put it in quotes)" if quoted else "text"
    if kind.startswith("int_"):
        return "a whole number"
    if kind == "tuple_type":
        return f"a list, such as [{raw}]" if isinstance(raw, str) else "a list"
    if kind in {"dict_type", "model_type", "model_attributes_type"}:
        return "keys and values"
    return message.removeprefix("Input should be ")


def _plain(raw: Any) -> str:
    return repr(raw) if isinstance(raw, str | int | float) else _kind(raw)


def _kind(raw: Any) -> str:
    kinds = (
        (bool, "true or false (yes, no, on and off count as such)"),
        (int | float, "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "keys and values"),
        (date, "a date"),
    )
    return next((words for kind, words in kinds if isinstance(raw, kind)), "empty")
