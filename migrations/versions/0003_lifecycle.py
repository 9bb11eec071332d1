"""The tables of lifecycle, as they began."""

import sqlalchemy as sa
from alembic import op

from migrations.columns import (
    check,
    dates,
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

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _alerts()
    _notices()
    _applications()
    _graduations()
    _notice_entries()
    _objections()
    _steps()
    _waits()
    _alert_waits()
    _decisions()
    _presses()


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "presses",
        "decisions",
        "alert_waits",
        "waits",
        "steps",
        "objections",
        "notice_entries",
        "graduations",
        "applications",
        "notices",
        "alerts",
    ):
        op.drop_table(name)


def _alerts() -> None:
    op.create_table(
        "alerts",
        *texts("id"),
        *texts("cohort_code", null=True),
        *texts("kind", "stage", "holder"),
        *texts("holder_code", null=True),
        *texts("subject", "severity"),
        *dates("since"),
        *dates("due_on", null=True),
        *integers("people", "level"),
        *texts("status"),
        *dates("raised_on"),
        *integers("openings"),
        *dates("held_until", "resolved_on", null=True),
        *texts("acknowledged_by"),
        *dates("acknowledged_on", "snoozed_until", null=True),
        *integers("told_level", "told_people"),
        *instants("told_at", null=True),
        *integers("revision"),
        *texts("route"),
        *texts("digest_id", null=True),
        *texts("channel", "ts"),
        primary("alerts", "id"),
        check("alerts", "acknowledged_by_whom", "(acknowledged_by = '') = (acknowledged_on IS NULL)"),
        check("alerts", "resolved_when_over", "(status = 'open') = (resolved_on IS NULL)"),
        check("alerts", "severity_known", "severity IN ('urgent', 'warning', 'info')"),
        check("alerts", "status_known", "status IN ('open', 'resolved')"),
        reference("alerts", "cohort_code", "cohorts.code"),
        reference("alerts", "holder_code", "organisations.code"),
    )
    indexes("alerts", "cohort_code", "digest_id", "told_at")
    filtered_index("ix_alerts_open", "alerts", "kind", where="status = 'open'")


def _notices() -> None:
    op.create_table(
        "notices",
        *texts("id", "cohort_code"),
        *dates("published_on", "ends_on"),
        primary("notices", "id"),
        check("notices", "ends_later", "ends_on >= published_on"),
        reference("notices", "cohort_code", "cohorts.code"),
    )
    indexes("notices", "cohort_code")


def _applications() -> None:
    op.create_table(
        "applications",
        *texts("id", "participant_id"),
        *dates("sent_on"),
        *texts("status", "reason"),
        *dates("decided_on", null=True),
        *texts("student_number", null=True),
        *dates("registered_on", null=True),
        primary("applications", "id"),
        check("applications", "status_known", "status IN ('sent', 'pending', 'admitted', 'refused')"),
        reference("applications", "participant_id", "participants.id"),
        unique("applications", "participant_id"),
    )


def _graduations() -> None:
    op.create_table(
        "graduations",
        *texts("id", "participant_id"),
        *dates("sent_on"),
        primary("graduations", "id"),
        reference("graduations", "participant_id", "participants.id"),
        unique("graduations", "participant_id"),
    )


def _notice_entries() -> None:
    op.create_table(
        "notice_entries",
        *texts("notice_id", "participant_id"),
        primary("notice_entries", "notice_id", "participant_id"),
        reference("notice_entries", "notice_id", "notices.id"),
        reference("notice_entries", "participant_id", "participants.id"),
        unique("notice_entries", "participant_id"),
    )


def _objections() -> None:
    op.create_table(
        "objections",
        *texts("id", "participant_id"),
        *dates("raised_on"),
        *texts("status"),
        *dates("decided_on", null=True),
        *texts("reason"),
        primary("objections", "id"),
        check("objections", "status_known", "status IN ('open', 'upheld', 'dismissed')"),
        reference("objections", "participant_id", "participants.id"),
    )
    indexes("objections", "participant_id")


def _steps() -> None:
    op.create_table(
        "steps",
        *texts("id", "cohort_code"),
        *texts("participant_id", null=True),
        *texts("stage"),
        *dates("entered_on"),
        *dates("left_on", null=True),
        primary("steps", "id"),
        check(
            "steps",
            "stage_known",
            "stage IN ('nomination', 'review', 'public_notice', 'admission', 'registration', 'teaching', 'exams', 'recognition', 'certification', 'closed')",
        ),
        reference("steps", "cohort_code", "cohorts.code"),
        reference("steps", "participant_id", "participants.id"),
    )
    indexes("steps", "participant_id")
    op.create_index(
        "uq_steps_stay", "steps", ["cohort_code", sa.text("coalesce(participant_id, '')"), "stage"], unique=True
    )


def _waits() -> None:
    op.create_table(
        "waits",
        *texts("id", "cohort_code"),
        *texts("participant_id", null=True),
        *texts("stage", "kind", "subject", "holder"),
        *texts("holder_code", null=True),
        *dates("since"),
        *dates("due_on", null=True),
        *flags("provisional"),
        *dates("resolved_on", null=True),
        primary("waits", "id"),
        reference("waits", "cohort_code", "cohorts.code"),
        reference("waits", "holder_code", "organisations.code"),
        reference("waits", "participant_id", "participants.id"),
    )
    indexes("waits", "cohort_code", "participant_id")
    filtered_index("ix_waits_open", "waits", "due_on", where="resolved_on IS NULL")
    op.create_index(
        "uq_waits_episode",
        "waits",
        ["cohort_code", sa.text("coalesce(participant_id, '')"), "kind", "subject", "since"],
        unique=True,
    )


def _alert_waits() -> None:
    op.create_table(
        "alert_waits",
        *texts("alert_id", "wait_id"),
        primary("alert_waits", "alert_id", "wait_id"),
        reference("alert_waits", "alert_id", "alerts.id"),
        reference("alert_waits", "wait_id", "waits.id"),
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        *texts("id", "kind", "cohort_code"),
        *texts("participant_id", "nomination_id", null=True),
        *texts("subject", "question", "holder"),
        *dates("asked_on"),
        *texts("answer", "reason", "decided_by"),
        *dates("decided_on", null=True),
        *texts("policy_version"),
        primary("decisions", "id"),
        check("decisions", "answer_known", "answer IN ('', 'approve', 'refuse')"),
        check("decisions", "answered_by_whom_and_why", "answer = '' OR (decided_by <> '' AND reason <> '')"),
        check("decisions", "decided_when_answered", "(answer = '') = (decided_on IS NULL)"),
        check(
            "decisions",
            "kind_known",
            "kind IN ('review', 'nominated-twice', 'nominated-elsewhere', 'recognition', 'override')",
        ),
        reference("decisions", "cohort_code", "cohorts.code"),
        reference("decisions", "nomination_id", "nominations.id"),
        reference("decisions", "participant_id", "participants.id"),
    )
    indexes("decisions", "participant_id")
    filtered_index("ix_decisions_open", "decisions", "cohort_code", where="answer = ''")


def _presses() -> None:
    op.create_table(
        "presses",
        *texts("key", "alert_id", "action", "actor"),
        *instants("pressed_at"),
        *dates("on"),
        *texts("status"),
        *integers("attempts"),
        *texts("outcome"),
        primary("presses", "key"),
        check("presses", "action_known", "action IN ('acknowledge', 'snooze', 'retry')"),
        check("presses", "status_known", "status IN ('waiting', 'done', 'failed')"),
        reference("presses", "alert_id", "alerts.id"),
    )
    indexes("presses", "alert_id")
    filtered_index("ix_presses_waiting", "presses", "key", where="status = 'waiting'")
