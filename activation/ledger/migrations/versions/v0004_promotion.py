"""Where a rollout was stopped, and when it was released."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let phases keep why a rollout went no further."""
    op.add_column("phase", sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("phase", sa.Column("stopped_because", sa.Text(), nullable=True))
    op.add_column("phase", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
