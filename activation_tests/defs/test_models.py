"""The dbt models as Dagster sees them."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from typing import Any

import dagster as dg
import pytest


@pytest.fixture
def dbt(definitions: dg.Definitions) -> Any:
    """Return the resource that runs dbt."""
    assert definitions.resources is not None
    return definitions.resources["dbt"]


def test_dbt_is_not_asked_what_is_known(dbt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of dbt is the installed package's; no process, no network is asked for it."""
    monkeypatch.setattr(subprocess, "Popen", None)

    assert str(dbt._cli_version) == version("dbt-core")
    assert dbt._initialize_dbt_core_adapter(["build"]) is None


def test_what_is_left_out_is_still_there(dbt: Any) -> None:
    """Both detours that we leave out are still dagster-dbt's own methods of these names."""
    ours, theirs = type(dbt), type(dbt).__mro__[1]

    replaced = {name for name in vars(ours) if name in vars(theirs) and not name.startswith("__")}

    assert {"_cli_version", "_initialize_dbt_core_adapter"} <= replaced
