"""The engine: moves participants as far as today's evidence carries them, then their cohort.

Belongs here: the order of stages and the transaction of one cohort. Does not: any stage's decision.
"""

import logging
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from types import ModuleType
from typing import Any

from sqlmodel import Session

from connectors.logs import about_cohort
from models.clock import business_date
from models.identity import make_id
from models.rules.cohorts import cohort_stage, stages_between
from models.rules.today import Today
from models.tables.lifecycle import Step
from models.tables.organisations import Cohort
from models.tables.people import Participant
from tasks import (
    admission,
    certification,
    exams,
    funding,
    nomination,
    public_notice,
    recognition,
    registration,
    review,
    teaching,
    withdrawal,
)  # fmt: skip
from tasks.board import Board
from tasks.errors import BadInput
from tasks.news import Glance, has_changed
from tasks.office import office, unit_of_work
from tasks.step import AGAIN, broken_at, is_of_the_database, step

STAGE_TASKS: Mapping[str, ModuleType] = {
    "nomination": nomination, "review": review, "public_notice": public_notice, "admission": admission,
    "registration": registration, "teaching": teaching, "exams": exams, "recognition": recognition,
    "certification": certification,
}  # fmt: skip

OPEN = ("active", "held")
AFTER_NOTICE = ("admission", "registration")
BEFORE_TEACHING = ("nomination", "review", "public_notice", "admission", "registration")

logger = logging.getLogger(__name__)


@step(name="advance-cohorts", retries=AGAIN)
async def advance_cohorts(codes: list[str], as_of: date | None = None) -> dict[str, Any]:
    """Advance a batch of cohorts, news or not, each in its own transaction; give where each stands."""
    return {code: advance(code, business_date(as_of)) for code in codes}


@step(name="advance-cohorts", retries=AGAIN)
async def advance_what_can(codes: list[str], as_of: date | None = None) -> dict[str, Any]:
    """Advance a batch as `advance_cohorts` does; one that breaks keeps no other from it, and stands as what broke where.

    What is of the database as a whole is raised: nothing of a cohort is to blame for it.
    """
    told: dict[str, Any] = {}
    for code in codes:
        try:
            told[code] = advance(code, business_date(as_of))
        except Exception as error:
            if is_of_the_database(error):
                raise
            logger.error("cohort %s could not be advanced", code, exc_info=error)
            told[code] = {"broken": broken_at(error)}
    return told


def advance(code: str, today: date) -> dict[str, Any]:
    """Move one cohort as far as the evidence known today carries it; running it twice changes nothing."""
    with about_cohort(code), unit_of_work() as session:
        return look_at(session, code, today)


def look_at(session: Session, code: str, today: date) -> dict[str, Any]:
    """Advance a cohort within a transaction, and keep how it was looked at. Raises BadInput for one that is not there."""
    cohort = session.get(Cohort, code, with_for_update=True)
    if cohort is None:
        raise BadInput(f"there is no cohort {code}: see `yuanmeng cohort list`")
    glance = Glance(session, code, today)
    board = Board(session, cohort, today, office().calendar, office().policies)
    _carry(board)
    board.finish_waits()
    moved = has_changed(session)
    missed = glance.keep(changes_on(board), moved)
    return {"stage": cohort.stage, "waits": len(board.declared), "missed": missed}


def changes_on(board: Board) -> date | None:
    """Give the first day to come on which a rule may decide otherwise though nothing is new; None for no day.

    All is decided once more on the same evidence, by a day that remembers what it is compared with. Nothing comes of
    that; were it otherwise, the cohort is looked at again tomorrow.
    """
    asking = Today(board.today)
    rehearsal = board.again(asking)
    with board.session.begin_nested() as attempt:
        board.session.info["wrote"] = False
        _carry(rehearsal)
        if has_changed(board.session) or not rehearsal.awaits_what(board):
            attempt.rollback()
            return board.today + timedelta(days=1)
    return asking.changes_on


def _carry(board: Board) -> None:
    """Move everybody, publish what hangs from today, settle the money, and let the cohort follow."""
    _move_participants(board)
    public_notice.publish(board)
    funding.settle(board)
    _move_cohort(board)


def _move_participants(board: Board) -> None:
    """First everyone as far as the school's door, then the study: it is gathered once all are registered."""
    for participant in board.participants:
        registration.follow(board, participant)
    for participant in board.participants:
        if participant.status in OPEN:
            withdrawal.settle(board, participant)
        if participant.status in OPEN:
            certification.lapse(board, participant)
        if participant.status in OPEN and participant.stage in BEFORE_TEACHING and _is_undisputed(board, participant):
            _move(board, participant, BEFORE_TEACHING)
    for participant in board.participants:
        if participant.status in OPEN:
            recognition.ask(board, participant)
        teaching.derive(board, participant)
        if participant.status in OPEN and participant.stage not in BEFORE_TEACHING:
            _move(board, participant, STAGE_TASKS.keys())
    teaching.watch_classes(board)


def _is_undisputed(board: Board, participant: Participant) -> bool:
    """Whether no objection stands against a name that has gone on from the public notice."""
    return participant.stage not in AFTER_NOTICE or public_notice.reconsider(board, participant)


def _move(board: Board, participant: Participant, stages: Collection[str]) -> None:
    """Carry one participant through stage after stage of these until something is awaited or ends him."""
    while participant.stage in stages and STAGE_TASKS[participant.stage].settle(board, participant):
        if not board.move_on(participant):
            return


def _move_cohort(board: Board) -> None:
    """The cohort stands where more than half of its living participants have come; it passes through every stage."""
    cohort = board.cohort
    standing = [(one.stage, one.status) for one in board.participants]
    if board.today < cohort.starts_on and not any(status in OPEN for _, status in standing):
        return  # others may still be nominated
    reached = cohort_stage(standing, cohort.stage, awaiting=bool(board.declared))
    for stage in stages_between(cohort.stage, reached):
        _leave(board.session, cohort, board.today)
        cohort.stage, cohort.stage_entered_on = stage, board.today
        board.open_step(None, stage)


def _leave(session: Session, cohort: Cohort, today: date) -> None:
    standing = session.get(Step, make_id("S", cohort.code, "", cohort.stage))
    if standing is not None and standing.left_on is None:
        standing.left_on = today
