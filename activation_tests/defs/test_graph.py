from __future__ import annotations

import difflib
from pathlib import Path

import dagster as dg
import pytest

from activation.gates.verdict import Gate
from activation_tests.defs.graph import drawn
from activation_tests.sync.project import SYNC

HELD = Path(__file__).with_name("asset_graph.txt")
PLAN = dg.AssetKey(["salesforce", f"{SYNC}_plan"])
DESTINATION = dg.AssetKey(["salesforce", SYNC])


def test_the_graph_is_the_one_we_hold(definitions: dg.Definitions) -> None:
    """Assets, what they hang on, their checks and partitions are those of `asset_graph.txt`."""
    found, held = drawn(definitions), HELD.read_text()

    if found != held:
        lines = difflib.unified_diff(
            held.splitlines(), found.splitlines(), "held", "found", lineterm=""
        )
        pytest.fail(
            "the asset graph changed:\n\n"
            + "\n".join(lines)
            + f"\n\nIf that is wanted, write this into {HELD.name}:\n\n{found}"
        )


def test_every_gate_blocks(definitions: dg.Definitions) -> None:
    """The plan has one blocking check a gate, judged phase by phase."""
    graph = definitions.resolve_asset_graph()

    specs = [graph.get_check_spec(key) for key in graph.get_check_keys_for_assets({PLAN})]

    assert {spec.name for spec in specs} == {gate.value for gate in Gate}
    assert all(spec.blocking for spec in specs)
    assert {spec.partitions_def for spec in specs} == {
        dg.DynamicPartitionsDefinition(name=f"{SYNC}_phases")
    }


def test_the_job_runs_models_gates_and_delivery(definitions: dg.Definitions) -> None:
    """The job selects all models that the sync reads, both assets, and all of their checks."""
    job = definitions.resolve_job_def(f"{SYNC}_job")
    graph = definitions.resolve_asset_graph()

    layer = job.asset_layer

    assert {PLAN, DESTINATION, dg.AssetKey(["marts", "customer_churn"])} <= set(
        layer.selected_asset_keys
    )
    assert graph.get_check_keys_for_assets({PLAN, DESTINATION}) <= set(
        layer.asset_graph.asset_check_keys
    )
    assert job.partitions_def == dg.DynamicPartitionsDefinition(name=f"{SYNC}_phases")


def test_assets_say_whose_they_are(definitions: dg.Definitions) -> None:
    """Owner, description, kinds, columns and lineage of the destination are set."""
    node = definitions.resolve_asset_graph().get(DESTINATION)

    assert node.owners == ["team:customer-success"]
    assert node.description is not None
    assert "who is likely to leave" in node.description
    assert {"activation", "salesforce"} <= node.kinds
    columns = node.metadata["dagster/column_schema"].columns
    assert [column.name for column in columns][:2] == ["Customer_Key__c", "FirstName"]
    lineage = node.metadata["dagster/column_lineage"].deps_by_column
    assert lineage["Churn_Score__c"] == [
        dg.TableColumnDep(
            asset_key=dg.AssetKey(["marts", "customer_churn"]), column_name="churn_score"
        )
    ]
