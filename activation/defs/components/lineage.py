"""Where a sync's assets hang in the graph: the dbt models above them, the columns between."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import dagster as dg

from activation.contract.consent import Consent
from activation.contract.model import Contract
from activation.contract.source import load_manifest
from activation.errors import ContractError
from activation.settings import Settings


@dataclass(frozen=True)
class Upstream:
    """The asset keys of the models that a sync reads, and the contract's file."""

    source: dg.AssetKey
    consents: tuple[dg.AssetKey, ...]
    references: tuple[dg.AssetKey, ...] = ()

    @classmethod
    def of(cls, contract: Contract) -> Self:
        """
        Look the models up in the dbt manifest.

        Raises:
            ContractError: a model that the manifest does not have; a typo would otherwise
                load as an asset that nobody ever builds.
        """
        path = Settings.load().manifest
        load_manifest(path)  # tells what is wrong with it, if something is
        manifest = json.loads(path.read_text())
        consent = contract.consent
        asked = consent.sources if isinstance(consent, Consent) else ()
        return cls(
            source=_model_key(manifest, contract, contract.source.model),
            consents=tuple(_model_key(manifest, contract, source.model) for source in asked),
            references=tuple(
                _model_key(manifest, contract, reference.model)
                for reference in contract.freshness.references
            ),
        )

    @property
    def keys(self) -> list[dg.AssetKey]:
        """Return the models' keys."""
        return list(dict.fromkeys((self.source, *self.consents, *self.references)))


def _model_key(manifest: Mapping[str, Any], contract: Contract, model: str) -> dg.AssetKey:
    from dagster_dbt import DagsterDbtTranslator

    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] == "model" and node["name"] == model:
            return DagsterDbtTranslator().get_asset_spec(manifest, unique_id, None).key
    raise ContractError(
        f"the dbt project has no model `{model}`, which sync {contract.sync} reads.",
        hint=f"Run `activation validate {contract.sync}` for the nearest name.",
        sync=contract.sync,
    )


def column_schema(contract: Contract) -> dg.TableSchema:
    """Return the destination's columns as the contract maps them."""
    key = dg.TableColumn(
        name=contract.destination.key,
        type="text",
        description="The sync key: " + ", ".join(contract.source.grain),
        constraints=dg.TableColumnConstraints(nullable=False, unique=True),
    )
    return dg.TableSchema(
        columns=[
            key,
            *(
                dg.TableColumn(
                    name=mapping.to,
                    type=str(mapping.type),
                    description=f"an empty value: {mapping.nulls.value}",
                    tags={"data_class": mapping.data_class.value},
                )
                for mapping in contract.fields
            ),
        ]
    )


def column_lineage(contract: Contract, source: dg.AssetKey) -> dg.TableColumnLineage:
    """Return which source column feeds which field."""
    deps = {
        m.to: [dg.TableColumnDep(asset_key=source, column_name=m.column)] for m in contract.fields
    }
    deps[contract.destination.key] = [
        dg.TableColumnDep(asset_key=source, column_name=column) for column in contract.source.grain
    ]
    return dg.TableColumnLineage(deps)


def runbook(contract: Contract, alert: str | None = None) -> dg.MetadataValue[Any]:
    """Return the link to the sync's runbook, or to the section of one alert."""
    link = contract.alerting.runbook + (f"#{alert}" if alert else "")
    return dg.MetadataValue.url(link) if "://" in link else dg.MetadataValue.path(link)


def description(contract: Contract) -> str:
    """Return what people read on the destination asset's page."""
    share = ", ".join(f"{p.name} {p.share:.0%}" for p in contract.rollout.phases)
    return (
        f"{contract.objective.strip()}\n\n"
        f"One row per {', '.join(contract.source.grain)} of `{contract.source.model}` into "
        f"`{contract.destination.object}` by `{contract.destination.key}`.\n\n"
        f"Phases: {share}."
    )
