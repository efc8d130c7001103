"""Where the rooms meet: one sync put together, for Dagster and for the command line alike."""

from activation.sync.results import Delivered, Planned
from activation.sync.services import Services, find_contract, open_services
from activation.sync.sync import Sync

__all__ = ["Delivered", "Planned", "Services", "Sync", "find_contract", "open_services"]
