"""The tables of teaching, as they began."""

from alembic import op

from migrations.columns import (
    check,
    dates,
    decimals,
    flags,
    indexes,
    instants,
    integers,
    primary,
    reference,
    texts,
    unique,
)

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _courses()
    _learners()
    _terms()
    _class_sections()
    _class_confirmations()
    _enrolments()
    _line_items()
    _online_study()
    _sessions()
    _attendance()
    _marks()
    _modules_taken()


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "modules_taken",
        "marks",
        "attendance",
        "sessions",
        "online_study",
        "line_items",
        "enrolments",
        "class_confirmations",
        "class_sections",
        "terms",
        "learners",
        "courses",
    ):
        op.drop_table(name)


def _courses() -> None:
    op.create_table(
        "courses",
        *texts("id", "connection", "source_id", "code", "title"),
        primary("courses", "id"),
    )
    indexes("courses", "code")


def _learners() -> None:
    op.create_table(
        "learners",
        *texts("id", "connection", "source_id"),
        *texts("student_number", null=True),
        *flags("active"),
        primary("learners", "id"),
    )
    indexes("learners", "student_number")


def _terms() -> None:
    op.create_table(
        "terms",
        *texts("id", "connection", "source_id", "title"),
        *dates("starts_on", "ends_on"),
        primary("terms", "id"),
    )


def _class_sections() -> None:
    op.create_table(
        "class_sections",
        *texts("id", "connection", "source_id", "code", "title", "course_id"),
        *texts("term_id", null=True),
        primary("class_sections", "id"),
        reference("class_sections", "course_id", "courses.id"),
        reference("class_sections", "term_id", "terms.id"),
    )
    indexes("class_sections", "course_id", "source_id")


def _class_confirmations() -> None:
    op.create_table(
        "class_confirmations",
        *texts("id", "class_id", "status"),
        *dates("starts_on"),
        *dates("confirmed_on", null=True),
        primary("class_confirmations", "id"),
        check("class_confirmations", "status_known", "status IN ('planned', 'confirmed')"),
        reference("class_confirmations", "class_id", "class_sections.id"),
    )
    indexes("class_confirmations", "class_id")


def _enrolments() -> None:
    op.create_table(
        "enrolments",
        *texts("id", "class_id", "learner_id"),
        *flags("active"),
        primary("enrolments", "id"),
        reference("enrolments", "class_id", "class_sections.id"),
        reference("enrolments", "learner_id", "learners.id"),
    )
    indexes("enrolments", "class_id", "learner_id")


def _line_items() -> None:
    op.create_table(
        "line_items",
        *texts("id", "class_id", "title", "part"),
        *dates("due_on", null=True),
        primary("line_items", "id"),
        check("line_items", "part_known", "part IN ('formative', 'final', 'make-up', 'other')"),
        reference("line_items", "class_id", "class_sections.id"),
    )
    indexes("line_items", "class_id")


def _online_study() -> None:
    op.create_table(
        "online_study",
        *texts("id", "student_number"),
        *texts("class_id", null=True),
        *texts("activity", "verb"),
        *decimals("minutes", precision=10, scale=3),
        *instants("at"),
        *flags("voided"),
        primary("online_study", "id"),
        reference("online_study", "class_id", "class_sections.id"),
    )
    indexes("online_study", "student_number")


def _sessions() -> None:
    op.create_table(
        "sessions",
        *texts("id", "class_id"),
        *instants("starts_at"),
        *integers("minutes"),
        *flags("closed"),
        primary("sessions", "id"),
        reference("sessions", "class_id", "class_sections.id"),
    )
    indexes("sessions", "class_id")


def _attendance() -> None:
    op.create_table(
        "attendance",
        *texts("session_id", "student_number", "meaning"),
        primary("attendance", "session_id", "student_number"),
        check("attendance", "meaning_known", "meaning IN ('present', 'late', 'excused', 'absent')"),
        reference("attendance", "session_id", "sessions.id"),
    )
    indexes("attendance", "student_number")


def _marks() -> None:
    op.create_table(
        "marks",
        *texts("id", "line_item_id", "learner_id"),
        *decimals("score", precision=10, scale=3, null=True),
        *texts("score_status"),
        *dates("scored_on", null=True),
        primary("marks", "id"),
        reference("marks", "learner_id", "learners.id"),
        reference("marks", "line_item_id", "line_items.id"),
    )
    indexes("marks", "learner_id", "line_item_id")


def _modules_taken() -> None:
    op.create_table(
        "modules_taken",
        *texts("id", "participant_id", "module_id"),
        *texts("class_id", null=True),
        *texts("state"),
        *decimals("mark", precision=6, scale=1, null=True),
        *decimals("credits", precision=6, scale=1),
        *texts("rule"),
        *integers("held", "present", "late", "excused", "absent"),
        *decimals("online_minutes", precision=10, scale=3),
        *dates("decided_on", null=True),
        *texts("policy_version"),
        primary("modules_taken", "id"),
        check("modules_taken", "credits_earned", "(state IN ('passed', 'exempt')) = (credits > 0)"),
        check("modules_taken", "mark_range", "mark BETWEEN 0 AND 100"),
        check("modules_taken", "register_adds_up", "held = present + late + excused + absent"),
        check(
            "modules_taken",
            "state_known",
            "state IN ('enrolled', 'awaiting-result', 'awaiting-make-up', 'passed', 'failed', 'exempt', 'barred')",
        ),
        reference("modules_taken", "class_id", "class_sections.id"),
        reference("modules_taken", "module_id", "modules.id"),
        reference("modules_taken", "participant_id", "participants.id"),
        unique("modules_taken", "participant_id", "module_id"),
    )
    indexes("modules_taken", "class_id")
