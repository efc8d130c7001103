"""What syncs share: settings, ledger, warehouse, clock; and how a contract is found by name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from activation.clock import Clock, SystemClock
from activation.contract.loading import load_contracts
from activation.contract.model import Contract
from activation.errors import UsageError
from activation.hash_keys import HashKeys, load_hash_keys
from activation.ledger import Ledger, open_ledger
from activation.settings import Settings
from activation.warehouse.opening import open_warehouse
from activation.warehouse.port import Warehouse
from activation.warehouse.profile import load_profile


@dataclass(frozen=True, slots=True)
class Services:
    """The ledger, the warehouse and the clock that a process works with."""

    settings: Settings
    ledger: Ledger
    warehouse: Warehouse
    clock: Clock
    environment: Mapping[str, str]
    """Where credentials are looked up, by name."""


@contextmanager
def open_services(
    settings: Settings,
    *,
    clock: Clock | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Services]:
    """
    Open what syncs share, and close it at the end of the block.

    Raises:
        ConfigurationError: the dbt profile or the ledger's address is wrong, or the hash key.
        Unavailable: the ledger cannot be reached.
    """
    clock = clock or SystemClock()
    environment = os.environ if environment is None else environment
    settings.home.mkdir(parents=True, exist_ok=True)
    profile = load_profile(settings.dbt_project, settings.environment(environment))
    keys = hash_keys(settings, environment)
    with open_ledger(
        settings.ledger_url, clock, kill_file=settings.kill_file, hash_keys=keys
    ) as ledger:
        # A ledger of an older version names rows by hashes without a key.
        ledger.dead_letters.rename(keys.current)
        warehouse = open_warehouse(profile, lock_wait=settings.lock_wait)
        yield Services(settings, ledger, warehouse, clock, environment)


def hash_keys(settings: Settings, environment: Mapping[str, str]) -> HashKeys:
    """
    Return the keys by which the ledger names people and rows.

    Raises:
        ConfigurationError: there is none where one is needed.
    """
    shared = not settings.ledger_url.startswith("sqlite:")
    return load_hash_keys(environment, settings.home, shared=shared)


def find_contract(settings: Settings, sync: str) -> Contract:
    """
    Return the contract of that name.

    Raises:
        ContractError: a contract does not load.
        UsageError: there is none of that name; the nearest one is named.
    """
    contracts = load_contracts(settings.contracts)
    if sync in contracts:
        return contracts[sync]
    nearest = difflib.get_close_matches(sync, contracts, n=1)
    raise UsageError(
        f"there is no sync `{sync}`.",
        hint=f"Did you mean `{nearest[0]}`?"
        if nearest
        else f"The syncs are: {', '.join(sorted(contracts)) or 'none yet'}.",
    )
