"""
Behaviour of a vendor that is not sure, or that differs from account to account: named switches.

What the vendor documents, or was recorded doing, is not here: a sandbox just does it.
A quirk begins with what is most likely, and is told with its source, so that a rehearsal can be
run both ways.  Quirks live in memory, as faults do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from activation.errors import UsageError

Setting: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Quirk:
    """One switch."""

    name: str
    default: Setting
    about: str
    """What the vendor does when it is on, or what the number or word means."""
    choices: tuple[Setting, ...] = ()
    """The only settings that it has; any of the default's type if empty."""


class Quirks:
    """The switches of one vendor."""

    def __init__(self, *quirks: Quirk) -> None:
        """Begin with the defaults."""
        self._quirks: Mapping[str, Quirk] = {quirk.name: quirk for quirk in quirks}
        self._set: dict[str, Setting] = {}

    def on(self, name: str) -> bool:
        """Tell whether a switch is on."""
        return bool(self.value(name))

    def number(self, name: str) -> float:
        """Return a switch's number."""
        return float(self.value(name))

    def value(self, name: str) -> Setting:
        """Return a switch's setting."""
        return self._set.get(name, self._quirks[name].default)

    def set(self, name: str, value: object) -> None:
        """
        Set a switch; None sets it back.

        Raises:
            UsageError: there is no such switch, or it cannot be set to that.
        """
        quirk = self._quirks.get(name)
        if quirk is None:
            known = ", ".join(self._quirks) or "none"
            raise UsageError(f"There is no quirk {name!r}.", hint=f"Quirks: {known}.")
        if value is None:
            self._set.pop(name, None)
            return
        if not isinstance(value, bool | int | float | str) or _kind(value) is not _kind(
            quirk.default
        ):
            raise UsageError(
                f"Quirk {name} cannot be set to {value!r}.", hint=f"It is {quirk.default!r} now."
            )
        if quirk.choices and value not in quirk.choices:
            known = ", ".join(map(str, quirk.choices))
            raise UsageError(f"Quirk {name} cannot be set to {value!r}.", hint=f"Known: {known}.")
        self._set[name] = value

    def reset(self) -> None:
        """Return to the defaults."""
        self._set.clear()

    def documents(self) -> list[dict[str, Any]]:
        """Return the switches as JSON."""
        return [
            {
                "name": quirk.name,
                "value": self.value(quirk.name),
                "default": quirk.default,
                "about": quirk.about,
                "choices": list(quirk.choices),
            }
            for quirk in self._quirks.values()
        ]


def _kind(value: Setting) -> type:
    """Return what kind of setting it is: whole numbers and others are one kind."""
    return float if type(value) is int else type(value)
