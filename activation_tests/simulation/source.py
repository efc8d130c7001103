"""The warehouse's side: a model whose rows move on, and people who withdraw their consent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from activation_tests.simulation.scenario import Work
from activation_tests.simulation.stage import Stage

FINE, BAD, POISON, GONE = "fine", "bad", "poison", "gone"


@dataclass(frozen=True, slots=True)
class Row:
    """One state of one key; `gone` is a state too."""

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

    def __init__(self, stage: Stage, work: Work) -> None:
        self._stage = stage
        self._work = work
        self.sync = work.sync
        self._chance = stage.chance(f"source {work.sync}")
        self._version = 0
        self.rows: dict[str, Row] = {}
        self.revoked_at: dict[str, float] = {}
        """When consent was withdrawn, by key, for those who have not granted it anew."""
        for number in range(work.rows):
            self._put(self._key(number))

    def cohort(self, phase: str) -> list[str]:
        """Return the keys of a phase, in order; `some` is within `all`."""
        return [key for key in sorted(self.rows) if phase == "all" or int(key[-2:]) % 2 == 0]

    def move(self) -> None:
        """Let some rows change, one or two appear, and some vanish where that means something."""
        changed = [key for key in self.rows if self._chance.random() < 0.6]
        new = [self._key(len(self.rows) + n) for n in range(self._chance.randint(0, 2))]
        for key in (*changed, *new):
            self._put(key)
        self._stage.tell(self._work.sync, f"moves on to {self._version}")

    def revoke(self) -> None:
        """Let somebody withdraw consent, or grant it again."""
        key = self._chance.choice(sorted(self.rows))
        if key in self.revoked_at:
            del self.revoked_at[key]
        else:
            self.revoked_at[key] = self._stage.now()
        self._stage.tell(self._work.sync, f"consent of {key}: {key not in self.revoked_at}")

    def _key(self, number: int) -> str:
        return f"{self._work.sync[0]}{number:02d}"

    def _put(self, key: str) -> None:
        work, draw = self._work, self._chance.random()
        note = FINE
        if self._stage.faulty and draw < work.bad:
            note = BAD
        elif self._stage.faulty and draw > 1 - work.poison:
            note = POISON
        if work.vanishing and key in self.rows and self._chance.random() < work.vanishing:
            note = GONE
        self._version += 1
        self.rows[key] = Row(key, self._version, note)
