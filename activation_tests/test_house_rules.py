"""House rules that neither the linter nor import-linter can hold."""

import ast
from collections.abc import Iterator
from pathlib import Path

import activation

ROOT = Path(activation.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))


def _calls(module: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call):
            yield node


def test_only_delivery_sends() -> None:
    """An endpoint's `send` and `start_job` are called in `delivery/` and nowhere else."""
    senders = {
        module.relative_to(ROOT).parts[0]
        for module in MODULES
        for call in _calls(module)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"send", "start_job"}
        and "endpoint" in ast.unparse(call.func.value)
    }

    assert senders == {"delivery"}


def test_time_is_handed_in() -> None:
    """The rooms of the engine ask a clock, never the machine, what time it is."""
    asked = {"datetime.now", "datetime.utcnow", "time.time", "time.sleep", "date.today"}
    rooms = ("planning", "gates", "governor", "delivery", "ledger", "reconciliation", "rollout")
    guilty = [
        f"{module.relative_to(ROOT)}:{call.lineno}"
        for room in rooms
        for module in (ROOT / room).rglob("*.py")
        for call in _calls(module)
        if ast.unparse(call.func) in asked
    ]

    assert guilty == []


def test_modules_stay_small() -> None:
    """A module that grows past 400 lines is two modules."""
    large = [
        str(module.relative_to(ROOT))
        for module in MODULES
        if len(module.read_text().splitlines()) > 400
    ]

    assert large == []
