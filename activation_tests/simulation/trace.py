"""What happened in a seed, line by line, and a digest by which two runs are compared."""

from __future__ import annotations

import hashlib
from collections import deque

_TAIL = 60


class Trace:
    """Keeps the digest of all lines and the last of them."""

    def __init__(self, *, keep_all: bool = False) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self.lines: deque[str] = deque(maxlen=None if keep_all else _TAIL)

    def add(self, at: float, who: str, what: str) -> None:
        """Write a line."""
        line = f"{at:12.3f} {who:<10} {what}"
        self._hash.update(line.encode())
        self.lines.append(line)

    @property
    def digest(self) -> str:
        """Return the digest of every line so far, in hex."""
        return self._hash.hexdigest()
