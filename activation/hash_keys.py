"""
How people and rows are named where their keys must not stand: by a keyed hash.

A plain hash of a customer number is no secret: whoever has the hash tries all numbers.
With a key that only this project has, nobody can.
The key is the variable ACTIVATION_HASH_KEY, or a file that is made once in ACTIVATION_HOME.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from activation.errors import ConfigurationError

VARIABLE = "ACTIVATION_HASH_KEY"
FILE = "hash.key"
PLAIN = "sha256"
"""What stands for a key beside hashes that were made before there was one."""
_SHORTEST = 16
_MADE_BYTES = 32
_REMEDY = f"Set {VARIABLE} to a secret of {_SHORTEST} characters or more, the same everywhere."


@dataclass(frozen=True, slots=True)
class HashKey:
    """One secret by which keys are hashed."""

    secret: str = field(repr=False)

    @property
    def id(self) -> str:
        """Return what the ledger keeps beside a hash, so that it is known by which key it is."""
        return self._hash("the id of this key")[:16]

    def row(self, sync: str, key: str) -> str:
        """Return the name of a row of a sync."""
        return self.over(plain(sync, key))

    def over(self, plain_hash: str) -> str:
        """Return the name of a row of which only the plain hash is known."""
        return self._hash(f"row {plain_hash}")

    def person(self, key: str) -> str:
        """Return the name of a person, whose key is as `contract.people` gives it."""
        return self._hash(f"person {key}")

    def _hash(self, text: str) -> str:
        return hmac.digest(self.secret.encode(), text.encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class HashKeys:
    """The key by which is hashed now, and former ones by which hashes are still found."""

    current: HashKey
    former: tuple[HashKey, ...] = ()

    def __iter__(self) -> Iterator[HashKey]:
        """Yield all of them, the current one first."""
        yield self.current
        yield from self.former

    def rows(self, sync: str, key: str) -> tuple[str, ...]:
        """Return the names of a row of a sync under each of them."""
        return tuple(one.row(sync, key) for one in self)


NO_KEY = HashKeys(HashKey(""))
"""Names that anybody can make, for whoever plans without a ledger; nothing keeps them."""


def plain(sync: str, key: str) -> str:
    """Return the hash of a row without a key, as ledgers held it before there was one."""
    return hashlib.sha256(f"{sync}|{key}".encode()).hexdigest()


def load_hash_keys(environment: Mapping[str, str], home: Path, *, shared: bool) -> HashKeys:
    """
    Return the keys that the environment names, or the one of this machine, made if it is not there.

    The variable may hold several, divided by white space: the first is used from now on, the
    others are those that it replaced.

    Args:
        environment: where the variable is looked up.
        home: where the file stands that serves without a variable.
        shared: whether the ledger is shared with other machines, where a file would not do.

    Raises:
        ConfigurationError: the key is missing where it is needed, or too short, or unreadable.
    """
    named = environment.get(VARIABLE, "").split()
    if named:
        if any(len(secret) < _SHORTEST for secret in named):
            raise ConfigurationError(
                f"{VARIABLE} holds a key of fewer than {_SHORTEST} characters.", hint=_REMEDY
            )
        current, *former = (HashKey(secret) for secret in named)
        return HashKeys(current, tuple(former))
    if shared:
        raise ConfigurationError(
            f"{VARIABLE} is not set, and the ledger is a database that others share: each would "
            "name the same people differently.",
            hint=_REMEDY,
        )
    return HashKeys(HashKey(_of_file(home / FILE)))


def _of_file(path: Path) -> str:
    try:
        # Whoever comes first makes it whole under another name; it never stands there half.
        if not path.exists():
            made = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
            made.touch(mode=0o600)
            made.write_text(secrets.token_hex(_MADE_BYTES))
            try:
                os.link(made, path)
            except FileExistsError:
                pass
            finally:
                made.unlink()
        secret = path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read or made ({error.strerror}).", hint=_REMEDY
        ) from None
    if len(secret) < _SHORTEST:
        raise ConfigurationError(
            f"{path} holds no key.", hint=f"Restore it from a backup. {_REMEDY}"
        )
    return secret
