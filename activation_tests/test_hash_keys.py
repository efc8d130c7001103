"""The key by which people and rows are named: from a variable, or made once on the machine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from activation.errors import ConfigurationError
from activation.hash_keys import FILE, VARIABLE, HashKey, load_hash_keys, plain

SECRET = "a secret of the tests"  # noqa: S105
OLDER = "the-one-that-was-before"


def test_the_variable_names_them(tmp_path: Path) -> None:
    """The first key of the variable hashes, the others are former ones; no file is made."""
    environment = {VARIABLE: f"{SECRET.replace(' ', '-')} {OLDER}"}

    keys = load_hash_keys(environment, tmp_path, shared=True)

    assert keys.current == HashKey(SECRET.replace(" ", "-"))
    assert [key.id for key in keys] == [keys.current.id, HashKey(OLDER).id]
    assert list(tmp_path.iterdir()) == []


def test_a_machine_makes_its_own_once(tmp_path: Path) -> None:
    """Without a variable a key is made once, readable for its owner alone, whoever comes first."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: load_hash_keys({}, tmp_path, shared=False), range(8)))

    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert found == {load_hash_keys({VARIABLE: ""}, tmp_path, shared=False)}


def test_a_shared_ledger_needs_the_variable(tmp_path: Path) -> None:
    """A file of one machine would name people differently than the next, so there is none."""
    with pytest.raises(ConfigurationError, match=f"{VARIABLE} is not set"):
        load_hash_keys({}, tmp_path, shared=True)


@pytest.mark.parametrize("content", ["", "short"])
def test_a_broken_file_is_not_made_anew(tmp_path: Path, content: str) -> None:
    """A file without a key may have named people; it is not replaced in silence."""
    (tmp_path / FILE).write_text(content)

    with pytest.raises(ConfigurationError, match="holds no key"):
        load_hash_keys({}, tmp_path, shared=False)


def test_a_short_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    """A key that can be guessed is none; no message or text has it."""
    with pytest.raises(ConfigurationError, match="fewer than 16") as caught:
        load_hash_keys({VARIABLE: f"{OLDER} tiny"}, tmp_path, shared=False)

    assert "tiny" not in str(caught.value)
    assert SECRET not in repr(HashKey(SECRET))


def test_names_differ_by_key_sync_and_kind() -> None:
    """Rows of two syncs, a row and a person, and the same under two keys have different names."""
    key, other = HashKey(SECRET), HashKey(OLDER)
    names = {key.row("s", "k"), key.row("t", "k"), key.person("k"), other.row("s", "k"), key.id}

    assert len(names) == 5
    assert key.row("s", "k") == key.over(plain("s", "k"))
