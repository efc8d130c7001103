"""Runs the migrations on the connection that `schema.migrate` hands in, in its transaction."""

from alembic import context

from activation.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
)
context.run_migrations()
