from activation.ledger.conservation import RowsLostError, Tally
from activation.ledger.opening import Ledger, open_ledger

__all__ = ["Ledger", "RowsLostError", "Tally", "open_ledger"]
