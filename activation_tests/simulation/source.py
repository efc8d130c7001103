"""The warehouse's side: a model whose rows move on, and people who withdraw their consent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from activation_tests.simulation.stage import Stage

FINE, BAD, POISON = "fine", "bad", "poison"


@dataclass(frozen=True, slots=True)
class Row:
    """One state of one key."""

    key: str
    version: int
    note: str
    """`bad` rows are refused for good; a `poison` row gets its whole request refused."""

    @property
    def row_hash(self) -> int:
        """Return the hash of what would be sent."""
        digest = hashlib.blake2b(f"{self.version}|{self.note}".encode(), digest_size=7).digest()
        return int.from_bytes(digest, "big")


class Source:
    """The rows as they are now; a key's version only ever grows."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._chance = stage.chance("source")
        self._version = 0
        self.rows: dict[str, Row] = {}
        self.revoked_at: dict[str, float] = {}
        """When consent was withdrawn, by key, for those who have not granted it anew."""
        for number in range(stage.scenario.rows):
            self._put(f"k{number:02d}")

    def cohort(self, phase: str) -> list[str]:
        """Return the keys of a phase, in order; `some` is within `all`."""
        return [key for key in sorted(self.rows) if phase == "all" or int(key[1:]) % 2 == 0]

    def move(self) -> None:
        """Let some rows change and one or two appear."""
        changed = [key for key in self.rows if self._chance.random() < 0.6]
        new = [f"k{len(self.rows) + n:02d}" for n in range(self._chance.randint(0, 2))]
        for key in (*changed, *new):
            self._put(key)
        self._stage.tell("source", f"moves on to {self._version}")

    def revoke(self) -> None:
        """Let somebody withdraw consent, or grant it again."""
        key = self._chance.choice(sorted(self.rows))
        if key in self.revoked_at:
            del self.revoked_at[key]
        else:
            self.revoked_at[key] = self._stage.now()
        self._stage.tell("source", f"consent of {key}: {key not in self.revoked_at}")

    def _put(self, key: str) -> None:
        scenario, draw = self._stage.scenario, self._chance.random()
        note = FINE
        if self._stage.faulty and draw < scenario.bad:
            note = BAD
        elif self._stage.faulty and draw > 1 - scenario.poison:
            note = POISON
        self._version += 1
        self.rows[key] = Row(key, self._version, note)
