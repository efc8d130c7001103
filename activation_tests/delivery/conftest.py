import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from activation.destinations.memory import MemoryDestination
from activation.ledger import Ledger, open_ledger
from activation_tests.delivery.rig import FrozenActions, Rig, Time, actions
from activation_tests.hash_keys import HASH_KEYS

MakeRig = Callable[..., Rig]


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated ledger to copy from: migrating each test's own takes longer than most."""
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    open_ledger(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def make_rig(tmp_path: Path, empty_ledger: Path) -> Iterator[MakeRig]:
    """Return what builds a rig with a planned and gated plan of so many rows."""
    opened: list[Ledger] = []

    def make(rows: int = 200, **destination: Any) -> Rig:
        time = Time()
        path = shutil.copy(empty_ledger, tmp_path / f"ledger-{len(opened)}.db")
        ledger = open_ledger(f"sqlite:///{path}", time, hash_keys=HASH_KEYS)
        opened.append(ledger)
        rig = Rig(ledger, time, MemoryDestination(**destination), FrozenActions(actions(rows)))
        rig.plan()
        return rig

    yield make
    for ledger in opened:
        ledger.close()
