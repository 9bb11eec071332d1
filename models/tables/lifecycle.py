"""Tables of the lifecycle: steps, waits, decisions of people, notices and applications.

Belongs here: where a cohort or participant stands and what it waits for. Does not: what was studied or paid.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from models.tables.base import Table, instant, one_of
from models.tables.organisations import STAGE_NAMES


class Step(Table, table=True):
    """A stay in a stage: of a participant, or of the cohort itself where `participant_id` is null."""

    __tablename__ = "steps"
    __table_args__ = (
        one_of("stage", (*STAGE_NAMES, "closed")),
        Index("uq_steps_stay", "cohort_code", text("coalesce(participant_id, '')"), "stage", unique=True),
    )

    id: str = Field(primary_key=True)
    cohort_code: str = Field(foreign_key="cohorts.code")
    participant_id: str | None = Field(default=None, foreign_key="participants.id", index=True)
    stage: str
    entered_on: date
    left_on: date | None = None


class Wait(Table, table=True):
    """Something awaited: on whom (a role and an organisation), for what, since when, until when.

    `subject` tells two waits of one kind apart (a class, a period). An episode ends with `resolved_on`.
    """

    __tablename__ = "waits"
    __table_args__ = (
        Index("uq_waits_episode", "cohort_code", text("coalesce(participant_id, '')"), "kind", "subject", "since",
              unique=True),
        Index("ix_waits_open", "due_on", sqlite_where=text("resolved_on IS NULL"),
              postgresql_where=text("resolved_on IS NULL")),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    cohort_code: str = Field(foreign_key="cohorts.code", index=True)
    participant_id: str | None = Field(default=None, foreign_key="participants.id", index=True)
    stage: str
    kind: str
    subject: str = ""
    holder: str
    holder_code: str | None = Field(default=None, foreign_key="organisations.code")
    since: date
    due_on: date | None = None
    provisional: bool = False
    resolved_on: date | None = None


class DecisionRequest(Table, table=True):
    """A question for a person in the inbox, and the answer: who, what, why, when, under which rules."""

    __tablename__ = "decisions"
    __table_args__ = (
        one_of("kind", ("review", "nominated-twice", "nominated-elsewhere", "recognition", "override")),
        one_of("answer", ("", "approve", "refuse")),
        CheckConstraint("(answer = '') = (decided_on IS NULL)", name="decided_when_answered"),
        CheckConstraint("answer = '' OR (decided_by <> '' AND reason <> '')", name="answered_by_whom_and_why"),
        Index("ix_decisions_open", "cohort_code", sqlite_where=text("answer = ''"),
              postgresql_where=text("answer = ''")),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    kind: str
    cohort_code: str = Field(foreign_key="cohorts.code")
    participant_id: str | None = Field(default=None, foreign_key="participants.id", index=True)
    nomination_id: str | None = Field(default=None, foreign_key="nominations.id")
    subject: str = ""
    question: str
    holder: str
    asked_on: date
    answer: str = ""
    reason: str = ""
    decided_by: str = ""
    decided_on: date | None = None
    policy_version: str = ""


class Notice(Table, table=True):
    """A public notice 公示 of approved nominees, from the day it hangs to the day it ends."""

    __tablename__ = "notices"
    __table_args__ = (CheckConstraint("ends_on >= published_on", name="ends_later"),)

    id: str = Field(primary_key=True)
    cohort_code: str = Field(foreign_key="cohorts.code", index=True)
    published_on: date
    ends_on: date


class NoticeEntry(Table, table=True):
    """A participant on a public notice."""

    __tablename__ = "notice_entries"

    notice_id: str = Field(foreign_key="notices.id", primary_key=True)
    participant_id: str = Field(foreign_key="participants.id", primary_key=True, unique=True)


class Objection(Table, table=True):
    """An objection to a name on a public notice, as the union settles it."""

    __tablename__ = "objections"
    __table_args__ = (one_of("status", ("open", "upheld", "dismissed")),)

    id: str = Field(primary_key=True)
    participant_id: str = Field(foreign_key="participants.id", index=True)
    raised_on: date
    status: str
    decided_on: date | None = None
    reason: str = ""


class Application(Table, table=True):
    """An application to the school and all it answers: admission, then the student number."""

    __tablename__ = "applications"
    __table_args__ = (one_of("status", ("sent", "pending", "admitted", "refused")),)

    id: str = Field(primary_key=True)
    participant_id: str = Field(foreign_key="participants.id", unique=True)
    sent_on: date
    status: str = "sent"
    reason: str = ""
    decided_on: date | None = None
    student_number: str | None = None
    registered_on: date | None = None


class Graduation(Table, table=True):
    """A request to the school for a diploma, once the credits are earned."""

    __tablename__ = "graduations"

    id: str = Field(primary_key=True)
    participant_id: str = Field(foreign_key="participants.id", unique=True)
    sent_on: date


class Alert(Table, table=True):
    """One episode of one stall, told once: raised, escalated in its thread, resolved by an edit.

    `openings` counts how often it opened, `held_until` is when one that flaps may be told; `told_level` and
    `told_people` are what the chat was last told of it (0 while it is held back), first at `told_at`; `revision` counts
    the edits of its message. `route` names the chat connection, `digest_id` the message it shares with others.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        one_of("status", ("open", "resolved")),
        one_of("severity", ("urgent", "warning", "info")),
        CheckConstraint("(status = 'open') = (resolved_on IS NULL)", name="resolved_when_over"),
        CheckConstraint("(acknowledged_by = '') = (acknowledged_on IS NULL)", name="acknowledged_by_whom"),
        Index("ix_alerts_open", "kind", sqlite_where=text("status = 'open'"), postgresql_where=text("status = 'open'")),
    )

    id: str = Field(primary_key=True)
    cohort_code: str | None = Field(default=None, foreign_key="cohorts.code", index=True)
    kind: str
    stage: str = ""
    holder: str
    holder_code: str | None = Field(default=None, foreign_key="organisations.code")
    subject: str = ""
    severity: str = "warning"
    since: date
    due_on: date | None = None
    people: int
    level: int
    status: str = "open"
    raised_on: date
    openings: int = 1
    held_until: date | None = None
    resolved_on: date | None = None
    acknowledged_by: str = ""
    acknowledged_on: date | None = None
    snoozed_until: date | None = None
    told_level: int = 0
    told_people: int = 0
    told_at: datetime | None = instant(default=None, index=True)
    revision: int = 0
    route: str = ""
    digest_id: str | None = Field(default=None, index=True)
    channel: str = ""
    ts: str = ""


class AlertWait(Table, table=True):
    """The waits an alert speaks of."""

    __tablename__ = "alert_waits"

    alert_id: str = Field(foreign_key="alerts.id", primary_key=True)
    wait_id: str = Field(foreign_key="waits.id", primary_key=True)


class AlertPress(Table, table=True):
    """A button of an alert, pressed in the chat: recorded before anything is done, so that a crash loses none.

    `waiting` until its work is done; `attempts` counts the beginnings of that work, `outcome` says how it ended.
    """

    __tablename__ = "presses"
    __table_args__ = (
        one_of("action", ("acknowledge", "snooze", "retry")),
        one_of("status", ("waiting", "done", "failed")),
        Index("ix_presses_waiting", "key", sqlite_where=text("status = 'waiting'"),
              postgresql_where=text("status = 'waiting'")),
    )  # fmt: skip

    key: str = Field(primary_key=True)
    alert_id: str = Field(foreign_key="alerts.id", index=True)
    action: str
    actor: str
    pressed_at: datetime = instant()
    on: date
    status: str = "waiting"
    attempts: int = 0
    outcome: str = ""
