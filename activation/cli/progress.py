"""A bar that follows a delivery by what the ledger records, in whatever process it runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from activation.cli.output import Step
from activation.errors import ActivationError
from activation.ledger import open_ledger
from activation.settings import Settings

_EVERY_SECONDS = 0.25


@contextmanager
def following(settings: Settings, sync: str, phase: str, step: Step) -> Iterator[None]:
    """Move the bar while the block runs."""
    done = threading.Event()
    thread = threading.Thread(target=_follow, args=(settings, sync, phase, step, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _follow(settings: Settings, sync: str, phase: str, step: Step, done: threading.Event) -> None:
    try:
        with open_ledger(settings.ledger_url) as ledger:
            before = ledger.plans.latest(sync, phase)
            while not done.wait(_EVERY_SECONDS):
                plan = ledger.plans.latest(sync, phase)
                if plan is None or (before is not None and plan.digest == before.digest):
                    continue
                settled = ledger.batches.settled_rows(plan.digest)
                if plan.to_send:
                    step.at(settled, plan.to_send)
    except ActivationError:
        # The bar is a convenience; the run itself says what is wrong with the ledger.
        return
