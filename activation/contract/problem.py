"""What is wrong with a file that a person wrote, said so that it can be mended at once."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

At: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys and positions from the root, such as `("fields", 0, "to")`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where it stands, and what is right."""

    text: str
    at: At = ()
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        """Return `defs.yaml:31: the sentence`, as far as file and line are known."""
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return f"{place}: {self.text}" if place else self.text


def report(problems: Sequence[Problem], subject: str) -> str:
    """
    Return all problems as one message, sorted by file and line.

    One problem stands alone; several follow a first line that counts them.

    Args:
        problems: at least one.
        subject: what has them, for the first line, such as "the contracts".
    """
    ordered = sorted(problems, key=lambda problem: (problem.file or "", problem.line or 0))
    if len(ordered) == 1:
        return str(ordered[0])
    lines = [f"{len(ordered)} problems in {subject}:", *(str(problem) for problem in ordered)]
    return "\n".join(lines)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None."""
    folded = {candidate.casefold(): candidate for candidate in sorted(known)}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=_ALIKE)
    return folded[near[0]] if near else None


def suggestion(word: str, known: Collection[str]) -> str:
    """Return "; did you mean `x`?" for the nearest known word, or the words if they are few."""
    if near := nearest(word, known):
        return f"; did you mean `{near}`?"
    return f"; there is {listed(known)}" if 0 < len(known) <= _FEW else ""


def closed(text: str) -> str:
    """Return the text with a full stop, unless it ends with a question."""
    return text if text.endswith("?") else f"{text}."


def listed(words: Iterable[str]) -> str:
    """Return the words in their order, each in backquotes."""
    return ", ".join(f"`{word}`" for word in words)


_ALIKE = 0.6
_FEW = 12
