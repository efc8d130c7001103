"""References between syncs: declared in the contract, checked when it loads, and put in order."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.destination import Mode
from activation.contract.loading import load_contract, load_contracts
from activation.contract.model import Contract
from activation.contract.references import in_order, referenced, ring
from activation_tests.contract.conftest import refusal

SHIPPED = Path(__file__).parents[2] / "activation" / "defs"
USER = "zendesk_user"
ORGANIZATION = "zendesk_organization"
TEMPLATE = load_contract(SHIPPED / USER / "defs.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the two contracts for Zendesk."""
    for sync in (USER, ORGANIZATION):
        (tmp_path / "defs" / sync).mkdir(parents=True)
        shutil.copy(SHIPPED / sync / "defs.yaml", tmp_path / "defs" / sync)
    return tmp_path / "defs"


def edit(folder: Path, sync: str, old: str, new: str) -> None:
    """Replace a text in a contract, which must have it."""
    path = folder / sync / "defs.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_shipped_user_names_its_organization(folder: Path) -> None:
    """The contract of users says which sync its organizations come from."""
    contracts = load_contracts(folder)

    assert referenced(contracts[USER]) == (ORGANIZATION,)
    assert referenced(contracts[ORGANIZATION]) == ()
    assert [c.sync for c in in_order(contracts.values())] == [ORGANIZATION, USER]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            f"references: {ORGANIZATION}",
            "references: zendesk_organisation",
            "there is no sync `zendesk_organisation`; did you mean `zendesk_organization`?",
        ),
        (
            "to: organization.external_id",
            "to: organization.id",
            "field `organization.id` does not name records by `external_id`, the key of sync",
        ),
        (
            "column: account_id, type: text(20)",
            "column: account_id, type: integer",
            "field `organization.external_id` is integer; a reference is text, as keys are",
        ),
        (
            "connection: zendesk",
            "connection: helpdesk",
            "sync `zendesk_organization` writes to zendesk, and this one to helpdesk",
        ),
        (
            f"references: {ORGANIZATION}",
            f"references: {USER}",
            "`zendesk_user` names records of its own",
        ),
    ],
)
def test_a_reference_that_cannot_be_is_refused(folder: Path, old: str, new: str, said: str) -> None:
    """A reference leads to a sync of the same account, and names its records by their key."""
    edit(folder, USER, old, new)

    assert said in refusal(folder)


def test_a_ring_is_refused(folder: Path) -> None:
    """Syncs that wait for each other would never begin."""
    edit(
        folder,
        ORGANIZATION,
        "{to: name, column: account_name, type: text(80), nulls: hold, data_class: none}",
        "{to: name, column: account_name, type: text(80), nulls: hold, data_class: none}\n"
        "    - {to: owner.external_id, column: owner_id, type: text(20), nulls: keep, "
        f"data_class: none, references: {USER}}}",
    )

    said = refusal(folder)

    assert "wait for each other" in said
    assert f"`{ORGANIZATION}`, `{USER}`" in said


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef")), min_size=1))
def test_the_order_heeds_every_reference(names: dict[str, set[str]]) -> None:
    """Where there is no ring, each comes after all that it names; a ring is always found."""
    template = load_contracts(SHIPPED)[USER]
    contracts = {
        sync: _naming(template, sync, named & names.keys()) for sync, named in names.items()
    }

    ordered = [contract.sync for contract in in_order(contracts.values())]

    assert sorted(ordered) == sorted(contracts)
    if found := ring(contracts):
        following = (*found[1:], found[0])
        assert all(b in referenced(contracts[a]) for a, b in zip(found, following, strict=True))
    else:
        place = {sync: at for at, sync in enumerate(ordered)}
        assert all(place[r] < place[s] for s, c in contracts.items() for r in referenced(c))


def test_audiences_come_last() -> None:
    """Members are there before they join."""
    ordered = in_order(load_contracts(SHIPPED).values())

    modes = [contract.destination.mode is Mode.AUDIENCE for contract in ordered]
    assert modes == sorted(modes)


def _naming(template: Contract, sync: str, named: set[str]) -> Contract:
    field = template.fields[0]
    fields = tuple(
        field.model_copy(update={"to": f"{name}.external_id", "references": name})
        for name in sorted(named)
    )
    return template.model_copy(update={"sync": sync, "fields": fields or (field,)})
