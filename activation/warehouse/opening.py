"""From a profile to a warehouse."""

from __future__ import annotations

import time
from collections.abc import Callable

from activation.warehouse.duckdb_file import DuckDbFile
from activation.warehouse.port import Warehouse
from activation.warehouse.profile import WarehouseProfile


def open_warehouse(
    profile: WarehouseProfile,
    *,
    lock_wait: float = 30,
    sleep: Callable[[float], None] = time.sleep,
) -> Warehouse:
    """Return the profile's warehouse; nothing is opened before its first session."""
    return DuckDbFile(profile.path, settings=profile.settings, lock_wait=lock_wait, sleep=sleep)
