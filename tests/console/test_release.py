"""`yuanmeng sync --release`: a held stream passes once, with a reason that stays on record."""

from datetime import date
from pathlib import Path

import pytest

from console.run import open_home
from models.repositories.audit import trail_of
from models.tables.operations import SyncCursor
from tasks.office import unit_of_work, use_office
from tests.console.conftest import NIGHT, Type

STREAM = ("--connection", "school", "--release", "terms")


@pytest.fixture
def held(home: Path, connected: str) -> Path:
    """A home whose school's terms are held."""
    office = open_home(home)
    with unit_of_work() as session:
        session.add(
            SyncCursor(connection="school", stream="terms", read_on=date(2023, 5, 18), status="held", reason="so")
        )
    use_office(None)
    office.engine.dispose()
    return home


def status_of(home: Path) -> tuple[str, list[tuple[str, str, str]]]:
    """What stands of the stream, and what the trail says of it."""
    office = open_home(home)
    with unit_of_work() as session:
        cursor = session.get(SyncCursor, ("school", "terms"))
        trail = [(one.action, one.reason, one.detail) for one in trail_of(session, ["school/terms"])]
        found = cursor.status if cursor is not None else ""
    use_office(None)
    office.engine.dispose()
    return found, trail


def test_a_held_stream_is_released_with_a_reason_and_read(typed: Type, held: Path) -> None:
    ended = typed("sync", *STREAM, "--reason", "the school merged two terms", *NIGHT, "--json")
    assert ended.json["connections"]["school"]["streams"]["terms"]["status"] == "ok"
    assert status_of(held) == ("ok", [("stream-released", "the school merged two terms", "so")])


def test_a_stream_that_is_not_held_cannot_be_released(typed: Type, held: Path) -> None:
    ended = typed("sync", "--connection", "school", "--release", "courses", "--reason", "so", *NIGHT)
    assert (ended.code, ended.out) == (2, "")
    assert "courses of school is not held" in ended.err


@pytest.mark.parametrize(
    "words", [STREAM, ("--release", "terms", "--reason", "so"), ("--connection", "school", "--reason", "so"),
              (*STREAM, "--reason", " ")],
)  # fmt: skip
def test_a_release_needs_all_it_is_made_of(typed: Type, held: Path, words: tuple[str, ...]) -> None:
    ended = typed("sync", *words, *NIGHT)
    assert (ended.code, ended.out) == (2, "")
    assert "--reason REASON" in ended.err
    assert status_of(held) == ("held", [])


def test_the_account_says_what_each_source_cost(typed: Type, home: Path, connected: str) -> None:
    ended = typed("sync", "--connection", "school", *NIGHT)
    assert "花费 cost" in ended.out
    told = typed("sync", "--connection", "school", *NIGHT, "--json").json["connections"]["school"]["streams"]["terms"]
    assert told["requests"] > 0
    assert told["bytes"] > 0
    assert told["retries"] == 0


def test_a_reason_with_a_personal_number_is_refused_since_it_stays_for_ever(typed: Type, held: Path) -> None:
    ended = typed("sync", *STREAM, "--reason", "32020519881102000X was two people", *NIGHT)
    assert (ended.code, ended.out) == (2, "")
    assert "personal number" in ended.err
    assert "32020519881102000X" not in ended.err
    assert status_of(held) == ("held", [])
