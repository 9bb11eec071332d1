"""Every rule of every stream, asked of a record that breaks just that one and of a good one beside it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from connectors.database import open_engine
from models import records
from models.records import Unreadable
from models.tables.operations import Quarantine
from models.vault import Keyring, use_keyring
from tasks.gate import Taken, take
from tasks.gates.rules import RULES, rules_of
from tasks.mirror import MIRRORS
from tasks.shapes import SHAPES
from tasks.source import Source
from tasks.streams import CARRIES
from tests.fixtures.databases import TEST_KEYS
from tests.models.tables.rows import ENTERPRISE
from tests.tasks.gates.examples import APART, BREAKS, DAY, GOOD, standing
from tests.tasks.told import SHANGHAI

LATEST = datetime(2026, 9, 3, tzinfo=UTC)
STREAM = {kind: stream for stream, kinds in CARRIES.items() for kind in kinds}
CASES = [
    pytest.param(kind, name, change, id=f"{kind.__name__} {name} {column} {place}")
    for kind, broken in BREAKS.items()
    for (name, column), changes in broken.items()
    for place, change in enumerate(changes)
]


@pytest.fixture(scope="module")
def stocked(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with rows of every table, once for this file."""
    use_keyring(TEST_KEYS)
    path = tmp_path_factory.mktemp("stocked") / "yuanmeng.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    with Session(engine) as session, session.begin():
        for row in standing():
            session.add(row)
            session.flush()
    yield engine
    engine.dispose()


@pytest.fixture
def source(stocked: Engine, keyring_in_use: Keyring) -> Iterator[Source]:
    """A source beside rows of every table; what is taken from it is gone when the test ends."""
    with Session(stocked) as session:
        yield fresh(session)
        session.rollback()


def held(source: Source) -> list[Quarantine]:
    """The rows that were held back in this test."""
    return [row for row in source.session.exec(select(Quarantine)) if row.id != "Q-1"]


def fresh(session: Session, organisation: str = ENTERPRISE) -> Source:
    """The source of one batch."""
    return Source("ou", session, organisation, DAY, LATEST)


def judged(source: Source, *batch: Any) -> Taken:
    """Take a batch, whose sums must be right."""
    taken = take(source, STREAM[type(batch[0])], batch)
    counts = taken.counts
    assert counts.read == counts.written + counts.unchanged + counts.removed + counts.quarantined == len(batch)
    return taken


def test_every_rule_has_an_example_and_every_example_a_rule() -> None:
    for kind in RULES:
        asked = {(rule.name, rule.columns[0]) for rule in rules_of(kind)} - APART
        assert asked == set(BREAKS[kind]), kind


def test_every_record_of_every_stream_has_rules_and_becomes_something() -> None:
    carried = {kind for kinds in CARRIES.values() for kind in kinds}
    assert carried == set(RULES) == set(GOOD) == set(SHAPES) | set(MIRRORS)


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
def test_a_good_record_breaks_none(source: Source, kind: type[Any]) -> None:
    taken = judged(source, GOOD[kind]())
    assert taken.broken == {}
    assert taken.counts.written == 1


@pytest.mark.parametrize(("kind", "rule", "change"), CASES)
def test_a_record_that_breaks_one_rule_is_held_for_that_alone(
    source: Source, kind: type[Any], rule: str, change: dict[str, Any]
) -> None:
    beside = {"student_number": "2026U2"} if kind is records.RegisterEntry else {}
    bad, good = GOOD[kind](**change), GOOD[kind](source_id="beside", **beside)
    taken = judged(source, bad, good)
    assert taken.broken == {bad.source_id: rule}
    assert (taken.counts.quarantined, len(taken.newly_broken)) == (1, 1)
    assert [(row.rules, row.source_id, row.cured_on) for row in held(source)] == [(rule, bad.source_id, None)]


def test_all_rules_that_a_record_breaks_are_named(source: Source) -> None:
    bad = GOOD[records.Result](
        score=Decimal(101), score_status="x", learner_source_id="x", scored_on=DAY.replace(year=1900)
    )
    taken = judged(source, bad, GOOD[records.Result](source_id="good"))
    assert taken.broken == {"new": "reference-unknown,mark-range,score-status-unknown,date-out-of-range"}
    assert taken.counts.written == 1


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
def test_two_versions_that_nobody_can_order_are_both_held(source: Source, kind: type[Any]) -> None:
    changes: dict[type[Any], dict[str, Any]] = {records.RegisterEntry: {"meaning": "late"}}
    (field, value) = next(iter(OTHERWISE[kind].items()))
    one, other = GOOD[kind](changed_at=None), GOOD[kind](changed_at=None, **{field: value}, **changes.get(kind, {}))
    taken = judged(source, one, other)
    assert taken.broken == {one.source_id: "key-repeated"}
    assert taken.counts.quarantined == 2


OTHERWISE: dict[type[Any], dict[str, Any]] = {
    records.Employment: {"employee_number": "other"}, records.Term: {"title": "other"}, records.Course: {"title": "other"},
    records.ClassSection: {"title": "other"}, records.Learner: {"active": False}, records.Enrolment: {"active": False},
    records.LineItem: {"title": "other"}, records.Result: {"score": Decimal(1)}, records.Session: {"minutes": 1},
    records.RegisterEntry: {"class_source_id": "k1"}, records.OnlineStudy: {"minutes": GOOD[records.OnlineStudy]().minutes * 2},
    records.Consent: {"text_version": "2"}, records.Document: {"value": "城镇"}, records.Leave: {"status": "pending"},
    records.OutcomeClaim: {"title": "other"}, records.Objection: {"status": "upheld"},
    records.AdmissionDecision: {"status": "refused"}, records.Registration: {"student_number": "2026320100010"},
    records.ClassConfirmation: {"status": "planned"}, records.SkillResult: {"status": "failed"},
    records.Diploma: {"number": "123455202906000002"}, records.SkillCertificate: {"level": 5},
    records.PaymentResult: {"status": "returned"},
}  # fmt: skip


def test_an_enterprise_that_no_plan_names_is_waited_for(source: Source) -> None:
    taken = judged(fresh(source.session, "9" * 18), GOOD[records.Employment]())
    assert taken.broken == {"new": "enterprise-unknown"}


def test_a_withdrawn_statement_may_name_nobody(source: Source) -> None:
    voided = GOOD[records.OnlineStudy](voided=True, student_number="", class_source_id="")
    assert judged(source, voided).broken == {}


def test_a_mark_that_is_not_there_yet_may_be_empty(source: Source) -> None:
    for status in ("exempt", "not submitted", "partially graded", "submitted", "ext:absent"):
        assert judged(source, GOOD[records.Result](source_id=status, score=None, score_status=status)).broken == {}


@pytest.mark.parametrize("score", ["0", "100", "59.95"])
def test_both_ends_of_a_range_belong_to_it(source: Source, score: str) -> None:
    assert judged(source, GOOD[records.Result](score=Decimal(score))).broken == {}


def test_a_consent_withdrawn_within_the_hour_in_another_offset_is_in_order(source: Source) -> None:
    """Instants are compared, not the days of two different clocks."""
    given = datetime(2026, 5, 31, 0, 30, tzinfo=SHANGHAI)
    withdrawn = datetime(2026, 5, 30, 17, 0, tzinfo=UTC)
    assert judged(source, GOOD[records.Consent](given_at=given, withdrawn_at=withdrawn)).broken == {}


def test_a_record_at_the_very_edge_of_tomorrow_is_believed_and_one_beyond_is_not(source: Source) -> None:
    edge, beyond = (
        GOOD[records.Term](changed_at=LATEST),
        GOOD[records.Term](source_id="beyond", changed_at=LATEST + timedelta(seconds=1)),
    )
    assert judged(source, edge, beyond).broken == {"beyond": "timestamp-in-future"}


def test_a_row_that_cannot_be_read_is_held_under_its_own_id(source: Source) -> None:
    bad = Unreadable(source_id="row-1", stream="terms", payload="{}")
    taken = take(source, "terms", [bad, GOOD[records.Term]()])
    assert taken.broken == {"row-1": "row-unreadable"}
    assert (taken.counts.read, taken.counts.written, taken.counts.quarantined) == (2, 1, 1)


def test_rules_are_named_and_nothing_of_the_row_is(source: Source) -> None:
    bad = GOOD[records.Document](kind="bank-card-x", value="6220000000000001")
    judged(source, bad)
    kept = held(source)
    assert "6220000000000001" not in repr(kept) + str([(row.rules, row.id, row.source_id) for row in kept])


def test_a_place_in_a_class_that_is_a_teachers_is_none_of_ours(source: Source) -> None:
    taken = judged(source, GOOD[records.Enrolment](role="teacher", class_source_id="unknown"))
    assert (taken.broken, taken.counts.unchanged, taken.answered[records.Enrolment]) == ({}, 1, [])
