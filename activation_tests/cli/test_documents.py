"""`export` and `diff`, as people and scripts read them."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from activation.contract.exports import of_odcs
from activation.errors import ExitCode
from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, Project


def test_an_export_is_yaml_or_json(project: Project, activation: Command) -> None:
    """Both hold the contract, and so does the exposure under its name."""
    written = activation("export", SYNC)
    told = activation("export", SYNC, "--json")
    exposure = activation("export", SYNC, "--to", "exposure")

    assert of_odcs(yaml.safe_load(written.out)) == of_odcs(told.report) == project.contract
    assert yaml.safe_load(exposure.out)["exposures"][0]["name"] == SYNC


def test_a_breaking_edit_is_told_with_what_it_lacks(
    project: Project, activation: Command, tmp_path: Path
) -> None:
    """A loosened guard is breaking; without a version and an approver the command says no."""
    old = tmp_path / "old.yaml"
    shutil.copy(project.contract_file, old)
    same = activation("diff", str(old), str(project.contract_file), "--json")
    project.edit_contract(lambda contract: contract["guards"].update(changed="60%"))

    lacking = activation("diff", str(old), str(project.contract_file), "--json")
    project.edit_contract(
        lambda contract: contract.update(
            version="2.0.0", approval={"by": "team:privacy", "reason": "a new method"}
        )
    )
    done = activation("diff", str(old), str(project.contract_file))

    assert (same.code, same.report["edits"]) == (ExitCode.DONE, [])
    assert (lacking.code, lacking.report["weight"]) == (ExitCode.REFUSED, "breaking")
    assert len(lacking.report["lacking"]) == 2
    assert done.code == ExitCode.DONE
    assert "guards.changed" in done.out
