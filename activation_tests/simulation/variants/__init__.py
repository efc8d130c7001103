"""
Engines with one defect each: a simulator that does not notice them proves nothing.

Each is the real engine with one function put aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from activation_tests.simulation.variants import doubt, jobs, leave, pace, verdicts

VARIANTS = {
    **doubt.VARIANTS,
    **leave.VARIANTS,
    **pace.VARIANTS,
    **verdicts.VARIANTS,
    **jobs.VARIANTS,
}


@contextmanager
def broken(name: str) -> Iterator[None]:
    """Put the engine's defect of that name in place."""
    with ExitStack() as stack:
        for patched in VARIANTS[name]():
            stack.enter_context(patched)
        yield
