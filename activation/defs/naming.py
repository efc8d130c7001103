"""How a sync is called in Dagster: keys, partitions, job, schedule."""

import dagster as dg

from activation.contract.model import Contract
from activation.contract.references import referenced

MODELS_JOB = "warehouse_models"
"""The job that builds and tests every dbt model."""
ROLLBACK_JOB = "rollback"
"""The operators' job that takes deliveries back."""
ROLLBACK_OP = "roll_back_deliveries"
"""Its only op, which has the form."""


def plan_key(contract: Contract) -> dg.AssetKey:
    """Return the key of the plan asset: `<connection>/<sync>_plan`."""
    return dg.AssetKey([contract.destination.connection, f"{contract.sync}_plan"])


def destination_key(contract: Contract) -> dg.AssetKey:
    """Return the key of the destination asset: `<connection>/<sync>`."""
    return dg.AssetKey([contract.destination.connection, contract.sync])


def referenced_keys(contract: Contract) -> list[dg.AssetKey]:
    """Return the destination assets whose records a sync names: those of its own connection."""
    return [dg.AssetKey([contract.destination.connection, sync]) for sync in referenced(contract)]


def phases(sync: str) -> dg.DynamicPartitionsDefinition:
    """Return the phases of a sync; one that is not open does not exist."""
    return dg.DynamicPartitionsDefinition(name=f"{sync}_phases")


def job_name(sync: str) -> str:
    """Return the name of the job that builds the models, plans, gates and delivers."""
    return f"{sync}_job"


def schedule_name(sync: str) -> str:
    """Return the name of the sync's schedule."""
    return f"{sync}_schedule"


def promotion_name(sync: str) -> str:
    """Return the name of the sensor that opens the sync's next phase."""
    return f"{sync}_promotion"


def replay_name(sync: str) -> str:
    """Return the name of the sensor that tries the sync's dead letters again."""
    return f"{sync}_replay"


REPLAY_TAG = {"activation/kind": "replay"}
"""The tag of a run whose plan is of dead letters alone."""
