"""The tables of people, as they began."""

from alembic import op

from migrations.columns import (
    check,
    dates,
    decimals,
    filtered_index,
    flags,
    indexes,
    instants,
    integers,
    primary,
    reference,
    texts,
    unique,
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _workers()
    _consents()
    _documents()
    _employments()
    _leaves()
    _participants()
    _nominations()


def downgrade() -> None:
    """Drop the tables."""
    for name in ("nominations", "participants", "leaves", "employments", "documents", "consents", "workers"):
        op.drop_table(name)


def _workers() -> None:
    op.create_table(
        "workers",
        *texts("id", "name", "sex"),
        *dates("birth_on"),
        *texts("resident_id", "resident_id_hash", "resident_id_masked"),
        *texts("mobile", "mobile_hash", "bank_card", "bank_card_hash", null=True),
        *dates("bank_card_changed_on", null=True),
        *texts("household", null=True),
        *dates("household_as_of", null=True),
        *texts("education", null=True),
        primary("workers", "id"),
        check("workers", "household_known", "household IS NULL OR household IN ('rural', 'urban')"),
        check("workers", "sex_known", "sex IN ('male', 'female')"),
        unique("workers", "resident_id_hash"),
    )
    indexes("workers", "mobile_hash")


def _consents() -> None:
    op.create_table(
        "consents",
        *texts("id", "worker_id", "kind", "text_version"),
        *instants("given_at"),
        *instants("withdrawn_at", null=True),
        primary("consents", "id"),
        check("consents", "kind_known", "kind IN ('sensitive', 'school', 'notice')"),
        reference("consents", "worker_id", "workers.id"),
    )
    indexes("consents", "worker_id")


def _documents() -> None:
    op.create_table(
        "documents",
        *texts("id", "worker_id", "kind", "value"),
        *dates("as_of"),
        primary("documents", "id"),
        check("documents", "kind_known", "kind IN ('household', 'education', 'bank-card', 'mobile')"),
        reference("documents", "worker_id", "workers.id"),
    )
    indexes("documents", "worker_id")


def _employments() -> None:
    op.create_table(
        "employments",
        *texts("id", "connection", "enterprise_code", "employee_number"),
        *texts("worker_id", null=True),
        *flags("active"),
        *dates("left_on", null=True),
        *instants("changed_at", null=True),
        primary("employments", "id"),
        reference("employments", "enterprise_code", "organisations.code"),
        reference("employments", "worker_id", "workers.id"),
    )
    indexes("employments", "employee_number", "worker_id")


def _leaves() -> None:
    op.create_table(
        "leaves",
        *texts("id", "worker_id", "kind"),
        *dates("starts_on", "ends_on"),
        *texts("status"),
        *decimals("hours", precision=10, scale=3),
        primary("leaves", "id"),
        check("leaves", "status_known", "status IN ('approved', 'pending', 'refused')"),
        reference("leaves", "worker_id", "workers.id"),
    )
    indexes("leaves", "worker_id")


def _participants() -> None:
    op.create_table(
        "participants",
        *texts("id", "cohort_code", "worker_id", "enterprise_code"),
        *texts("employee_number", null=True),
        *flags("union_member", null=True),
        *dates("hired_on", null=True),
        *dates("nominated_on"),
        *texts("stage"),
        *dates("stage_entered_on"),
        *texts("status", "rule", "reason"),
        *dates("ended_on", null=True),
        *texts("student_number", null=True),
        *dates("registered_on", "graduated_on", null=True),
        primary("participants", "id"),
        check("participants", "ended_when_over", "(status IN ('active', 'held')) = (ended_on IS NULL)"),
        check(
            "participants",
            "stage_known",
            "stage IN ('nomination', 'review', 'public_notice', 'admission', 'registration', 'teaching', 'exams', 'recognition', 'certification')",
        ),
        check(
            "participants",
            "status_known",
            "status IN ('active', 'held', 'refused', 'withdrawn', 'completed', 'incomplete')",
        ),
        reference("participants", "cohort_code", "cohorts.code"),
        reference("participants", "enterprise_code", "organisations.code"),
        reference("participants", "worker_id", "workers.id"),
        unique("participants", "cohort_code", "worker_id"),
        unique("participants", "student_number"),
    )
    indexes("participants", "cohort_code", "employee_number", "worker_id")
    filtered_index("uq_participants_one_active", "participants", "worker_id", where="status = 'active'", unique=True)
    filtered_index("ix_participants_active", "participants", "cohort_code", where="status = 'active'")


def _nominations() -> None:
    op.create_table(
        "nominations",
        *texts("id", "cohort_code", "enterprise_code"),
        *texts("participant_id", "worker_id", null=True),
        *texts("source"),
        *integers("row"),
        *texts("name"),
        *texts("resident_id_hash", null=True),
        *texts("status", "rules", "reasons", "policy_version"),
        *dates("nominated_on"),
        *texts("payload"),
        primary("nominations", "id"),
        check("nominations", "status_known", "status IN ('accepted', 'held', 'refused')"),
        reference("nominations", "cohort_code", "cohorts.code"),
        reference("nominations", "enterprise_code", "organisations.code"),
        reference("nominations", "participant_id", "participants.id"),
        reference("nominations", "worker_id", "workers.id"),
    )
    indexes("nominations", "cohort_code", "participant_id", "resident_id_hash")
