from activation.delivery.engine import deliver, outcomes
from activation.delivery.fold import Receipts, mark_folded, receipts
from activation.delivery.order import Bounds, DeliveryOrder, Outcomes
from activation.delivery.ports import Actions, Progress, Wire
from activation.delivery.recovery import Recovery, Settled, settle
from activation.delivery.wire import ThreadWire

__all__ = [
    "Actions",
    "Bounds",
    "DeliveryOrder",
    "Outcomes",
    "Progress",
    "Receipts",
    "Recovery",
    "Settled",
    "ThreadWire",
    "Wire",
    "deliver",
    "mark_folded",
    "outcomes",
    "receipts",
    "settle",
]
