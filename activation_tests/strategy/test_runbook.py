"""Runbooks: complete, up to date, and every command in them works."""

from __future__ import annotations

from pathlib import Path

import pytest

from activation.alerting.catalogue import relevant
from activation.contract.loading import load_contracts
from activation.contract.model import Contract
from activation.destinations.connections import connection
from activation.destinations.registry import open_destination
from activation.destinations.traits import ObjectTraits
from activation.strategy.runbook import runbook

ROOT = Path(__file__).parents[2]
CONTRACTS = load_contracts(ROOT / "activation" / "defs")
PARTS = (
    "Stop the harm",
    "Look at",
    "Fix",
    "Verify",
    "Undo",
    "Tell",
    "Cannot be undone",
)


def traits(contract: Contract) -> ObjectTraits:
    """Return what the adapter of a contract declares of its object; no request is made."""
    found = connection(
        ROOT / "activation" / "connections.yaml", "sandbox", contract.destination.connection, {}
    )
    return open_destination(found).object_traits(contract.destination.object)


@pytest.mark.parametrize("sync", CONTRACTS)
def test_the_runbook_that_ships_is_the_one_that_is_made(sync: str) -> None:
    """The file is what `activation runbook SYNC --write` writes."""
    contract = CONTRACTS[sync]

    written = (ROOT / contract.alerting.runbook).read_text()
    assert written == runbook(contract, traits(contract)), "make documents writes them anew"


@pytest.mark.parametrize("sync", CONTRACTS)
def test_every_alert_has_every_part(sync: str) -> None:
    """Each alert that can fire has a section with all parts, three things to look at among them."""
    contract = CONTRACTS[sync]
    text = runbook(contract, traits(contract))

    for name in relevant(contract):
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert all(f"**{part}.**" in section for part in PARTS), name
        assert section.partition("**Look at.**")[2].partition("**Fix.**")[0].count("\n- ") == 3
    assert "{" not in text
