"""Attempts are counted, and a plan keeps which of them it knows of."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what attempts are counted by; older plans know of none but their own."""
    op.add_column("batch", sa.Column("attempt_no", sa.BigInteger(), nullable=True))
    op.execute("UPDATE batch SET attempt_no = 1 WHERE requests > 0")
    op.create_index("ix_batch_sync_attempt_no", "batch", ["sync", "attempt_no"])
    op.add_column(
        "plan", sa.Column("attempts_seen", sa.BigInteger(), nullable=False, server_default="0")
    )
