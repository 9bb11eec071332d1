"""The tables of funding, as they began."""

from alembic import op

from migrations.columns import (
    check,
    dates,
    decimals,
    filtered_index,
    indexes,
    integers,
    primary,
    reference,
    texts,
    unique,
)

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _funding_sources()
    _awards()
    _payments()
    _ledger_lines()


def downgrade() -> None:
    """Drop the tables."""
    for name in ("ledger_lines", "payments", "awards", "funding_sources"):
        op.drop_table(name)


def _funding_sources() -> None:
    op.create_table(
        "funding_sources",
        *texts("id", "cohort_code", "source", "name", "trigger"),
        *decimals("amount", precision=14, scale=2),
        *integers("periods"),
        *integers("quota", null=True),
        *decimals("budget", precision=14, scale=2, null=True),
        *integers("granted_heads"),
        *decimals("granted_total", precision=14, scale=2),
        *dates("nearly_used_on", null=True),
        primary("funding_sources", "id"),
        check("funding_sources", "amount_positive", "amount > 0"),
        check("funding_sources", "budget_not_negative", "budget >= 0"),
        check("funding_sources", "periods_positive", "periods > 0"),
        check("funding_sources", "quota_not_negative", "quota >= 0"),
        check(
            "funding_sources",
            "source_known",
            "source IN ('union', 'school', 'enterprise', 'self', 'government', 'charity')",
        ),
        check("funding_sources", "trigger_known", "trigger IN ('yearly', 'registration', 'graduation')"),
        reference("funding_sources", "cohort_code", "cohorts.code"),
        unique("funding_sources", "cohort_code", "source", "trigger"),
    )


def _awards() -> None:
    op.create_table(
        "awards",
        *texts("id", "participant_id", "source_id", "period"),
        *decimals("amount", precision=14, scale=2),
        *dates("granted_on"),
        *texts("status"),
        primary("awards", "id"),
        check("awards", "amount_positive", "amount > 0"),
        check("awards", "status_known", "status IN ('granted', 'reversed')"),
        reference("awards", "participant_id", "participants.id"),
        reference("awards", "source_id", "funding_sources.id"),
        unique("awards", "participant_id", "source_id", "period"),
    )
    indexes("awards", "participant_id", "source_id")


def _payments() -> None:
    op.create_table(
        "payments",
        *texts("id", "award_id"),
        *integers("attempt"),
        *decimals("amount", precision=14, scale=2),
        *dates("ordered_on"),
        *texts("status"),
        *dates("settled_on", "returned_on", null=True),
        *texts("reason"),
        primary("payments", "id"),
        check("payments", "amount_positive", "amount > 0"),
        check("payments", "attempt_positive", "attempt > 0"),
        check("payments", "status_known", "status IN ('ordered', 'paid', 'returned')"),
        reference("payments", "award_id", "awards.id"),
        unique("payments", "award_id", "attempt"),
    )
    indexes("payments", "award_id")
    filtered_index("uq_payments_one_standing", "payments", "award_id", where="status <> 'returned'", unique=True)


def _ledger_lines() -> None:
    op.create_table(
        "ledger_lines",
        *texts("id", "award_id", "participant_id", "source", "period", "kind"),
        *integers("attempt"),
        *decimals("amount", precision=14, scale=2),
        *dates("booked_on"),
        *texts("reverses", "payment_id", null=True),
        primary("ledger_lines", "id"),
        check("ledger_lines", "amount_positive", "amount > 0"),
        check("ledger_lines", "kind_known", "kind IN ('award', 'payment', 'return', 'reversal')"),
        check("ledger_lines", "reverses_what", "(reverses IS NULL) = (kind IN ('award', 'payment'))"),
        check(
            "ledger_lines",
            "source_known",
            "source IN ('union', 'school', 'enterprise', 'self', 'government', 'charity')",
        ),
        reference("ledger_lines", "award_id", "awards.id"),
        reference("ledger_lines", "participant_id", "participants.id"),
        reference("ledger_lines", "payment_id", "payments.id"),
        reference("ledger_lines", "reverses", "ledger_lines.id"),
        unique("ledger_lines", "award_id", "kind", "attempt"),
        unique("ledger_lines", "reverses"),
    )
    indexes("ledger_lines", "award_id", "participant_id")
