"""Reverse ETL that is safe to run: warehouse models into CRMs, gated, reconciled, in Dagster."""
