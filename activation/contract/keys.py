"""How a sync key is named where the key itself must not stand."""

from __future__ import annotations

import hashlib


def key_hash(sync: str, key: str) -> str:
    """
    Return the SHA-256, in hex, by which the ledger and reports name a key.

    `planning.keys.key_hash_sql` is the same in the warehouse.
    """
    return hashlib.sha256(f"{sync}|{key}".encode()).hexdigest()
