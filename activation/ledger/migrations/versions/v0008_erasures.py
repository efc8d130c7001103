"""Erasures that are due."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of erasures, a row a person and sync."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "erasure",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("hash_key", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("first_at", moment, nullable=True),
        sa.Column("last_at", moment, nullable=True),
        sa.Column("done_at", moment, nullable=True),
        sa.Column("restorable_until", moment, nullable=True),
        sa.PrimaryKeyConstraint("person", "sync", name="pk_erasure"),
    )
    op.create_index("ix_erasure_sync_state", "erasure", ["sync", "state"])
