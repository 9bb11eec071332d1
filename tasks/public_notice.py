"""Public notice 公示: the masked list hangs for its working days, objections are settled.

Belongs here: putting participants on a notice, publishing it, acting on objections.
Does not: how long it hangs (rules/public_notice.py).
"""

from typing import Any

from models.identity import make_id
from models.repositories.lifecycle import notice_count
from models.repositories.organisations import organisation_names
from models.rules.identifiers import last_four
from models.rules.public_notice import judge_notice, notice_ends
from models.tables.lifecycle import Notice, NoticeEntry
from models.tables.people import Participant
from tasks.board import Board


def settle(board: Board, participant: Participant) -> bool:
    """Hang the name, then wait for the end of the notice and for every objection to be settled."""
    entry = board.notice_entries.get(participant.id)
    if entry is None:
        if board.consented(participant, "notice"):
            _announce(board, participant)
        return False
    objections = board.objections.get(participant.id, [])
    notice = board.session.get_one(Notice, entry.notice_id)
    decision = judge_notice(
        notice.published_on,
        board.today,
        open_objections=sum(objection.status == "open" for objection in objections),
        upheld=any(objection.status == "upheld" for objection in objections),
        calendar=board.calendar,
        policy=board.policy,
    )
    if decision.outcome == "refused":
        upheld = next(objection for objection in objections if objection.status == "upheld")
        board.end(participant, "refused", "objection-upheld", upheld.reason, upheld.decided_on)
    elif decision.outcome == "wait":
        for objection in objections:
            if objection.status == "open":
                board.wait("objection", participant, objection.raised_on)
        if board.today <= notice.ends_on:
            board.wait("notice-running", participant, notice.published_on, due=notice.ends_on)
    return decision.outcome == "pass"


def reconsider(board: Board, participant: Participant) -> bool:
    """Act on objections read after the name went on: an upheld one ends him, an open one holds him; True for none."""
    standing = [one for one in board.objections.get(participant.id, []) if one.status != "dismissed"]
    for objection in standing:
        if objection.status == "upheld":
            board.end(participant, "refused", "objection-upheld", objection.reason, objection.decided_on)
            return False
    for objection in standing:
        board.wait("objection", participant, objection.raised_on)
    return not standing


def _announce(board: Board, participant: Participant) -> None:
    """Put a participant on the notice that hangs from today; names that come later get the next notice."""
    notice = _notice_of_today(board)
    entry = NoticeEntry(notice_id=notice.id, participant_id=participant.id)
    board.session.add(entry)
    board.notice_entries[participant.id] = entry
    board.wait("notice-running", participant, notice.published_on, due=notice.ends_on)


def _notice_of_today(board: Board) -> Notice:
    if board.new_notice is None:
        ordinal = notice_count(board.session, board.cohort.code) + 1
        board.new_notice = Notice(
            id=make_id("N", board.cohort.code, ordinal),
            cohort_code=board.cohort.code,
            published_on=board.today,
            ends_on=notice_ends(board.today, board.calendar, board.policy),
        )
        board.session.add(board.new_notice)
        board.session.flush()
    return board.new_notice


def publish(board: Board) -> None:
    """Send the notice that this run hung, with name, employer and last four digits only."""
    notice = board.new_notice
    if notice is None:
        return
    board.send("partner.notices", notice.id, board.cohort.union_code, {
        "notice_id": notice.id,
        "cohort": board.cohort.code,
        "published_on": notice.published_on.isoformat(),
        "ends_on": notice.ends_on.isoformat(),
        "people": _masked_people(board, notice),
    })  # fmt: skip


def _masked_people(board: Board, notice: Notice) -> list[dict[str, Any]]:
    named = [p for p in board.participants if _hangs_on(board, p, notice)]
    codes = [participant.enterprise_code for participant in named]
    employers = organisation_names(board.session, codes)
    return [
        {
            "name": board.workers[participant.worker_id].name,
            "employer": employers[participant.enterprise_code],
            "last_four": last_four(board.workers[participant.worker_id].resident_id),
        }
        for participant in named
    ]


def _hangs_on(board: Board, participant: Participant, notice: Notice) -> bool:
    entry = board.notice_entries.get(participant.id)
    return entry is not None and entry.notice_id == notice.id
