"""The asset graph as text: what hangs on what, which checks there are, and which of them block."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg


def drawn(definitions: dg.Definitions) -> str:
    """Return the graph, one asset or check a line, in alphabetical order."""
    return "\n".join(_lines(definitions)) + "\n"


def _lines(definitions: dg.Definitions) -> Iterator[str]:
    graph = definitions.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        yield f"{key.to_user_string()}  (group {node.group_name}{_partitions(node.partitions_def)})"
        for parent in sorted(node.parent_keys):
            yield f"    from {parent.to_user_string()}"
        for check in sorted(node.check_keys, key=lambda found: found.name):
            spec = graph.get_check_spec(check)
            verb = "blocking check" if spec.blocking else "check"
            yield f"    {verb} {check.name}{_partitions(spec.partitions_def)}"


def _partitions(partitions: dg.PartitionsDefinition[str] | None) -> str:
    if partitions is None:
        return ""
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        return f", by {partitions.name}"
    return f", by {type(partitions).__name__}"
