"""The component that a `defs.yaml` names: `type: activation.defs.components.SyncComponent`."""

from activation.defs.components.sync_component import SyncComponent

__all__ = ["SyncComponent"]
