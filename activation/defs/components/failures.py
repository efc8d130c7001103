"""What a run may say of what went wrong: our own sentences, and of all else only the place."""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from activation.errors import ActivationError

_PACKAGE = Path(__file__).parents[2]


@contextmanager
def told() -> Iterator[None]:
    """
    Turn what goes wrong inside into a failure that holds no value of any row.

    An exception that is not ours may quote a payload; Dagster would keep it for ever, and so it
    is told by its type and its place alone.  ACTIVATION_DEBUG lets it through as it is.
    """
    try:
        yield
    except ActivationError as error:
        raise failure(error) from None
    except Exception as error:
        if os.environ.get("ACTIVATION_DEBUG"):
            raise
        raise dg.Failure(
            f"{type(error).__name__} at {_place(error)}. What it says may hold a value of a row "
            "and is kept back.",
            metadata={"next": "ACTIVATION_DEBUG=1 shows it whole; repeating is safe."},
            allow_retries=False,
        ) from None


def failure(error: ActivationError) -> dg.Failure:
    """Say in the run what the command line would say; a refusal is not tried again."""
    metadata: dict[str, Any] = {"error": type(error).__name__}
    if error.hint:
        metadata["next"] = error.hint
    return dg.Failure(str(error), metadata=metadata, allow_retries=False)


def _place(error: BaseException) -> str:
    """Return the last line of this package that the error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    if not ours:
        return "an unknown place"
    last = ours[-1]
    return f"{Path(last.filename).relative_to(_PACKAGE.parent)}:{last.lineno} in {last.name}"
