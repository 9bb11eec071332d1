"""The database itself refuses what must not be: every key and every check is tried with a row that breaks it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Connection, Engine, UniqueConstraint, insert, select, update
from sqlalchemy import Table as SaTable
from sqlalchemy.exc import IntegrityError

from models.tables import METADATA
from tests.models.tables.rows import CARD, DAY, ID_NUMBER, MOBILE

NOWHERE = "nowhere-at-all"
GUARDED = ("audit_events", "ledger_lines")
TABLES = METADATA.tables

# The columns changed in a row that was valid; the name is the check's own.
BROKEN: dict[str, dict[str, Any]] = {
    "ck_organisations_code_length": {"code": "123"},
    "ck_programmes_credits_positive": {"credits_to_graduate": 0},
    "ck_programmes_level_known": {"level": "doctor"},
    "ck_programmes_skill_level_range": {"skill_level": 6},
    "ck_programmes_terms_positive": {"terms": 0},
    "ck_modules_credits_positive": {"credits": 0},
    "ck_modules_formative_share_range": {"formative_share": 0.1},
    "ck_modules_kind_known": {"kind": "hobby"},
    "ck_cohorts_opens_before_start": {"nomination_opens_on": DAY.replace(year=2027)},
    "ck_cohorts_quota_positive": {"quota": 0},
    "ck_cohorts_stage_known": {"stage": "graduation"},
    "ck_workers_sex_known": {"sex": "?"},
    "ck_workers_household_known": {"household": "village"},
    "ck_participants_stage_known": {"stage": "closed"},
    "ck_participants_status_known": {"status": "gone", "ended_on": DAY},
    "ck_participants_ended_when_over": {"status": "withdrawn"},
    "ck_nominations_status_known": {"status": "maybe"},
    "ck_consents_kind_known": {"kind": "everything"},
    "ck_documents_kind_known": {"kind": "photograph"},
    "ck_leaves_status_known": {"status": "taken"},
    "ck_steps_stage_known": {"stage": "graduation"},
    "ck_decisions_kind_known": {"kind": "whim"},
    "ck_decisions_answer_known": {"answer": "later", "decided_on": DAY, "decided_by": "someone", "reason": "so"},
    "ck_decisions_decided_when_answered": {"answer": "approve", "decided_by": "someone", "reason": "so"},
    "ck_decisions_answered_by_whom_and_why": {"answer": "approve", "decided_on": DAY, "decided_by": "someone"},
    "ck_notices_ends_later": {"ends_on": DAY.replace(day=1, month=8)},
    "ck_objections_status_known": {"status": "shouted"},
    "ck_applications_status_known": {"status": "lost"},
    "ck_sync_cursors_status_known": {"status": "lost"},
    "ck_source_nights_failing_since_when": {"failed_nights": 1},
    "ck_alerts_status_known": {"status": "loud", "resolved_on": DAY},
    "ck_alerts_resolved_when_over": {"status": "resolved"},
    "ck_alerts_severity_known": {"severity": "dire"},
    "ck_alerts_acknowledged_by_whom": {"acknowledged_by": "someone"},
    "ck_presses_action_known": {"action": "delete"},
    "ck_presses_status_known": {"status": "lost"},
    "ck_class_confirmations_status_known": {"status": "perhaps"},
    "ck_line_items_part_known": {"part": "bonus"},
    "ck_attendance_meaning_known": {"meaning": "asleep"},
    "ck_modules_taken_state_known": {"state": "skipped", "credits": 0},
    "ck_modules_taken_mark_range": {"mark": 100.1},
    "ck_modules_taken_credits_earned": {"state": "failed"},
    "ck_modules_taken_register_adds_up": {"held": 3},
    "ck_skill_assessments_status_known": {"status": "pending"},
    "ck_skill_assessments_level_range": {"level": 0},
    "ck_recognitions_status_known": {"status": "asked", "credits": 0},
    "ck_recognitions_credits_when_granted": {"credits": 0},
    "ck_recognitions_granted_for_a_module": {"module_id": None},
    "ck_recognitions_refused_by_a_rule": {"rule": "recognition-cap"},
    "ck_certificates_kind_known": {"kind": "medal"},
    "ck_funding_sources_source_known": {"source": "lottery"},
    "ck_funding_sources_trigger_known": {"trigger": "weekly"},
    "ck_funding_sources_amount_positive": {"amount": 0},
    "ck_funding_sources_periods_positive": {"periods": 0},
    "ck_funding_sources_quota_not_negative": {"quota": -1},
    "ck_funding_sources_budget_not_negative": {"budget": -1},
    "ck_awards_status_known": {"status": "promised"},
    "ck_awards_amount_positive": {"amount": 0},
    "ck_ledger_lines_kind_known": {"kind": "gift", "reverses": "LL-1"},
    "ck_ledger_lines_source_known": {"source": "lottery"},
    "ck_ledger_lines_amount_positive": {"amount": -1},
    "ck_ledger_lines_reverses_what": {"kind": "payment", "reverses": "LL-1"},
    "ck_payments_status_known": {"status": "burnt"},
    "ck_payments_attempt_positive": {"attempt": 0},
    "ck_payments_amount_positive": {"amount": 0},
    "ck_outbox_status_known": {"status": "flying"},
}  # fmt: skip

# What a second row changes beside its primary key, so that it meets the first in this key alone.
DOUBLED: dict[str, dict[str, Any]] = {
    "uq_modules_programme_id_code": {},
    "uq_workers_resident_id_hash": {},
    "uq_participants_cohort_code_worker_id": {"student_number": None, "status": "held"},
    "uq_participants_student_number": {"worker_id": "W-2", "status": "held"},
    "uq_participants_one_active": {"cohort_code": "WX-2026B", "student_number": None},
    "uq_steps_stay": {},
    "uq_waits_episode": {},
    "uq_notice_entries_participant_id": {"notice_id": "N-2"},
    "uq_applications_participant_id": {},
    "uq_graduations_participant_id": {},
    "uq_modules_taken_participant_id_module_id": {},
    "uq_skill_assessments_participant_id": {},
    "uq_recognitions_participant_id_outcome_id": {"status": "refused", "rule": "r", "credits": 0},
    "uq_recognitions_one_grant": {"outcome_id": "OC-2"},
    "uq_certificates_number": {"kind": "diploma"},
    "uq_certificates_participant_id_kind": {"number": "Y000132000123254000002"},
    "uq_funding_sources_cohort_code_source_trigger": {},
    "uq_awards_participant_id_source_id_period": {},
    "uq_ledger_lines_award_id_kind_attempt": {},
    "uq_ledger_lines_reverses": {"kind": "reversal", "reverses": "LL-2"},
    "uq_payments_award_id_attempt": {"status": "returned"},
    "uq_payments_one_standing": {"attempt": 2},
    "uq_quarantine_connection_stream_source_id": {},
    "uq_audit_events_key": {},
}  # fmt: skip


def checks() -> Iterator[str]:
    for table in TABLES.values():
        yield from (str(one.name) for one in table.constraints if isinstance(one, CheckConstraint))


def unique_keys() -> Iterator[str]:
    for table in TABLES.values():
        yield from (str(one.name) for one in table.constraints if isinstance(one, UniqueConstraint))
        yield from (str(index.name) for index in table.indexes if index.unique)


def table_of(name: str) -> SaTable:
    """The table whose name a constraint's own begins with: the longest that fits."""
    rest = name.split("_", 1)[1]
    return TABLES[max((table for table in TABLES if rest.startswith(f"{table}_")), key=len)]


def first_row(connection: Connection, table: SaTable) -> dict[str, Any]:
    return dict(connection.execute(select(table).order_by(*table.primary_key)).mappings().first() or {})


def anew(table: SaTable, row: dict[str, Any]) -> dict[str, Any]:
    """A copy of a row under another primary key."""
    return {**row, "id": 10**6 if table.name == "audit_events" else "another"} if "id" in row else dict(row)


def refused(engine: Engine, table: SaTable, name: str, change: Any) -> str:
    """The database's own words for why it refuses a change in a transaction of its own."""
    with pytest.raises(IntegrityError) as refusal, engine.begin() as connection:
        change(connection, first_row(connection, table))
    said = str(refusal.value.orig)
    if engine.dialect.name == "postgresql":
        assert f'"{name}"' in said
    return said


def test_every_check_and_every_unique_key_is_tried_here() -> None:
    assert sorted(BROKEN) == sorted(checks())
    assert sorted(DOUBLED) == sorted(unique_keys())


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_row_that_breaks_a_check_is_refused(filled: Engine, name: str) -> None:
    table = table_of(name)

    def break_it(connection: Connection, row: dict[str, Any]) -> None:
        connection.execute(insert(table).values({**anew(table, row), **BROKEN[name]}))

    said = refused(filled, table, name, break_it)
    assert filled.dialect.name == "postgresql" or said == f"CHECK constraint failed: {name}"


@pytest.mark.parametrize("name", sorted(DOUBLED))
def test_a_second_row_of_a_unique_key_is_refused(filled: Engine, name: str) -> None:
    table = table_of(name)

    def double_it(connection: Connection, row: dict[str, Any]) -> None:
        connection.execute(insert(table).values({**anew(table, row), **DOUBLED[name]}))

    said = refused(filled, table, name, double_it)
    assert filled.dialect.name == "postgresql" or "UNIQUE" in said


def foreign_keys() -> Iterator[tuple[str, str]]:
    for table in TABLES.values():
        for one in table.foreign_key_constraints:
            yield table.name, one.column_keys[0]


@pytest.mark.parametrize(("name", "column"), sorted(foreign_keys()))
def test_a_row_that_points_nowhere_is_refused_at_commit(filled: Engine, name: str, column: str) -> None:
    table = TABLES[name]

    def point_nowhere(connection: Connection, row: dict[str, Any]) -> None:
        nowhere = {column: NOWHERE}
        if name in GUARDED:
            other = {"kind": "reversal", "reverses": "LL-1", "attempt": 9, "period": "year-9"}
            connection.execute(insert(table).values({**anew(table, row), **other, **nowhere}))
        else:
            key = [one == row[one.name] for one in table.primary_key]
            connection.execute(update(table).where(*key).values(nowhere))

    said = refused(filled, table, f"fk_{name}_{column}", point_nowhere)
    assert filled.dialect.name == "postgresql" or said == "FOREIGN KEY constraint failed"


def test_a_worker_may_take_part_again_once_the_first_participation_is_over(filled: Engine) -> None:
    """The key over active participations holds nobody back for ever."""
    participants, cohorts = TABLES["participants"], TABLES["cohorts"]
    with filled.connect() as connection:
        other_cohort = {**first_row(connection, cohorts), "code": "WX-2026B"}
        connection.execute(insert(cohorts).values(other_cohort))
        again = {**anew(participants, first_row(connection, participants)), "cohort_code": "WX-2026B"}
        connection.execute(update(participants).values(status="withdrawn", ended_on=DAY))
        connection.execute(insert(participants).values({**again, "student_number": None}))
        assert len(connection.execute(select(participants.c.id)).all()) == 2
        connection.rollback()


def test_a_returned_payment_makes_room_for_the_next(filled: Engine) -> None:
    payments = TABLES["payments"]
    with filled.connect() as connection:
        again = {**anew(payments, first_row(connection, payments)), "attempt": 2}
        connection.execute(update(payments).values(status="returned"))
        connection.execute(insert(payments).values(again))
        assert len(connection.execute(select(payments.c.id)).all()) == 2
        connection.rollback()


@pytest.mark.parametrize("change", [{}, {"resident_id_hash": "h2", "sex": "?"}], ids=["doubled", "unchecked"])
def test_an_error_of_the_database_shows_no_value_of_a_row(filled: Engine, change: dict[str, str]) -> None:
    """Not even the database's own words, which would quote the row that failed."""
    workers = TABLES["workers"]
    with pytest.raises(IntegrityError) as refusal, filled.begin() as connection:
        row = first_row(connection, workers)
        connection.execute(insert(workers).values({**row, **change, "id": "another", "name": "王小明"}))
    told = f"{refusal.value} {refusal.value!r} {refusal.value.orig} {refusal.value.orig!r}"
    assert "hidden" in told
    for secret in (ID_NUMBER, CARD, MOBILE, "王小明", "高建国"):
        assert secret not in told
