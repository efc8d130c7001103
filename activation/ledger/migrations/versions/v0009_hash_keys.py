"""Dead letters say by which key their rows are named."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the id of the key; what is there was named by none, until somebody opens it with one."""
    op.add_column(
        "dead_letter", sa.Column("hash_key", sa.Text(), nullable=False, server_default="sha256")
    )
