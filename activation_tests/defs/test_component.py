from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster.components.testing import create_defs_folder_sandbox

from activation.defs.components import SyncComponent
from activation_tests.sync.project import ROOT, SYNC

pytestmark = pytest.mark.usefixtures("definitions")


@pytest.fixture
def attributes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Return the attributes of the demo's contract, whose models the project has."""
    monkeypatch.setenv("ACTIVATION_PROJECT", str(ROOT))
    monkeypatch.setenv("ACTIVATION_HOME", str(tmp_path))
    file = ROOT / "activation" / "defs" / SYNC / "defs.yaml"
    attributes: dict[str, Any] = yaml.safe_load(file.read_text())["attributes"]
    return attributes


def _built(attributes: dict[str, Any]) -> dg.Definitions:
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(
            component_cls=SyncComponent,
            defs_yaml_contents={
                "type": "activation.defs.components.SyncComponent",
                "attributes": attributes,
            },
        )
        with sandbox.load_component_and_build_defs(defs_path=path) as (component, definitions):
            assert isinstance(component, SyncComponent)
            return definitions


def _refusal(attributes: dict[str, Any]) -> str:
    """Return why a contract does not load: Dagster wraps what a component raised."""
    with pytest.raises(Exception) as refused:  # noqa: PT011 - Dagster's has no public name
        _built(attributes)
    cause: BaseException = refused.value
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return str(cause)


def _models() -> list[dg.AssetsDefinition]:
    """Return the models that another project's dbt would bring."""

    def model(name: str) -> dg.AssetsDefinition:
        @dg.asset(key=["marts", name])
        def build() -> None:
            """Do nothing: it is never run."""

        return build

    return [model("customer_churn"), model("customer_consent")]


def test_a_contract_makes_assets_job_and_schedule(attributes: dict[str, Any]) -> None:
    """A contract in any project's defs folder becomes two assets, a job and a schedule."""
    made = _built(attributes | {"sync": "contact_scores", "schedule": "30 4 * * *"})
    definitions = dg.Definitions.merge(made, dg.Definitions(assets=_models()))

    graph = definitions.resolve_asset_graph()
    assert {key.to_user_string() for key in graph.materializable_asset_keys} == {
        "marts/customer_churn",
        "marts/customer_consent",
        "salesforce/contact_scores_plan",
        "salesforce/contact_scores",
    }
    assert definitions.resolve_job_def("contact_scores_job").partitions_def is not None
    assert definitions.resolve_schedule_def("contact_scores_schedule").cron_schedule == "30 4 * * *"


def test_a_contract_without_a_schedule_has_none(attributes: dict[str, Any]) -> None:
    """A sync that is only run by hand makes no schedule."""
    del attributes["schedule"]

    assert not _built(attributes).schedules


@pytest.mark.parametrize("part", ["consent", "replay", "guards"])
def test_a_contract_without_its_promises_does_not_load(
    attributes: dict[str, Any], part: str
) -> None:
    """Dagster too refuses a contract that lacks consent, replay or guards, and names it."""
    del attributes[part]

    assert f"attributes.{part}" in _refusal(attributes)


def test_an_unknown_model_does_not_load(attributes: dict[str, Any]) -> None:
    """A model that dbt does not have is refused; it would load as an asset that nobody builds."""
    attributes["source"]["model"] = "customer_chrun"

    assert "no model `customer_chrun`" in _refusal(attributes)
