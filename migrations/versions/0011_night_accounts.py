"""What the runs that share a night's connections tell of each, until the night has put the accounts together."""

from alembic import op

from migrations.columns import dates, primary, texts

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "night_accounts",
        *texts("night", "connection", "account"),
        *dates("kept_on"),
        primary("night_accounts", "night", "connection"),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("night_accounts")
