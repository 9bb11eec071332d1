"""How fast the nightly sync is: against dlt, against a bare script, against itself on a night without news.

Belongs here: what is compared and the most it may cost. Does not: starting anything (stage.py). Every run is a process of
its own, from the first request to the last commit; runs are taken in turns, so that other work on the machine falls on
all. Everything but the results was read before; a night of ours asks for all its streams again, and that is counted.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from connectors.database import open_engine
from tasks.office import office, use_office
from tests.bench import ours as one_night
from tests.bench.marks import fill_marks
from tests.bench.programme import fill
from tests.bench.stage import (
    NAME,
    PAGE,
    Databases,
    School,
    Sqlite,
    Told,
    dlt,
    floor,
    ours,
    postgres,
    rows,
    run_alone,
    school,
)  # fmt: skip

SHORT = 2_000
CHANGED = 30_000
FEW, MANY = 30_000, 3_000_000
ROUNDS = {100_000: 5, 1_000_000: 3}
FASTER_THAN_DLT, MOST_FLOORS = 4.0, {"postgresql": 3.0, "sqlite": 4.0}
MOST_UNCHANGED, MOST_MEMORY = 0.5, 150.0
# By the number of schools: a school's rows lie together; of its own rows a hundredth lie on a page each.
MOST_GROWTH = {100: 1.3, 1: 2.5}
# Without the filter all is fetched and compared again, and that is most of what a first night does.
MOST_READ_AGAIN = 0.8
NIGHTS = ("ours", "unchanged", "read again", "changed")
RIVAL = ("'school:' || sourced_id", "'school:' || line_item__sourced_id", "'school:' || student__sourced_id", "score",
         "score_status", "score_date")  # fmt: skip
Figures = dict[str, list[Told]]


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_ours_and_the_floor_leave_the_same_rows(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    fresh: Callable[[], str] = (
        request.getfixturevalue("postgres_fresh") if backend == "postgresql" else Sqlite(tmp_path).new
    )
    database, beside = fresh(), fresh()
    with school(SHORT, learners=100) as source:
        source.show(shown=False)
        night(database, source, tmp_path), night(beside, source, tmp_path)
        source.show()
        first = night(database, source, tmp_path)
        for table in ("marks", "marks_bare"):
            floor(beside, source, table)
        source.show(refuse=True)
        again = night(database, source, tmp_path)
    assert (first["written"], again["written"], again["unchanged"]) == (SHORT, 0, SHORT)
    assert len(rows(database)) == SHORT
    assert rows(database) == rows(beside) == rows(beside, "marks_bare")


def night(database: str, source: School, home: Path) -> dict[str, Any]:
    """One night of ours in this process; give the account of its results."""
    one_night.open_office(database, NAME, source.url, PAGE, home)
    try:
        told = one_night.measured(NAME, full=False)
    finally:
        office().engine.dispose()
        use_office(None)
    assert told["account"]["status"] == "ok", told["account"]
    found: dict[str, Any] = told["account"]["streams"]["results"]
    return found


def prepared(databases: Databases, source: School, home: Path) -> str:
    """A database in which everything but the results stands."""
    database = databases.new()
    source.show(shown=False)
    ours(database, source, home=home)
    source.show()
    return database


def nights(databases: Databases, template: str, source: School, home: Path, found: Figures, truth: Any) -> None:
    """Four nights of ours on one database: all is new; nothing has changed, twice; some rows have."""
    database = databases.copy(template)
    for name in NIGHTS:
        source.show(refuse=name == "read again", changed=CHANGED if name == "changed" else 0)
        told = ours(database, source, home=home)
        found.setdefault(name, []).append(told)
        if name == "ours":
            assert rows(database) == truth
        else:
            written = told["account"]["streams"]["results"]["written"]
            assert written == (CHANGED if name == "changed" else 0)
    source.show()
    databases.drop(database)


def floors(databases: Databases, template: str, source: School, found: Figures) -> list[Any]:
    """The floor into a bare table, and into our own; give the rows it left."""
    truth: list[Any] = []
    for name, table in (("floor", "marks_bare"), ("floor, our table", "marks")):
        database = databases.copy(template)
        found.setdefault(name, []).append(floor(database, source, table))
        truth = rows(database, table)
        databases.drop(database)
    return truth


def rivals(databases: Databases, template: str, source: School, home: Path, found: Figures, truth: Any) -> None:
    """dlt as it comes, and dlt tuned."""
    for name, more in (("dlt", ()), ("dlt, tuned", ("--tuned",))):
        database = databases.copy(template)
        found.setdefault(name, []).append(dlt(database, source, *more, home=home))
        assert rows(database, "rival.results", RIVAL) == truth
        databases.drop(database)


def of(found: Figures, name: str, part: str = "seconds") -> float:
    """The median of what runs of one name took."""
    return float(median(told[part] for told in found[name]))


def ratio(found: Figures, one: str, other: str) -> float:
    """How many times as long one takes as another: the median of the rounds' own ratios."""
    return round(float(median(a["seconds"] / b["seconds"] for a, b in zip(found[one], found[other], strict=True))), 3)


def summary(found: Figures) -> dict[str, Any]:
    """The figures of one measurement."""
    seconds = {name: round(of(found, name), 3) for name in found}
    ratios = {f"ours / {name}": ratio(found, "ours", name) for name in found if name not in NIGHTS}
    ratios |= {f"{name} / ours": ratio(found, name, "ours") for name in NIGHTS[1:]}
    return {
        "seconds": seconds, "ratios": ratios, "processor": round(of(found, "ours", "processor"), 2),
        "imports": round(of(found, "ours", "imports"), 2), "memory": round(memory(found), 1),
    }  # fmt: skip


def memory(found: Figures) -> float:
    """The most that a night of ours took above what it had once everything was imported, in MB."""
    every = (told for name in NIGHTS for told in found[name])
    return float(max(told["peak"] - told["imported"] for told in every))


def tell(capsys: pytest.CaptureFixture[str], told: dict[str, Any]) -> None:
    """Print a table, and all of it as one line of JSON."""
    with capsys.disabled():
        for part in ("seconds", "ratios"):
            for name, value in told.get(part, {}).items():
                sys.stdout.write(f"  {name:<28}{value:>10}\n")
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")


@pytest.fixture(params=["postgresql", "sqlite"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Databases]]:
    """Databases of each kind."""
    if request.param == "sqlite":
        yield request.param, Sqlite(tmp_path)
        return
    with postgres() as server:
        yield request.param, server


@pytest.mark.bench
@pytest.mark.postgres
@pytest.mark.peer
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("results", ROUNDS)
def test_a_night_is_faster_than_dlt_and_near_the_floor(
    results: int, databases: tuple[str, Databases], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, kept = databases
    found: Figures = {}
    with school(results) as source:
        template = prepared(kept, source, tmp_path)
        for _ in range(ROUNDS[results]):
            truth = floors(kept, template, source, found)
            nights(kept, template, source, tmp_path, found, truth)
            if kind == "postgresql":
                rivals(kept, template, source, tmp_path, found, truth)
    told = summary(found)
    tell(capsys, {"bench": "sync", "database": kind, "rows": results, "page": PAGE, "rounds": ROUNDS[results], **told})
    assert told["ratios"]["ours / floor"] <= MOST_FLOORS[kind]
    assert told["ratios"]["unchanged / ours"] < MOST_UNCHANGED
    assert told["ratios"]["read again / ours"] < MOST_READ_AGAIN
    assert told["memory"] <= MOST_MEMORY
    if kind == "postgresql":
        assert told["ratios"]["ours / dlt"] <= 1 / FASTER_THAN_DLT


@pytest.mark.bench
@pytest.mark.postgres
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("schools", MOST_GROWTH)
def test_changed_rows_cost_the_same_among_millions(
    schools: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a hundred schools one changes all its rows; or of one school's rows every hundredth changes."""
    taken: dict[int, list[float]] = {FEW: [], MANY: []}
    shown = FEW if schools > 1 else MANY
    with postgres() as server, school(CHANGED, FEW, FEW) as small, school(CHANGED, FEW, shown) as large:
        places = {FEW: (server.new(), small, 1), MANY: (server.new(), large, schools)}
        for people, place in places.items():
            populate(*place, people, tmp_path)
        for turn in range(1, ROUNDS[100_000] + 2):
            for people, (database, source, _) in places.items():
                source.show(changed=CHANGED, night=turn)
                server.say("CHECKPOINT")
                told = ours(database, source, home=tmp_path)
                assert told["account"]["streams"]["results"]["written"] == CHANGED
                taken[people].append(told["seconds"])
    ratios = [many / few for few, many in zip(taken[FEW][1:], taken[MANY][1:], strict=True)]  # the first fills caches
    seconds = {f"{people:,} rows": round(median(times[1:]), 3) for people, times in taken.items()}
    growth = round(median(ratios), 3)
    tell(capsys, {"bench": "sync among many", "schools": schools, "changed": CHANGED, "seconds": seconds,
                  "ratios": {"many / few": growth}})  # fmt: skip
    assert growth <= MOST_GROWTH[schools]


def populate(database: str, source: School, schools: int, people: int, home: Path) -> None:
    """A programme of so many participants with a learner and a mark of each; the source shows some of them."""
    engine = open_engine(database)
    fill(engine, people)
    source.show()
    ours(database, source, home=home)
    fill_marks(engine, [NAME, *(f"{NAME}-{number}" for number in range(1, schools))], people)
    engine.dispose()
    run_alone(database, "VACUUM ANALYZE")
