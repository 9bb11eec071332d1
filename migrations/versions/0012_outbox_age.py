"""When an effect was put into the outbox, so that it can be told how long the oldest has waited.

Rows that are there already keep it empty: their business date is all that is known.
"""

from alembic import op

from migrations.columns import instants

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("outbox", *instants("recorded_at", null=True))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("outbox", "recorded_at")
