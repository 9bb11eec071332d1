"""Nights on ralph: what stands in the database is, row by row, what was posted to the store.

ralph compares `since` with the time of the study, not with the time of storing, so that study that reaches it more than
the overlap late is found by the next full reading alone.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from models.clock import now
from models.tables.teaching import ClassSection, Course, OnlineStudy
from models.vault import opaque
from tasks.office import Office
from tests.fixtures.cohorts import rows, write
from tests.peers.nights import night
from tests.peers.test_ralph import VERBS, Lrs, connection, lrs, store, study, withdrawal

__all__ = ["lrs"]

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

Truth = dict[str, tuple[str, str, Decimal, datetime, bool]]


@pytest.fixture(autouse=True)
def _timetable(sqlite_office: Office) -> None:
    """The class that all study here is for."""
    course = Course(id="school:C", connection="school", source_id="C", code="C", title="C")
    write(course, ClassSection(id="school:K7", connection="school", source_id="K7", code="K7", title="K7",
                               course_id="school:C"))  # fmt: skip


def recent(number: int, ago: timedelta = timedelta(0), **values: Any) -> dict[str, Any]:
    """A statement of study that ended a while ago."""
    return {**study(number, **values), "timestamp": (now() - ago).isoformat()}


def store_more(lrs: Lrs, folder: Path, statements: list[dict[str, Any]]) -> None:
    """Post once more: ralph's files take one POST each, so what it made of the first is put back before the new."""
    file = folder / lrs.user / "fs_lrs.jsonl"
    before = file.read_bytes()
    file.unlink()
    store(lrs, statements)
    file.write_bytes(before + file.read_bytes())


def truth(posted: list[dict[str, Any]], voided: frozenset[str] = frozenset()) -> Truth:
    """What was posted, as it should stand: only study counts, and what was withdrawn is marked."""
    wanted = [one for one in posted if one["verb"]["id"] in (f"{VERBS}/attended", f"{VERBS}/completed")]
    return {
        f"platform:{opaque(one['id'])}": (
            one["actor"]["account"]["name"], one["verb"]["id"].rpartition("/")[2],
            Decimal(one["result"]["duration"].removeprefix("PT").removesuffix("M")),
            datetime.fromisoformat(one["timestamp"]), one["id"] in voided,
        )
        for one in wanted
    }  # fmt: skip


def standing() -> Truth:
    """What stands in the database."""
    assert {row.class_id for row in rows(OnlineStudy)} <= {"school:K7"}
    return {
        row.id: (row.student_number, row.verb, row.minutes, row.at, row.voided) for row in rows(OnlineStudy)
    }  # fmt: skip


def test_a_store_of_several_pages_is_read_whole_and_other_verbs_are_left_out(lrs: Lrs) -> None:
    """The `more` links lead from page to page; no verb is asked for, since ralph's own filter fails."""
    verbs = ["attended", "experienced", "completed", "answered"]
    posted = [recent(n, verb=verbs[n % 4], duration=f"PT{n + 1}M") for n in range(19)]
    store(lrs, posted)
    night(connection(lrs))
    assert standing() == truth(posted)
    assert len(standing()) == 10


def test_ralph_s_own_filter_of_verbs_fails_so_that_it_cannot_be_leaned_on(lrs: Lrs) -> None:
    """Should this fail one day, ralph was mended, and nothing else has to change."""
    store(lrs, [recent(1), recent(2, verb="answered")])
    answer = lrs.http.get("/xAPI/statements", params={"verb": f"{VERBS}/attended"})
    assert answer.status_code >= 400 or len(answer.json()["statements"]) != 1


def test_two_nights_leave_what_was_posted(lrs: Lrs, ralph_folder: Path) -> None:
    first = [recent(n, timedelta(hours=3), duration=f"PT{n + 1}M") for n in range(9)]
    store(lrs, first)
    assert night(connection(lrs))["read"] == 9
    second = [recent(n, duration=f"PT{n + 1}M") for n in range(9, 15)]
    store_more(lrs, ralph_folder, second)
    # The study of the first night is older than the overlap: it is not read again.
    assert night(connection(lrs))["read"] == 6
    assert standing() == truth([*first, *second])


def test_study_that_reaches_the_store_late_is_found_by_a_full_night(lrs: Lrs, ralph_folder: Path) -> None:
    first, late = [recent(n, duration="PT5M") for n in range(5)], recent(5, timedelta(days=2), duration="PT7M")
    store(lrs, first)
    night(connection(lrs))
    store_more(lrs, ralph_folder, [late])
    night(connection(lrs))
    assert standing() == truth(first)
    night(connection(lrs), full=True)
    assert standing() == truth([*first, late])


def test_a_statement_that_is_voided_later_stays_and_is_marked(lrs: Lrs, ralph_folder: Path) -> None:
    mistake, kept = recent(1, timedelta(hours=3), duration="PT600M"), recent(2, duration="PT45M")
    store(lrs, [mistake, kept])
    night(connection(lrs))
    assert standing() == truth([mistake, kept])
    store_more(lrs, ralph_folder, [{**withdrawal(mistake), "timestamp": now().isoformat()}])
    night(connection(lrs))
    assert standing() == truth([mistake, kept], frozenset({mistake["id"]}))
    night(connection(lrs), full=True)
    assert standing() == truth([mistake, kept], frozenset({mistake["id"]}))


def test_a_statement_that_is_voided_before_it_is_ever_read_is_marked_too(lrs: Lrs) -> None:
    mistake, kept = recent(1, duration="PT600M"), recent(2, duration="PT45M")
    store(lrs, [mistake, kept, {**withdrawal(mistake), "timestamp": now().isoformat()}])
    night(connection(lrs))
    found = standing()
    assert found.keys() == truth([mistake, kept]).keys()
    assert {id for id, row in found.items() if row[-1]} == {f"platform:{opaque(mistake['id'])}"}
