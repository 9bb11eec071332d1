"""Nomination 提名: rosters come in, each row is judged, consents and missing documents are awaited.

Belongs here: importing a roster and settling what holds a nominee. Does not: reading a sheet
(connectors/spreadsheet) or judging a row (rules/eligibility.py) or a hold (rules/nomination.py).
"""

import json
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import stamina
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from connectors.spreadsheet import Roster, read_roster, write_reasons
from models.clock import business_date
from models.identity import make_id
from models.repositories.audit import record
from models.repositories.common import add_missing
from models.repositories.lifecycle import is_decided
from models.repositories.organisations import enterprise_codes, levels_of
from models.repositories.people import participations_of, unclaimed_employments
from models.rules.eligibility import Candidate, Judgement, entry_level_reason, judge_nomination, reaches_entry_level
from models.rules.eligibility import Nomination as Row
from models.rules.identifiers import mask_resident_id, normalise
from models.rules.nomination import hold_wait, judge_hold, missing_consents
from models.rules.policy import Policy, policy_on
from models.rules.privacy import mask_numbers
from models.tables.lifecycle import DecisionRequest, Step
from models.tables.organisations import Cohort, Programme
from models.tables.people import Nomination, Participant, Worker
from models.vault import keyring, opaque
from tasks.board import Board, close_step
from tasks.errors import BadInput
from tasks.office import office, unit_of_work
from tasks.progress import tell
from tasks.step import step

FIELDS = tuple(Row.__dataclass_fields__)
IDENTITY = ("name", "birth_on", "resident_id", "resident_id_hash", "resident_id_masked")
# As a row that refers to him would hold him: who anonymises him waits until it is there.
HELD = {"read": True, "key_share": True}
FILLED_IN = ("mobile", "mobile_hash", "bank_card", "bank_card_hash", "household", "household_as_of", "education")


# --- the roster -----------------------------------------------------------------------------------------------


@step(name="import-roster")
async def import_roster(
    path: str, cohort_code: str, actor: str, as_of: date | None = None, enterprise_code: str | None = None
) -> dict[str, Any]:
    """Judge every row of a roster and write what becomes of it; the same roster again changes nothing.

    Raises UnreadableSheet for a file that is no roster and BadInput for a cohort or enterprise not known.
    """
    source = Path(path)
    roster = read_roster(source)
    # Two imports at once may meet in one worker: the database lets one pass, and the other looks again.
    for attempt in stamina.retry_context(on=IntegrityError, attempts=3, wait_initial=0.1):
        with attempt:
            counted = _take_all(source, roster, cohort_code, actor, business_date(as_of), enterprise_code)
    return {**counted, "copy": str(_copy(source, roster, counted["rows"]))}


def _take_all(
    source: Path, roster: Roster, cohort_code: str, actor: str, today: date, enterprise_code: str | None
) -> dict[str, Any]:
    with unit_of_work() as session:
        desk = Desk(session, _cohort(session, cohort_code), today, policy_on(office().policies, today))
        enterprise = _enterprise(session, desk.cohort, enterprise_code or roster.enterprise_code)
        verdicts, name = [], mask_numbers(source.name)
        for row in roster.rows:
            verdicts.append(desk.take(row.row, row.values, enterprise, name))
            tell("花名册 roster", len(verdicts), len(roster.rows))
        counted = {status: sum(v["status"] == status for v in verdicts) for status in ("accepted", "held", "refused")}
        record(session, action="roster-imported", subject=cohort_code, actor=actor, on=today, reason=name,
               detail=json.dumps(counted), key=make_id("RI", cohort_code, enterprise, sha256(source.read_bytes()).hexdigest()))  # fmt: skip
    return {"cohort": cohort_code, "rows": verdicts, **counted}


def _cohort(session: Session, code: str) -> Cohort:
    cohort = session.get(Cohort, code, with_for_update=True)
    if cohort is None:
        raise BadInput(f"there is no cohort {code}: open it first with `yuanmeng cohort open PLAN.toml`")
    if cohort.stage == "closed":
        raise BadInput(f"the cohort {code} is closed: nominate for an open one")
    return cohort


def _enterprise(session: Session, cohort: Cohort, code: str | None) -> str:
    planned = enterprise_codes(session, cohort.code)
    if code is None and len(planned) == 1:
        return planned[0]
    if code not in planned:
        raise BadInput(
            "the roster does not say which of the cohort's enterprises sent it: name it with --enterprise CODE"
        )
    return code


def _copy(source: Path, roster: Roster, verdicts: list[dict[str, Any]]) -> Path:
    """Write the sheet with its column of reasons where files with personal numbers may lie."""
    folder = office().settings.home / "exchange"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{source.stem}.checked{source.suffix.lower()}"
    words = {"accepted": "通过 accepted", "held": "待补 held", "refused": "未通过 refused"}
    texts = {v["row"]: (words[v["status"]], "；".join(v["reasons"])) for v in verdicts}
    write_reasons(source, roster, texts, target)
    return target


class Desk:
    """Takes the rows of one roster, one after the other, in the import's transaction."""

    def __init__(self, session: Session, cohort: Cohort, today: date, policy: Policy) -> None:
        self.session, self.cohort, self.today, self.policy = session, cohort, today, policy
        self.level = session.get_one(Programme, cohort.programme_id).level
        self.seen: dict[str, int] = {}

    def take(self, number: int, values: dict[str, Any], enterprise: str, source: str) -> dict[str, Any]:
        """Judge a row, write it and give its verdict."""
        row = Row(**{name: values.get(name) for name in FIELDS})
        match = _match(row.resident_id)
        identity = match or f"{row.name}|{number}"
        self.seen[identity] = occurrence = self.seen.get(identity, 0) + 1
        key = make_id("NM", self.cohort.code, enterprise, identity, occurrence)
        standing = self.session.get(Nomination, key)
        if standing is not None and self._is_settled(standing, row):
            return _verdict(number, standing)
        judgement = judge_nomination(
            row, self.level, self.today, enterprise, self.policy,
            seen_in_roster=occurrence > 1, open_elsewhere=self._open_elsewhere(match, enterprise),
            funded_levels=self._funded_levels(match),
        )  # fmt: skip
        if standing is not None and judgement.status == "refused":
            self._end(standing, judgement)
        nomination = self._write(key, number, row, enterprise, source, match, judgement, values, standing)
        return _verdict(number, nomination)

    def _is_settled(self, standing: Nomination, row: Row) -> bool:
        """A row stands as it was judged, but one that a rule alone refused is judged anew: he may be of age now.

        So is one that was held for what it lacked, when the roster comes again and says something else.
        """
        if standing.status == "held" and "nominated-" not in standing.rules:
            return standing.payload == _payload(row) or not self._is_held(standing)
        if standing.status != "refused" or standing.participant_id is not None:
            return True
        return is_decided(self.session, standing.id)

    def _is_held(self, standing: Nomination) -> bool:
        participant = self.session.get(Participant, standing.participant_id) if standing.participant_id else None
        return participant is not None and participant.status == "held"

    def _end(self, standing: Nomination, judgement: Judgement) -> None:
        """End a nominee who was held and whose row now says what a rule refuses."""
        participant = self.session.get(Participant, standing.participant_id) if standing.participant_id else None
        if participant is not None:
            participant.status, participant.ended_on = "refused", self.today
            participant.rule, participant.reason = judgement.rules[0], judgement.reasons[0]
            close_step(self.session, participant, self.today)

    def _write(
        self, key: str, number: int, row: Row, enterprise: str, source: str, match: str | None,
        judgement: Judgement, values: dict[str, Any], standing: Nomination | None,
    ) -> Nomination:  # fmt: skip
        worker = participant = None
        if judgement.candidate is not None and judgement.status != "refused":
            worker = self._worker(judgement.candidate, str(match))
            if not self._stands_already(worker, enterprise, judgement):
                participant = self._participant(worker, judgement.candidate, judgement, values, enterprise)
        nomination = standing or Nomination(
            id=key, cohort_code=self.cohort.code, enterprise_code=enterprise, source=source, row=number, name="",
            status="", policy_version="", nominated_on=self.today, payload="",
        )  # fmt: skip
        nomination.row, nomination.source = number, source
        nomination.name = _shown_name(row)
        nomination.resident_id_hash = match
        nomination.status, nomination.policy_version = judgement.status, self.policy.version
        nomination.rules, nomination.reasons = ",".join(judgement.rules), "；".join(judgement.reasons)
        nomination.worker_id = worker.id if worker else None
        nomination.participant_id = participant.id if participant else None
        nomination.payload = _payload(row)
        self.session.add(nomination)
        self.session.flush()
        self._ask(nomination, judgement)
        return nomination

    def _worker(self, candidate: Candidate, match: str) -> Worker:
        """Make the worker known, once; what an earlier roster lacked is filled in."""
        ring, number = keyring(), candidate.resident_id.number
        said = Worker(
            id=make_id("W", match), name=candidate.name, sex=candidate.sex, birth_on=candidate.resident_id.birth,
            resident_id=number, resident_id_hash=match, resident_id_masked=mask_resident_id(number),
            mobile=candidate.mobile, mobile_hash=candidate.mobile and ring.match_hash("mobile", candidate.mobile),
            bank_card=candidate.bank_card,
            bank_card_hash=candidate.bank_card and ring.match_hash("bank-card", candidate.bank_card),
            household=candidate.household, household_as_of=self.today if candidate.household else None,
            education=candidate.education,
        )  # fmt: skip
        worker = self.session.get(Worker, said.id, with_for_update=HELD)
        if worker is None:
            self.session.add(said)
            return said
        if worker.resident_id_hash != match:  # he was anonymised, and comes again
            for name in IDENTITY:
                setattr(worker, name, getattr(said, name))
        for name in FILLED_IN:
            if getattr(worker, name) is None and getattr(said, name) is not None:
                setattr(worker, name, getattr(said, name))
        return worker

    def _participant(
        self, worker: Worker, candidate: Candidate, judgement: Judgement, values: dict[str, Any], enterprise: str
    ) -> Participant:
        """Make the worker a participant, once, and join him to what his HR system has said of him already."""
        number = opaque(normalise(str(values.get("employee_number") or "")))
        key = make_id("P", self.cohort.code, worker.id)
        participant = add_missing(self.session, Participant(
            id=key, cohort_code=self.cohort.code, worker_id=worker.id, enterprise_code=enterprise,
            employee_number=number or None, union_member=candidate.union_member,
            hired_on=candidate.hired_on, nominated_on=self.today, stage_entered_on=self.today,
            status="active" if judgement.status == "accepted" else "held",
            rule=next(iter(judgement.rules), ""), reason=next(iter(judgement.reasons), ""),
        ))  # fmt: skip
        self.session.flush()
        self._claim_employment(worker, enterprise, number)
        add_missing(self.session, Step(
            id=make_id("S", self.cohort.code, key, "nomination"), cohort_code=self.cohort.code, participant_id=key,
            stage="nomination", entered_on=participant.nominated_on,
        ))  # fmt: skip
        return participant

    def _stands_already(self, worker: Worker, enterprise: str, judgement: Judgement) -> bool:
        """A second row of the same roster, or of another enterprise for this cohort, makes no second participant."""
        standing = self.session.get(Participant, make_id("P", self.cohort.code, worker.id))
        elsewhere = standing is not None and standing.enterprise_code != enterprise
        return elsewhere or "nominated-twice" in judgement.rules

    def override(self, nomination: Nomination, reason: str) -> str:
        """Accept a refused row with a reason; give the sentence that forbids it, if any."""
        row = Row(**json.loads(nomination.payload))
        judged = judge_nomination(row, self.level, self.today, nomination.enterprise_code, self.policy)
        if judged.candidate is None:
            return "what stands in the row cannot be read: let the enterprise correct it and send the roster again"
        match = str(nomination.resident_id_hash)
        if self._open_elsewhere(match, nomination.enterprise_code):
            return "the worker's other nomination is still open: withdraw or refuse that one first"
        worker = self._worker(judged.candidate, match)
        accepted = Judgement("accepted", (), (f"override: {reason}",), judged.candidate)
        participant = self._participant(worker, judged.candidate, accepted, {}, nomination.enterprise_code)
        if participant.status not in ("active", "held") and not self._reinstate(participant):
            return f"the worker's part in this cohort has ended ({participant.status}): the row alone cannot reopen it"
        nomination.status, nomination.reasons = "accepted", f"override: {reason}"
        nomination.worker_id, nomination.participant_id = worker.id, participant.id
        return ""

    def _reinstate(self, participant: Participant) -> bool:
        """Take up a nominee again who was refused before anybody reviewed him; False for any other."""
        if participant.status != "refused" or participant.stage != "nomination":
            return False
        participant.status, participant.rule, participant.reason, participant.ended_on = "active", "", "", None
        step = self.session.get(Step, make_id("S", participant.cohort_code, participant.id, participant.stage))
        if step is not None:
            step.left_on = None
        return True

    def _claim_employment(self, worker: Worker, enterprise: str, number: str) -> None:
        """An HR row read before the roster came belongs to the worker with its number, unless it is someone's."""
        for row in unclaimed_employments(self.session, enterprise, number) if number else ():
            row.worker_id = worker.id

    def _ask(self, nomination: Nomination, judgement: Judgement) -> None:
        """A doubled nomination is for the coordinator to settle."""
        for kind in ("nominated-twice", "nominated-elsewhere"):
            if kind in judgement.rules and judgement.status == "held":
                add_missing(self.session, DecisionRequest(
                    id=make_id("D", kind, nomination.id), kind=kind, cohort_code=self.cohort.code,
                    nomination_id=nomination.id, participant_id=nomination.participant_id, holder="coordinator",
                    question=judgement.reasons[judgement.rules.index(kind)], asked_on=self.today,
                ))  # fmt: skip

    def _participations(self, match: str | None) -> list[Participant]:
        return [] if match is None else participations_of(self.session, make_id("W", match))

    def _open_elsewhere(self, match: str | None, enterprise: str) -> bool:
        """Whether another cohort has an open nomination of the worker, or another enterprise ever had one for this."""
        return any(
            other.enterprise_code != enterprise
            if other.cohort_code == self.cohort.code
            else other.status in ("active", "held")
            for other in self._participations(match)
        )

    def _funded_levels(self, match: str | None) -> frozenset[str]:
        """The levels the worker finished with an award: one award a level."""
        ended = [other for other in self._participations(match) if other.status in ("completed", "incomplete")]
        return levels_of(self.session, [other.cohort_code for other in ended])


def _match(value: object) -> str | None:
    """The keyed hash of what stands in the ID cell, valid or not, so that it is known again."""
    text = normalise(str(value)) if value not in (None, "") else ""
    return keyring().match_hash("resident-id", text) if text else None


def _payload(row: Row) -> str:
    return json.dumps(asdict(row), ensure_ascii=False, sort_keys=True, default=str)


def _shown_name(row: Row) -> str:
    return mask_numbers(normalise(str(row.name))) if row.name else ""


def _verdict(row: int, nomination: Nomination) -> dict[str, Any]:
    return {"row": row, "id": nomination.id, "status": nomination.status,
            "rules": _split(nomination.rules, ","), "reasons": _split(nomination.reasons, "；")}  # fmt: skip


def _split(text: str, separator: str) -> list[str]:
    return [part for part in text.split(separator) if part]


# --- the stage ------------------------------------------------------------------------------------------------


def settle(board: Board, participant: Participant) -> bool:
    """Let a nominee go on once nothing holds him and all three consents stand."""
    if participant.status == "held":
        _settle_hold(board, participant)
    if participant.status != "active":
        return False
    standing = {c.kind for c in board.consents.get(participant.worker_id, []) if c.withdrawn_at is None}
    if not missing_consents(standing):
        return True
    board.wait("consent", participant, participant.nominated_on)
    return False


def _settle_hold(board: Board, participant: Participant) -> None:
    """Lift a hold whose document has come; else say whom it waits on."""
    arrived = {document.kind for document in board.documents.get(participant.worker_id, [])}
    rules = {rule for nomination in board.nominations.get(participant.id, []) for rule in _split(nomination.rules, ",")}
    answered = {one.kind for one in board.requests.get(participant.id, []) if one.answer == "approve"}
    decision = judge_hold(participant.rule, rules - answered, arrived)
    if decision.outcome == "wait":
        board.wait(hold_wait(decision.rule), participant, participant.nominated_on)
        return
    education, level = board.workers[participant.worker_id].education, board.programme.level
    if education is not None and not reaches_entry_level(education, level):
        board.end(participant, "refused", "entry-level", entry_level_reason(level))
        return
    participant.status, participant.rule, participant.reason = "active", "", ""
    for nomination in board.nominations.get(participant.id, []):
        nomination.status = "accepted"
