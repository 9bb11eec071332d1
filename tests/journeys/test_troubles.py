"""Every trouble of the demo by its name: that it happened, what was said and done about it, and how it ended."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from models.rules.attendance import AttendanceCount
from models.rules.identifiers import normalise
from models.tables.credentials import Certificate, Recognition
from models.tables.funding import LedgerLine, Payment
from models.tables.lifecycle import Alert, AlertWait, Application, DecisionRequest, Objection, Step, Wait
from models.tables.organisations import Module
from models.tables.people import Nomination, Participant, Worker
from models.tables.teaching import ModuleTaken
from models.vault import keyring
from sandbox.world import World

WORLD = World(seed=2016)


@dataclass
class Case:
    """What our database knows of the person a trouble happened to."""

    session: Session
    cohort: str
    match: str

    @property
    def participant(self) -> Participant:
        """His participation."""
        query = select(Participant).join(Worker).where(
            Worker.resident_id_hash == self.match, Participant.cohort_code == self.cohort
        )  # fmt: skip
        return self.session.exec(query).one()

    @property
    def nominations(self) -> list[Nomination]:
        """His rows on rosters of the cohort, in their order."""
        query = select(Nomination).where(
            Nomination.resident_id_hash == self.match, Nomination.cohort_code == self.cohort
        )
        return list(self.session.exec(query.order_by(col(Nomination.row))).all())

    def waits(self, kind: str) -> list[Wait]:
        """What was awaited of him, or because of him."""
        query = select(Wait).where(Wait.participant_id == self.participant.id, Wait.kind == kind)
        return list(self.session.exec(query.order_by(col(Wait.since))).all())

    def alerts(self, kind: str) -> list[Alert]:
        """The alerts that spoke of his waits."""
        ids = [wait.id for wait in self.waits(kind)]
        query = select(Alert).join(AlertWait).where(col(AlertWait.wait_id).in_(ids))
        return list(self.session.exec(query.distinct()).all())

    def taken(self, module: str) -> ModuleTaken:
        """What he made of a module."""
        query = select(ModuleTaken).join(Module).where(
            ModuleTaken.participant_id == self.participant.id, Module.code == module
        )  # fmt: skip
        return self.session.exec(query).one()

    def lines(self, source: str, period: str) -> list[str]:
        """The kinds of his ledger lines for one award, in the order they were booked."""
        query = select(LedgerLine).where(
            LedgerLine.participant_id == self.participant.id, LedgerLine.source == source, LedgerLine.period == period
        )  # fmt: skip
        found = self.session.exec(query).all()
        order = {"award": 0, "payment": 1, "return": 2, "reversal": 9}
        return [one.kind for one in sorted(found, key=lambda one: (one.attempt, order[one.kind]))]

    def answers(self, kind: str) -> list[str]:
        """What people answered about him."""
        query = select(DecisionRequest.answer).where(DecisionRequest.participant_id == self.participant.id,
                                                     DecisionRequest.kind == kind)  # fmt: skip
        return list(self.session.exec(query).all())


Find = Callable[[str], list[Case]]


@pytest.fixture
def cases(demo_session: Session) -> Find:
    """Finds the people a trouble happened to."""

    def find(name: str) -> list[Case]:
        found = [
            Case(demo_session, one.cohort, keyring().match_hash("resident-id", normalise(one.resident_id)))
            for one in WORLD.troubles
            if one.name == name
        ]
        assert found, name
        return found

    return find


def _completed(case: Case) -> bool:
    kinds = set(
        case.session.exec(select(Certificate.kind).where(Certificate.participant_id == case.participant.id)).all()
    )
    return case.participant.status == "completed" and kinds == {"diploma", "skill"}


def test_a_missing_document_is_chased_from_hr_to_the_coordinator_and_holds_nobody_else(cases: Find) -> None:
    """Held at the roster; alerted after five working days, escalated after ten, resolved when it came."""
    (case,) = cases("missing-document")
    (wait,) = case.waits("household-evidence")
    (alert,) = case.alerts("household-evidence")
    assert (wait.since, wait.due_on) == (date(2023, 5, 18), date(2023, 5, 25))
    assert (alert.raised_on, alert.level, alert.status) == (date(2023, 5, 30), 2, "resolved")
    others = select(Participant).where(Participant.cohort_code == case.cohort, Participant.status == "completed")
    review = select(Step.entered_on).where(Step.stage == "review", Step.participant_id != case.participant.id,
                                           col(Step.participant_id).in_([p.id for p in case.session.exec(others).all()]))  # fmt: skip
    assert max(case.session.exec(review).all()) < date(2023, 6, 6)
    assert _completed(case)


def test_a_worker_nominated_by_two_enterprises_has_one_open_nomination(cases: Find) -> None:
    """The second is held, the coordinator refuses it, the first goes on to the end."""
    (first,), (second,) = cases("nominated-first"), cases("nominated-elsewhere")
    assert _completed(first)
    assert first.participant.worker_id == second.participant.worker_id
    assert (second.participant.status, second.participant.rule) == ("refused", "nominated-elsewhere")
    assert [one.rules for one in second.nominations] == ["nominated-elsewhere"]
    assert second.answers("nominated-elsewhere") == ["refuse"]


def test_a_worker_twice_on_one_roster_is_one_participant(cases: Find) -> None:
    """The second row is held and refused; the first goes on to the end."""
    (case,) = cases("duplicate-row")
    assert [(one.status, one.rules) for one in case.nominations] == [("accepted", ""), ("refused", "nominated-twice")]
    assert _completed(case)


def test_a_roster_row_with_a_bad_id_is_refused_by_name_and_makes_no_worker(demo_session: Session) -> None:
    """The check digit is wrong: the row stands with its rule and reason, and nobody was made of it."""
    query = select(Nomination).where(Nomination.rules == "resident-id-checksum")
    (row,) = demo_session.exec(query).all()
    assert (row.cohort_code, row.status, row.worker_id, row.participant_id) == ("WX-2023B", "refused", None, None)
    assert "校验" in row.reasons


def test_an_upheld_objection_ends_the_participation(cases: Find) -> None:
    """Public notice: the union upheld it, with its reason."""
    (case,) = cases("objection-upheld")
    (objection,) = case.session.exec(select(Objection).where(Objection.participant_id == case.participant.id)).all()
    assert objection.status == "upheld"
    assert (case.participant.status, case.participant.rule) == ("refused", "objection-upheld")
    assert case.participant.stage == "public_notice"


def test_an_objection_left_open_is_chased_and_dismissed(cases: Find) -> None:
    """Not settled within ten working days: alerted; dismissed later, and the worker goes on."""
    (case,) = cases("objection-dismissed")
    (alert,) = case.alerts("objection")
    assert (alert.holder, alert.status) == ("union", "resolved")
    assert _completed(case)


def test_a_refused_place_ends_the_participation_with_the_schools_reason(cases: Find) -> None:
    """Admission: refused by the school."""
    (case,) = cases("place-refused")
    (application,) = case.session.exec(
        select(Application).where(Application.participant_id == case.participant.id)
    ).all()
    assert application.status == "refused"
    assert (case.participant.status, case.participant.rule) == ("refused", "place-refused")
    assert "学历证明" in case.participant.reason


def test_a_school_that_decides_late_is_chased_once_for_the_whole_cohort(cases: Find) -> None:
    """One alert for all applicants, resolved when the decisions came."""
    (case,) = cases("school-late")
    (alert,) = case.alerts("admission-decision")
    assert (alert.holder, alert.people, alert.status) == ("school", 11, "resolved")
    assert alert.raised_on == date(2023, 7, 12)
    assert _completed(case)


def test_an_unconfirmed_class_goes_from_the_centre_to_the_school(cases: Find) -> None:
    """Ten days before its start to the centre, five days before to the school, resolved when confirmed."""
    (case,) = cases("class-unconfirmed")
    (alert,) = case.session.exec(select(Alert).where(Alert.kind == "class-confirmation")).all()
    assert alert.subject.endswith("SK201")
    assert (alert.raised_on, alert.level, alert.status) == (date(2024, 2, 22), 2, "resolved")
    assert alert.people > 1
    assert _completed(case)


def test_two_absences_in_a_row_are_told_and_end_when_he_is_back(cases: Find) -> None:
    """Alerted on the day it was seen; he may still sit the exam."""
    (case,) = cases("two-absences")
    (alert,) = case.alerts("absent-twice")
    assert (alert.raised_on, alert.status, alert.subject) == (date(2023, 11, 20), "resolved", "JD102")
    assert case.taken("JD102").absent == 2
    assert _completed(case)


def test_attendance_under_the_threshold_bars_from_the_exam(cases: Find) -> None:
    """Three of six sessions: warned, then barred; without the credits there is no diploma."""
    (case,) = cases("under-threshold")
    taken = case.taken("JD501")
    assert (taken.state, taken.mark, taken.held, taken.absent) == ("barred", None, 6, 3)
    (alert,) = case.alerts("attendance-low")
    assert alert.status == "resolved"
    assert (case.participant.status, case.participant.rule) == ("incomplete", "credits-short")


def test_approved_leave_is_neither_present_nor_absent(cases: Find) -> None:
    """Of six sessions held two are excused: four of four, and not four of six."""
    (case,) = cases("approved-leave")
    taken = case.taken("JD201")
    assert (taken.held, taken.present, taken.excused, taken.absent) == (6, 4, 2, 0)
    assert AttendanceCount(taken.held, taken.present, taken.late, taken.excused, taken.absent).rate() == 1
    assert _completed(case)


def test_leave_that_was_refused_counts_as_absence(cases: Find) -> None:
    """The session he missed stays an absence."""
    (case,) = cases("leave-refused")
    assert case.taken("JD201").absent == 1
    assert _completed(case)


def test_a_worker_who_leaves_his_employer_is_withdrawn_and_his_payments_stop(cases: Find) -> None:
    """Seen in HR's system in the second term; later instalments are never awarded, what he had he keeps."""
    (case,) = cases("left-employer")
    one = case.participant
    assert (one.status, one.rule, one.ended_on) == ("withdrawn", "left-employer", date(2024, 4, 15))
    assert case.lines("union", "year-1") == ["award", "payment"]
    assert case.lines("union", "year-2") == []


def test_one_who_left_unpaid_has_his_awards_reversed(cases: Find) -> None:
    """Returned payments without a new card, then he left: the awards are taken back, line by line."""
    (case,) = cases("left-unpaid")
    assert case.lines("union", "year-1") == ["award", "payment", "return", "reversal"]
    assert {alert.status for alert in case.alerts("payment-returned")} == {"resolved"}


def test_a_failed_exam_is_passed_at_the_make_up(cases: Find) -> None:
    """0.4 × 70 + 0.6 × 66 = 67.6."""
    (case,) = cases("make-up-passed")
    taken = case.taken("JD101")
    assert (taken.state, taken.mark) == ("passed", Decimal("67.6"))
    assert case.waits("make-up-exam")
    assert _completed(case)


def test_an_exam_failed_for_good_leaves_no_diploma(cases: Find) -> None:
    """0.2 × 58 + 0.8 × 48 = 50.0 after the make-up: failed, six credits short."""
    (case,) = cases("failed-for-good")
    taken = case.taken("SK502")
    assert (taken.state, taken.mark) == ("failed", Decimal("50.0"))
    assert (case.participant.status, case.participant.rule) == ("incomplete", "credits-short")


def test_late_grades_are_chased_at_the_school(cases: Find) -> None:
    """Not released thirty days after the exam: one alert, resolved when they came."""
    (case,) = cases("grades-late")
    (alert,) = case.alerts("exam-result")
    assert (alert.holder, alert.subject, alert.raised_on, alert.status) == (
        "school", "SK202", date(2024, 8, 5), "resolved",
    )  # fmt: skip
    assert _completed(case)


def test_a_recognition_over_the_cap_is_refused_by_name(cases: Find) -> None:
    """The claims within the cap are granted, the one beyond it is not, whoever said yes."""
    (case,) = cases("recognition-over-cap")
    query = select(Recognition).where(Recognition.participant_id == case.participant.id)
    found = case.session.exec(query.order_by(col(Recognition.decided_on))).all()
    assert {one.status for one in found} == {"granted", "refused"}
    (refused,) = [one for one in found if one.status == "refused"]
    assert "cap" in refused.rule
    assert all(one.policy_version and one.evidence and one.reviewer for one in found)
    assert _completed(case)


def test_the_practice_module_is_never_exempted(cases: Find) -> None:
    """A claim for it is refused by that rule."""
    (case,) = cases("practice-claimed")
    query = select(Recognition.rule).where(Recognition.participant_id == case.participant.id)
    assert case.session.exec(query).all() == ["module-never-exempted"]
    assert _completed(case)


def test_a_returned_payment_is_paid_again_to_the_new_card(cases: Find) -> None:
    """Both payments came back and went out a second time; the ledger shows each step."""
    (case,) = cases("returned-payment")
    for award in (("union", "year-1"), ("school", "registration")):
        assert case.lines(*award) == ["award", "payment", "return", "payment"]
    query = select(Payment.attempt, Payment.status).where(col(Payment.id).in_(
        select(LedgerLine.payment_id).where(LedgerLine.participant_id == case.participant.id,
                                            LedgerLine.source == "school")
    ))  # fmt: skip
    assert sorted(case.session.exec(query).all()) == [(1, "returned"), (2, "paid")]
    assert _completed(case)


def test_a_source_at_its_quota_is_not_overdrawn_and_says_so(cases: Find) -> None:
    """The two who registered last get nothing from it; finance is told; their other awards go on."""
    found = cases("source-at-quota")
    assert len(found) == 2
    for case in found:
        assert case.lines("school", "registration") == []
        assert case.lines("union", "year-1") == ["award", "payment"]
        assert [alert.holder for alert in case.alerts("award-quota")] == ["union_finance"]
        assert _completed(case)


def test_a_late_skill_certificate_is_chased_at_the_assessor(cases: Find) -> None:
    """Twenty working days after the assessment: alerted; it came, and he is complete."""
    (case,) = cases("skill-certificate-late")
    (alert,) = case.alerts("skill-certificate")
    assert (alert.holder, alert.raised_on, alert.status) == ("assessor", date(2026, 4, 27), "resolved")
    assert _completed(case)


def test_consent_that_comes_late_is_chased_before_anything_is_passed_on(cases: Find) -> None:
    """No application leaves before the consent is there."""
    (case,) = cases("consent-late")
    (alert,) = case.alerts("consent")
    (application,) = case.session.exec(
        select(Application).where(Application.participant_id == case.participant.id)
    ).all()
    assert alert.status == "resolved"
    assert application.sent_on > date(2023, 12, 1)
    assert _completed(case)


def test_the_other_endings_are_as_their_stories_say(cases: Find) -> None:
    """Refused in review, under age, one part failed and made up, exempt, recognised."""
    (review,), (part,), (exempt,), (recognised,) = (
        cases("review-refused"), cases("one-part-failed"), cases("exempt"), cases("recognised"),
    )  # fmt: skip
    assert review.participant.rule == "review-refused"
    assert (part.taken("SK301").state, part.taken("SK301").mark) == ("passed", Decimal("73.8"))
    assert (exempt.taken("JD101").state, exempt.taken("JD101").mark) == ("exempt", None)
    assert recognised.taken("JD202").credits > 0
    (under_age,) = cases("under-age")
    assert [one.rules for one in under_age.nominations] == ["under-age"]


def test_every_trouble_of_the_world_has_a_test_here() -> None:
    """A trouble added to the sandbox needs its test."""
    source = Path(__file__).read_text(encoding="utf-8")
    untested = {one.name for one in WORLD.troubles if f'"{one.name}"' not in source} - {"bad-id"}
    assert untested == set()
