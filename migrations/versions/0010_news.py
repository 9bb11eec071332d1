"""What has changed, and when each cohort was looked at: a night looks only at cohorts with news."""

from alembic import op

from migrations.columns import dates, indexes, integers, primary, reference, texts

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; with nothing in them, the next night looks at every cohort."""
    op.create_table("news", *texts("id", "kind", "keys"), primary("news", "id"))
    op.create_table("cohort_news", *texts("id", "cohort_code"), primary("cohort_news", "id"))
    indexes("cohort_news", "cohort_code")
    op.create_table(
        "looks",
        *texts("cohort_code"),
        *dates("looked_on"),
        *texts("rules"),
        *dates("changes_on", null=True),
        *dates("round_on"),
        *integers("missed"),
        primary("looks", "cohort_code"),
        reference("looks", "cohort_code", "cohorts.code"),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("looks", "cohort_news", "news"):
        op.drop_table(name)
