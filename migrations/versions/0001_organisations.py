"""The tables of organisations, as they began."""

from alembic import op

from migrations.columns import (
    check,
    dates,
    decimals,
    flags,
    indexes,
    integers,
    primary,
    reference,
    texts,
    unique,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _organisations()
    _programmes()
    _modules()
    _projects()
    _cohorts()
    _cohort_enterprises()
    _cohort_windows()


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "cohort_windows",
        "cohort_enterprises",
        "cohorts",
        "projects",
        "modules",
        "programmes",
        "organisations",
    ):
        op.drop_table(name)


def _organisations() -> None:
    op.create_table(
        "organisations",
        *texts("code", length=18),
        *texts("name"),
        primary("organisations", "code"),
        check("organisations", "code_length", "length(code) = 18"),
    )


def _programmes() -> None:
    op.create_table(
        "programmes",
        *texts("id", "code", "edition", "name", "level"),
        *decimals("credits_to_graduate", precision=6, scale=1),
        *integers("terms"),
        *texts("occupation"),
        *integers("skill_level"),
        primary("programmes", "id"),
        check("programmes", "credits_positive", "credits_to_graduate > 0"),
        check("programmes", "level_known", "level IN ('junior-college', 'bachelor')"),
        check("programmes", "skill_level_range", "skill_level BETWEEN 1 AND 5"),
        check("programmes", "terms_positive", "terms > 0"),
    )


def _modules() -> None:
    op.create_table(
        "modules",
        *texts("id", "programme_id", "code", "name"),
        *decimals("credits", precision=6, scale=1),
        *texts("kind"),
        *integers("term"),
        *decimals("formative_share", precision=5, scale=4),
        *flags("each_part"),
        primary("modules", "id"),
        check("modules", "credits_positive", "credits > 0"),
        check("modules", "formative_share_range", "formative_share BETWEEN 0.2 AND 1"),
        check("modules", "kind_known", "kind IN ('compulsory', 'elective', 'practice', 'thesis')"),
        reference("modules", "programme_id", "programmes.id"),
        unique("modules", "programme_id", "code"),
    )
    indexes("modules", "programme_id")


def _projects() -> None:
    op.create_table(
        "projects",
        *texts("code", "name", "federation_code"),
        primary("projects", "code"),
        reference("projects", "federation_code", "organisations.code"),
    )


def _cohorts() -> None:
    op.create_table(
        "cohorts",
        *texts("code", "name", "project_code", "programme_id"),
        *dates("starts_on", "nomination_opens_on"),
        *integers("quota"),
        *texts("stage"),
        *dates("stage_entered_on"),
        *texts("school_code", "centre_code", "union_code", "assessor_code", "finance_code", "federation_code"),
        primary("cohorts", "code"),
        check("cohorts", "opens_before_start", "nomination_opens_on <= starts_on"),
        check("cohorts", "quota_positive", "quota > 0"),
        check(
            "cohorts",
            "stage_known",
            "stage IN ('nomination', 'review', 'public_notice', 'admission', 'registration', 'teaching', 'exams', 'recognition', 'certification', 'closed')",
        ),
        reference("cohorts", "assessor_code", "organisations.code"),
        reference("cohorts", "centre_code", "organisations.code"),
        reference("cohorts", "federation_code", "organisations.code"),
        reference("cohorts", "finance_code", "organisations.code"),
        reference("cohorts", "programme_id", "programmes.id"),
        reference("cohorts", "project_code", "projects.code"),
        reference("cohorts", "school_code", "organisations.code"),
        reference("cohorts", "union_code", "organisations.code"),
    )


def _cohort_enterprises() -> None:
    op.create_table(
        "cohort_enterprises",
        *texts("cohort_code", "enterprise_code", "supervisor"),
        primary("cohort_enterprises", "cohort_code", "enterprise_code"),
        reference("cohort_enterprises", "cohort_code", "cohorts.code"),
        reference("cohort_enterprises", "enterprise_code", "organisations.code"),
    )


def _cohort_windows() -> None:
    op.create_table(
        "cohort_windows",
        *texts("cohort_code", "name"),
        *dates("closes_on"),
        primary("cohort_windows", "cohort_code", "name"),
        reference("cohort_windows", "cohort_code", "cohorts.code"),
    )
    indexes("cohort_windows", "closes_on")
