"""What the governor keeps, and what a batch must remember of its endpoint."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the governor's tables; a batch learns its verb, endpoint, job and first attempt."""
    for name, kind in (
        ("verb", sa.Text()),
        ("endpoint", sa.Text()),
        ("job", sa.Text()),
        ("first_intended_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("batch", sa.Column(name, kind, nullable=True))
    op.create_table(
        "permit",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sync", sa.Text(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "bucket", "no", name="pk_permit"),
    )
    op.create_index(
        "ix_permit_connection_bucket_free_at", "permit", ["connection", "bucket", "free_at"]
    )
    op.create_table(
        "signal",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection", "topic", "name", name="pk_signal"),
    )
    op.create_table(
        "retry",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "minute", name="pk_retry"),
    )
