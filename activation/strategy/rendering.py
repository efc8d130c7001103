"""How documents are made of templates: the same words in, the same bytes out."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from activation.contract.values import format_duration, format_share

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).with_name("templates")
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z`])")


def render(template: str, **words: object) -> str:
    """Return a template filled in; a word that it lacks is an error, never an empty place."""
    text = _environment().get_template(template).render(**words)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def lines(text: str) -> str:
    """Return a text with one sentence a line, so that a change of one is a change of one line."""
    return _SENTENCE.sub("\n", " ".join(text.split()))


def command(text: str) -> str:
    """Return a text, marked as code if all of it is a command."""
    return f"`{text}`" if text.startswith("activation ") else text


def seconds(value: float) -> str:
    """Return a number of seconds as people say it."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if value >= size:
            return f"{value / size:,.1f}".removesuffix(".0") + f" {unit}"
    return f"{value:,.1f}".removesuffix(".0") + " s"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown; what becomes HTML is escaped where it does
    )
    made.filters |= {
        "lines": lines,
        "command": command,
        "seconds": seconds,
        "duration": format_duration,
        "share": format_share,
    }
    return made
