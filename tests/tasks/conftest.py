"""Cohorts for the tests of this folder, on SQLite where no database matters and on both where one does."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tasks.office import Office
from tests.fixtures.cohorts import DATA, Case, open_cohort, take_roster

At = Callable[[str], Case]
WAYS: dict[str, Callable[[Case], object]] = {
    "nomination": lambda case: None, "exams": Case.bring_to_exams, "certification": Case.bring_to_certification,
}  # fmt: skip


@pytest.fixture
def bare(sqlite_office: Office) -> Case:
    """A cohort as it was opened, without people."""
    return Case(open_cohort())


@pytest.fixture(scope="session")
def _shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture
def at(sqlite_office: Office, _shelf: Path) -> At:
    """Gives a cohort whose six people stand at a stage; the way there is walked once a session."""
    path = str(make_url(sqlite_office.settings.database_url).database)

    def bring(stage: str) -> Case:
        kept = _shelf / f"{stage}.db"
        if kept.exists():
            sqlite_office.engine.dispose()
            _copy(kept, path)
            return Case("WX-2026A")
        case = Case(open_cohort())
        take_roster(DATA / "plain.xlsx", case.code)
        WAYS.get(stage, lambda one: one.bring_to(stage))(case)
        _copy(path, kept)
        return case

    return bring


def _copy(source: str | Path, target: str | Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@pytest.fixture
def case(at: At) -> Case:
    """A cohort with the six people of the plain roster, all accepted."""
    return at("nomination")


@pytest.fixture
def both(office: Office) -> Case:
    """The same, once on SQLite and once on PostgreSQL."""
    opened = Case(open_cohort())
    take_roster(DATA / "plain.xlsx", opened.code)
    return opened
