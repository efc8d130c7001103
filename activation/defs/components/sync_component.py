"""The component: one contract becomes a plan asset, a destination asset, a job and a schedule."""

from typing import Self

import dagster as dg
from pydantic import BaseModel

from activation.contract.model import Contract
from activation.defs.components.assets import destination_asset, plan_asset
from activation.defs.components.automation import (
    job,
    promotion_sensor,
    replay_sensor,
    schedule,
)
from activation.defs.components.lineage import Upstream
from activation.defs.resources import activation


class SyncComponent(dg.Component):
    """Send one warehouse model to one destination object, as its contract promises."""

    def __init__(self, contract: Contract) -> None:
        """Keep the contract."""
        self.contract = contract

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Return the schema of `attributes`: the contract itself."""
        return Contract

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Make the component of a validated contract."""
        del context
        if not isinstance(attributes, Contract):
            message = "a sync component needs the attributes of a contract"
            raise TypeError(message)
        return cls(attributes)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return the two assets with their checks, the job, the schedule and what they need."""
        del context  # the contract says it all
        upstream = Upstream.of(self.contract)
        asset_job = job(self.contract, upstream)
        scheduled = schedule(self.contract, asset_job)
        promotion = promotion_sensor(self.contract, asset_job)
        return dg.Definitions(
            assets=[
                plan_asset(self.contract, upstream),
                destination_asset(self.contract, upstream),
            ],
            jobs=[asset_job],
            schedules=[scheduled] if scheduled else [],
            sensors=[
                replay_sensor(self.contract, asset_job),
                *([promotion] if promotion else []),
            ],
            resources={"activation": activation()},
        )
