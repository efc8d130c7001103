"""The dbt models as assets, run in place; their tests are their checks."""

import os
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from activation.defs.naming import MODELS_JOB
from activation.settings import Settings


@dg.definitions
def models() -> dg.Definitions:
    """Return one asset a dbt model, and the job that builds them all."""
    from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

    settings = Settings.load()
    if not (settings.dbt_project / "dbt_project.yml").exists():
        return dg.Definitions()
    _share_places(settings)
    project = DbtProject(project_dir=settings.dbt_project, profiles_dir=settings.dbt_project)
    project.prepare_if_dev()
    if not project.manifest_path.exists():
        project.preparer.prepare(project)

    # A DuckDB file is held by one process at a time: one dbt run at a time.
    @dbt_assets(manifest=project.manifest_path, project=project, name="dbt_build", pool="warehouse")
    def dbt_build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        # One folder for all runs: dagster-dbt would make another for each, and keep them all.
        artifacts = settings.home / "dbt"
        yield from dbt.cli(["build"], context=context, target_path=artifacts).stream()

    job = dg.define_asset_job(
        MODELS_JOB,
        selection=dg.AssetSelection.assets(dbt_build),
        description="Build and test every dbt model.",
    )
    return dg.Definitions(assets=[dbt_build], jobs=[job], resources={"dbt": _command(project)})


def _command(project: Any) -> Any:
    """
    Return dagster-dbt's command without two of its detours, which take longer than our models.

    It starts a process for `dbt --version`, which asks the network for the newest release, and
    it loads all of dbt into this process for `fetch_row_counts()` and `fetch_column_metadata()`,
    which are not called here; whoever wants them takes DbtCliResource itself.
    """
    from dagster_dbt import DbtCliResource
    from dagster_dbt.compat import DBT_PYTHON_VERSION

    class Dbt(DbtCliResource):
        @cached_property
        def _cli_version(self) -> Any:
            return DBT_PYTHON_VERSION

        def _initialize_dbt_core_adapter(self, args: Any) -> Any:
            del args

    return Dbt(project_dir=project)


def _share_places(settings: Settings) -> None:
    """
    Let the dbt that is started from here mean the same places as we do.

    The profile names the warehouse file by ACTIVATION_HOME, and dagster-dbt looks for dbt on
    PATH only, where an environment that is not activated does not have it.
    """
    os.environ["ACTIVATION_HOME"] = str(settings.home)
    settings.home.mkdir(parents=True, exist_ok=True)
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
