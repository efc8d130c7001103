"""The gates, by the names under which the ledger keeps their verdicts."""

GATES = frozenset(
    {"freshness", "grain", "consent", "blast_radius", "distribution", "schema", "kill_switch"}
)
"""The gates that every plan must have passed before a byte of it leaves."""
