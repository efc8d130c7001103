"""The keys by which tests name people and rows."""

from activation.hash_keys import HashKey, HashKeys

HASH_KEYS = HashKeys(HashKey("the key of the tests, not a secret"))
