"""
The table of behaviours by vendor, out of the declarations.

It cannot say more than is true: a behaviour without a gap is a test that passes, and a gap is a
strict marker.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from activation_tests.conformance.subject import Gap, Subject
from activation_tests.conformance.subjects import SUBJECTS

SECTIONS = {
    "Writes": "test_writes",
    "Verbs": "test_verbs",
    "Trouble": "test_trouble",
    "Records in other hands": "test_records",
    "Reads": "test_reads",
    "Crashes": "test_crashes",
    "Hostile answers": "test_hostile",
}
"""The modules of this folder that hold behaviours, by the table's headings."""

_HEAD = """\
# Conformance

What every adapter is held to, against the sandbox, over real HTTP, with the vendor's real client.
Each line is a test in `activation_tests/conformance`, run over every column.

`yes` is a test that passes.
`not yet` and `never` are tests that must fail in the way that is declared.
When one of them passes, the suite fails until the gap is taken out.
This page is written by `make conformance`.
"""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One line of the table."""

    name: str
    section: str
    says: str


def behaviours() -> Iterator[Behaviour]:
    """Yield the behaviours in the order in which they stand in the files."""
    for section, module_name in SECTIONS.items():
        module = importlib.import_module(f"activation_tests.conformance.{module_name}")
        for name, test in vars(module).items():
            if name.startswith("test_") and inspect.isfunction(test):
                says = (inspect.getdoc(test) or "").splitlines()[0].removesuffix(".")
                yield Behaviour(name.removeprefix("test_"), section, says)


def rendered() -> str:
    """Return the page."""
    notes: list[str] = []
    lines = [_HEAD]
    section = ""
    for behaviour in behaviours():
        if behaviour.section != section:
            section = behaviour.section
            lines += [f"\n## {section}\n", _row("behaviour", *(s.name for s in SUBJECTS))]
            lines.append("|" + "---|" * (1 + len(SUBJECTS)))
        cells = [_cell(subject, behaviour, notes) for subject in SUBJECTS]
        lines.append(_row(behaviour.says, *cells))
    if notes:
        lines.append("\n## Gaps\n")
        lines += [f"{number}. {note}" for number, note in enumerate(notes, start=1)]
    return "\n".join(lines) + "\n"


def _cell(subject: type[Subject], behaviour: Behaviour, notes: list[str]) -> str:
    gap: Gap | None = subject.gaps.get(behaviour.name)
    if gap is None:
        return "yes"
    note = f"{subject.name}: {gap.reason}"
    if note not in notes:
        notes.append(note)
    return f"{gap.standing} ({notes.index(note) + 1})"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
