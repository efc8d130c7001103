"""What `validate` looks at for one contract, from the file outwards to the vendor."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from activation.contract.loading import place
from activation.contract.model import Contract
from activation.contract.problem import Problem
from activation.contract.source import check_source, load_manifest
from activation.destinations.base import Connection
from activation.destinations.connections import connection
from activation.destinations.registry import open_destination
from activation.errors import ActivationError, Stopped
from activation.gates.schema import misfits
from activation.planning.model import DestinationFacts
from activation.planning.rehearsal import rehearse
from activation.settings import Settings
from activation.sync import Sync, open_services
from activation.warehouse.duckdb_file import in_memory


def validation(settings: Settings, contract: Contract, *, online: bool) -> dict[str, Any]:
    """
    Return every problem of a contract that has loaded.

    Offline: its models in the dbt manifest, its connection and the variables that it names.
    Online also: the destination's own description, as the schema gate reads it.
    """
    problems = list(_offline(settings, contract))
    if online and not problems:
        problems += _online(settings, contract)
    return {"sync": contract.sync, "valid": not problems, "problems": problems}


def contract_file(settings: Settings, contract: Contract) -> Path:
    """Return the file that a contract was read from: its folder has the sync's name."""
    return settings.contracts / contract.sync / "defs.yaml"


def _offline(settings: Settings, contract: Contract) -> Iterator[str]:
    try:
        found = check_source(contract, load_manifest(settings.manifest))
    except ActivationError as error:
        yield str(error)
    else:
        for problem in place(found, contract_file(settings, contract)):
            yield str(problem)
    name = contract.destination.connection
    try:
        account = connection(settings.connections, settings.target, name, os.environ)
        if contract.tests:
            for problem in place(_rehearsed(contract, account), contract_file(settings, contract)):
                yield str(problem)
    except ActivationError as error:
        yield str(error)


def _rehearsed(contract: Contract, account: Connection) -> tuple[Problem, ...]:
    """Return which of the contract's own tests fail; no vendor and no model is asked."""
    traits = open_destination(account).object_traits(contract.destination.object)
    facts = DestinationFacts(traits, frozenset(), frozenset(), changes_only=False)
    with in_memory() as session:
        return rehearse(session, contract, facts)


def _online(settings: Settings, contract: Contract) -> Iterator[str]:
    try:
        with open_services(settings) as services:
            schema = Sync(contract, services).parts.schema
    except Stopped:
        raise  # nothing is wrong with the contract; the vendor does not answer now
    except ActivationError as error:
        yield str(error)
        return
    for problem in place(misfits(contract, schema), contract_file(settings, contract)):
        yield str(problem)
