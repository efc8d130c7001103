"""What is mutated together, and the fast tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Area:
    """Modules, and the tests that are run against their mutants."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


_TESTS = "activation_tests"

AREAS = {
    "gates": Area(("activation/gates/*.py",), (f"{_TESTS}/gates",)),
    "governor": Area(
        ("activation/governor/*.py",),
        (
            f"{_TESTS}/governor",
            f"{_TESTS}/ledger/test_clearing.py",
            f"{_TESTS}/ledger/test_controls.py",
        ),
    ),
    "fence": Area(
        (
            "activation/delivery/doubt.py",
            "activation/delivery/recovery.py",
            "activation/ledger/doubts.py",
            "activation/ledger/fences.py",
        ),
        (
            f"{_TESTS}/delivery/test_doubt.py",
            f"{_TESTS}/delivery/test_jobs.py",
            f"{_TESTS}/delivery/test_recovery.py",
            f"{_TESTS}/ledger/test_rows.py",
        ),
    ),
    "ledger": Area(
        ("activation/ledger/*.py",),
        (
            f"{_TESTS}/ledger",
            f"{_TESTS}/delivery/test_engine.py",
            f"{_TESTS}/delivery/test_recovery.py",
            f"{_TESTS}/delivery/test_stopping.py",
        ),
    ),
}
