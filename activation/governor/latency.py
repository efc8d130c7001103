"""Whether a vendor's answers take much longer than they used to."""

from __future__ import annotations

from dataclasses import dataclass

_NEW = 0.2
"""How much one answer counts in the recent latency."""
_FORGET = 1.01
"""How fast the usual latency rises by itself, per answer: a slower vendor becomes the usual one."""
_TIMES = 4.0
_LEAST = 0.5
"""Seconds; below it nobody is called slow."""


@dataclass(slots=True)
class Latency:
    """The recent and the usual latency of an endpoint, in seconds."""

    recent: float = 0.0
    usual: float = 0.0

    def told(self, seconds: float) -> bool:
        """Take in one answer; return whether the vendor labours."""
        if not self.usual:
            self.recent = self.usual = seconds
            return False
        self.recent += _NEW * (seconds - self.recent)
        self.usual = min(self.usual * _FORGET, self.recent)
        return self.recent > max(_LEAST, _TIMES * self.usual)
