"""The office: one a process, and units of work that are whole or nothing."""

import pytest
from sqlalchemy.exc import IntegrityError

from models.tables.organisations import Organisation, Project
from models.tables.people import Participant
from tasks import funding
from tasks.nomination import Desk
from tasks.office import Office, office, unit_of_work, use_office
from tests.fixtures.cohorts import DATA, ENTERPRISE, OPENED, Case, hashes, rows, take_roster
from tests.tasks.conftest import At


def test_a_unit_of_work_is_kept_whole(office: Office) -> None:
    with unit_of_work() as session:
        session.add(Organisation(code=ENTERPRISE, name="a"))
    assert [row.name for row in rows(Organisation)] == ["a"]


def test_an_error_within_a_unit_of_work_keeps_nothing(office: Office) -> None:
    with pytest.raises(RuntimeError, match="no"), unit_of_work() as session:
        session.add(Organisation(code=ENTERPRISE, name="a"))
        session.flush()
        raise RuntimeError("no")
    assert rows(Organisation) == []


def test_a_reference_to_nothing_is_refused_at_the_end_of_the_unit(office: Office) -> None:
    with pytest.raises(IntegrityError), unit_of_work() as session:
        session.add(Project(code="P", name="p", federation_code="NONE"))
    assert rows(Project) == []


def test_rows_may_come_before_what_they_refer_to(office: Office) -> None:
    with unit_of_work() as session:
        session.add(Project(code="P", name="p", federation_code=ENTERPRISE))
        session.flush()
        session.add(Organisation(code=ENTERPRISE, name="f"))
    assert len(rows(Project)) == 1


def test_units_of_work_are_not_nested(sqlite_office: Office) -> None:
    with unit_of_work(), pytest.raises(RuntimeError, match="pass its session on"), unit_of_work():
        pass
    with unit_of_work():
        pass  # the first one's end let go of it


def test_the_office_in_use_is_given_and_keeps_its_calendar(sqlite_office: Office) -> None:
    assert office() is sqlite_office
    assert office().calendar is office().calendar
    use_office(sqlite_office)


def test_a_roster_that_fails_in_its_last_row_writes_none_of_it(bare: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    take = Desk.take

    def failing(self: Desk, number: int, *rest: object) -> object:
        if number == 7:
            raise RuntimeError("power cut")
        return take(self, number, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Desk, "take", failing)
    with pytest.raises(RuntimeError, match="power cut"):
        take_roster(DATA / "plain.xlsx", bare.code)
    assert rows(Participant) == []


def test_an_advance_that_fails_for_one_leaves_the_cohort_as_it_was(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    case = at("nomination")
    case.consent()
    before = hashes()

    def cut(_board: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(funding, "settle", cut)
    with pytest.raises(RuntimeError, match="power cut"):
        case.advance(OPENED)
    assert hashes() == before
