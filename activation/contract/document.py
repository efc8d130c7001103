"""YAML files as plain values that remember their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from activation.contract.problem import At, Problem

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml, where PyYAML has it, reads a contract in a fifth of the time."""


class DocumentError(Exception):
    """A file is missing, no YAML, or more than plain values; raised on as a UsageError."""

    def __init__(self, *problems: Problem) -> None:
        """Keep at least one problem."""
        super().__init__()
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: what it says, and on which lines."""

    file: str
    value: Any
    lines: Mapping[At, int]

    def line(self, at: At) -> int:
        """Return the line of that key or item, or of the nearest thing around it that exists."""
        while at not in self.lines:
            at = at[:-1]
        return self.lines[at]

    def problem(self, text: str, at: At) -> Problem:
        """Return a problem with this document's file and line."""
        return Problem(text, at, self.file, self.line(at))


def shown(path: Path) -> str:
    """Return a path as people read it: from the current folder on, if it is inside."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def read_documents(path: Path) -> tuple[yaml.Node, ...]:
    """
    Return the root nodes of the file's documents; `document` makes values of them.

    Raises:
        DocumentError: the file is missing, no text, or no YAML.
    """
    file = shown(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DocumentError(Problem("there is no such file", file=file)) from None
    except (OSError, UnicodeDecodeError) as cause:
        sentence = f"this cannot be read as UTF-8 text ({type(cause).__name__})"
        raise DocumentError(Problem(sentence, file=file)) from None
    try:
        return tuple(yaml.compose_all(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as cause:
        raise DocumentError(_syntax(file, cause)) from None
    except yaml.reader.ReaderError as cause:
        line = text.count("\n", 0, cause.position) + 1
        raise DocumentError(
            Problem(f"YAML does not allow this character: {cause.reason}", (), file, line)
        ) from None


def document(path: Path, root: yaml.Node) -> Document:
    """
    Return the values below a root node, made by the safe constructors only.

    Raises:
        DocumentError: a key stands twice or is no text; a value is an alias, a template, a tag.
    """
    file = shown(path)
    lines: dict[At, int] = {(): root.start_mark.line + 1}
    if problems := tuple(_walk(file, root, (), lines, set())):
        raise DocumentError(*problems)
    try:
        value = yaml.SafeLoader("").construct_document(root)
    except yaml.MarkedYAMLError as cause:
        raise DocumentError(_syntax(file, cause)) from None
    except ValueError as cause:
        # Such as 2026-02-30, which looks like a date.
        sentence = f"a value below here is none ({cause}); put it in quotes if it is text"
        raise DocumentError(Problem(sentence, (), file, root.start_mark.line + 1)) from None
    return Document(file, value, lines)


def _walk(
    file: str, node: yaml.Node, at: At, lines: dict[At, int], seen: set[int]
) -> Iterator[Problem]:
    line = node.start_mark.line + 1
    if id(node) in seen:
        # A contract says each thing where it stands, and an alias could hold itself.
        yield Problem("an alias (*) is not allowed; write the value out here", at, file, lines[at])
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield from _walk_mapping(file, node, at, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*at, index)] = item.start_mark.line + 1
            yield from _walk(file, item, (*at, index), lines, seen)
    elif "{{" in node.value:
        # Dagster would fill it in and the command line would not: two contracts, not one.
        yield Problem("a template ({{ }}) is not allowed; write the value", at, file, line)


def _walk_mapping(
    file: str, node: yaml.MappingNode, at: At, lines: dict[At, int], seen: set[int]
) -> Iterator[Problem]:
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.tag != "tag:yaml.org,2002:str":
            text = "a key here is not text; put it in quotes"
            yield Problem(text, at, file, line)
            continue
        below = (*at, key.value)
        if below in lines:
            text = f"`{key.value}` stands here a second time; it is already on line {lines[below]}"
            yield Problem(text, below, file, line)
            continue
        lines[below] = line
        yield from _walk(file, value, below, lines, seen)


def _syntax(file: str, cause: yaml.MarkedYAMLError) -> Problem:
    # Never the snippet around the place: it could hold a secret.
    mark = cause.problem_mark or cause.context_mark
    what = cause.problem or cause.context
    if mark is None:
        return Problem(f"this is not YAML: {what}", file=file)
    text = f"column {mark.column + 1}: this is not YAML: {what}"
    return Problem(text, (), file, mark.line + 1)
