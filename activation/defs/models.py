"""The dbt models as assets, run in place; their tests are their checks."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from activation.settings import Settings


@dg.definitions
def models() -> dg.Definitions:
    """Return one asset a dbt model, and the job that builds them all."""
    from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

    settings = Settings.load()
    folder = settings.dbt_project
    if not (folder / "dbt_project.yml").exists():
        return dg.Definitions()
    project = DbtProject(project_dir=folder, profiles_dir=folder)
    project.prepare_if_dev()
    if not project.manifest_path.exists():
        project.preparer.prepare(project)

    # A DuckDB file is held by one process at a time: one dbt run at a time.
    @dbt_assets(manifest=project.manifest_path, project=project, name="dbt_build", pool="warehouse")
    def dbt_build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        # The profile names the warehouse file by it; dbt runs in a folder of its own.
        os.environ["ACTIVATION_HOME"] = str(settings.home)
        yield from dbt.cli(["build"], context=context).stream()

    job = dg.define_asset_job(
        "warehouse_models",
        selection=dg.AssetSelection.assets(dbt_build),
        description="Build and test every dbt model.",
    )
    # The executable beside this interpreter, whatever PATH says.
    dbt = DbtCliResource(
        project_dir=project, dbt_executable=str(Path(sys.executable).parent / "dbt")
    )
    return dg.Definitions(assets=[dbt_build], jobs=[job], resources={"dbt": dbt})
