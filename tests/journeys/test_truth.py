"""That the comparison with the truth sees what it should: one fact changed behind everybody's back is named.

A comparison that cannot fail proves nothing.
"""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from connectors.database import open_engine
from connectors.settings import read_keys
from console.truth import compare
from models.vault import use_keyring
from sandbox.world import World
from tasks.office import unit_of_work
from tests.journeys.conftest import Demo, live_until, walking

WORLD = World(seed=2016)
END = date(2026, 11, 20)
TAUGHT, MARKED = date(2023, 11, 20), date(2024, 2, 2)  # the first term is being taught; its marks are out


@pytest.fixture
def spoilt(copied_home: Path) -> Iterator[Session]:
    """The demo's database, with the guards taken off, to change facts in."""
    use_keyring(read_keys(copied_home / "keys.toml"))
    engine = open_engine(f"sqlite:///{copied_home / 'yuanmeng.db'}")
    with Session(engine) as session:
        triggers = session.connection().execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
        for (name,) in triggers:
            session.connection().execute(text(f"DROP TRIGGER {name}"))
        yield session
    engine.dispose()


CHANGES = {
    "a mark": (
        "UPDATE modules_taken SET mark = mark - 1 WHERE id = (SELECT min(id) FROM modules_taken WHERE state = 'passed')",
        "marks",
    ),
    "a ledger line": (
        "UPDATE ledger_lines SET amount = amount + 100 WHERE id = (SELECT min(id) FROM ledger_lines WHERE kind = 'payment')",
        "money",
    ),
    "a register": (
        "UPDATE modules_taken SET present = present - 1, absent = absent + 1 "
        "WHERE id = (SELECT min(id) FROM modules_taken WHERE present > 2)",
        "attendance",
    ),
    "a row too many": (
        "INSERT INTO certificates (id, participant_id, kind, number, issued_on) "
        "SELECT 'C-X', id, 'diploma', '123455202706999999', '2026-01-01' FROM participants WHERE status = 'withdrawn' LIMIT 1",
        "certificates",
    ),
    "a row that is gone": ("DELETE FROM recognitions WHERE id = (SELECT min(id) FROM recognitions)", "recognitions"),
    "an outcome": (
        "UPDATE participants SET rule = 'nobody-knows' WHERE id = (SELECT min(id) FROM participants WHERE status = 'refused')",
        "participants",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_fact_changed_in_the_database_is_named(spoilt: Session, what: str) -> None:
    """It is named under its topic, with what follows from it for the same person; before it nothing differed."""
    truth = WORLD.truth(END)
    assert compare(spoilt, truth).differences == []
    statement, topic = CHANGES[what]
    assert spoilt.connection().execute(text(statement)).rowcount == 1
    spoilt.expire_all()
    differences = [one.split() for one in compare(spoilt, truth).differences]
    assert topic in {words[0] for words in differences}, differences
    assert len({words[2].rstrip(":") for words in differences}) == 1, differences
    spoilt.rollback()


def _differences(home: Path, *changes: dict[str, str | int]) -> set[str]:
    """Walk the first term, each change made behind our back in its time, and compare with what is true in the end."""
    with walking(home) as (walk, dates):
        lived = date.min
        for until, what in ((date.min, "payment"), (TAUGHT, "register"), (MARKED, "mark"), (MARKED, "")):
            live_until(walk, [day for day in dates if day > lived or day == until], until)
            lived = until
            for change in changes:
                if change["what"] == what:
                    walk.world.tamper(**change)
        with unit_of_work() as session:
            return {" ".join(one.split()[:5]) for one in compare(session, WORLD.truth(END)).differences}


def test_facts_changed_in_the_outside_systems_are_named(demo: Demo, tmp_path: Path) -> None:
    """A mark in the gradebook, a letter in a register and a bounced payment: each arrives here and is named."""
    story = next(s for s in WORLD.stories if s.cohort == "WX-2023A" and s.diploma and not s.returns and not s.claims)
    person: dict[str, str | int] = {"cohort": story.cohort, "resident_id": story.person.resident_id}
    homes = [tmp_path / "left-alone", tmp_path / "tampered"]
    for home in homes:  # the same keys, so that people have the same ids
        home.mkdir()
        shutil.copy(demo.home / "keys.toml", home / "keys.toml")
    left_alone = _differences(homes[0])
    tampered = _differences(
        homes[1], {"what": "payment", "source": "union", **person},
        {"what": "mark", "module": "JD101", "part": "final", "score": 99, **person},
        {"what": "register", "module": "JD101", "session": 2, "letter": "A", **person},
    )  # fmt: skip
    named = tampered ^ left_alone
    assert {one.split()[0] for one in tampered - left_alone} == {"attendance", "marks", "money"}
    assert len({one.split()[2] for one in named}) == 1  # one person's facts, and nobody else's
