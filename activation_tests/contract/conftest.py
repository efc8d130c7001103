from collections.abc import Callable
from pathlib import Path

import pytest

import activation
from activation.contract.loading import load_contract, load_contracts
from activation.contract.model import Contract
from activation.errors import ContractError

DEMO = Path(activation.__file__).parent / "defs" / "salesforce_contact" / "defs.yaml"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """
    Return a function that writes the demo contract with replacements, and returns its path.

    Each replacement must hit, so that a test cannot pass because its text has moved.
    """

    def write(*replacements: tuple[str, str], sync: str = "salesforce_contact") -> Path:
        text = DEMO.read_text()
        if sync != "salesforce_contact":
            replacements = (("sync: salesforce_contact", f"sync: {sync}"), *replacements)
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "defs" / sync / "defs.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.fixture
def demo() -> Contract:
    """Return the demo contract."""
    return load_contract(DEMO)


def line_of(path: Path, text: str) -> int:
    """Return the number of the first line with that text."""
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def refusal(path: Path) -> str:
    """Return why a file or folder does not load."""
    load = load_contracts if path.is_dir() else load_contract
    with pytest.raises(ContractError) as refused:
        load(path)
    return str(refused.value)
