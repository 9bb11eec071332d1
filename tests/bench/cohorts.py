"""Three thousand cohorts in the middle of their first term, written in a few statements, each as the last look left it.

Belongs here: filling a PostgreSQL database with all that advancing reads: people, consents, answers, classes, registers.
Does not: the organisations and cohorts themselves (programme.py), or what is measured (test_news.py).
"""

from datetime import date

from sqlalchemy import Engine, text

from models.identity import make_id
from models.vault import keyring
from tasks.news import next_round, rules_in_force
from tests.bench.programme import COHORTS, fill

PEOPLE = 15  # of a cohort
CLASSES = 2  # of a cohort in its term; every one has so many sessions held
SESSIONS = 8
TODAY, BEFORE = date(2026, 12, 2), date(2026, 12, 1)

_MODULES = """
INSERT INTO modules (id, programme_id, code, name, credits, kind, term, formative_share, each_part)
SELECT 'PG-1:M' || n, 'PG-1', 'M' || n, 'module ' || n, 8, 'compulsory', (n + 1) / 2, 0.4, false
FROM generate_series(1, 10) n
"""
_APPLICATIONS = """
INSERT INTO applications (id, participant_id, sent_on, status, reason, decided_on, student_number, registered_on)
SELECT 'AP' || id, id, DATE '2026-06-01', 'admitted', '', DATE '2026-06-22', student_number, registered_on FROM participants
"""
_CONSENTS = """
INSERT INTO consents (id, worker_id, kind, text_version, given_at)
SELECT 'hr:' || w.id || k.kind, w.id, k.kind, 'v1', TIMESTAMPTZ '2026-05-18 04:00Z'
FROM workers w, (VALUES ('sensitive'), ('school'), ('notice')) k (kind)
"""
_REVIEWS = """
INSERT INTO decisions (id, kind, cohort_code, participant_id, subject, question, holder, asked_on, answer, reason, decided_by,
    decided_on, policy_version)
SELECT 'D' || id, 'review', cohort_code, id, '', '?', 'union', DATE '2026-05-20', 'approve', 'seen', 'reviewer',
    DATE '2026-05-21', '2019-1' FROM participants
"""
_TERM = """
INSERT INTO terms (id, connection, source_id, title, starts_on, ends_on)
VALUES ('school:t1', 'school', 't1', 'term 1', DATE '2026-09-01', DATE '2027-01-15')
"""
_COURSES = """
INSERT INTO courses (id, connection, source_id, code, title)
SELECT 'school:M' || n, 'school', 'M' || n, 'M' || n, 'module ' || n FROM generate_series(1, 10) n
"""
_SECTIONS = """
INSERT INTO class_sections (id, connection, source_id, code, title, course_id, term_id)
SELECT 'school:' || c.code || '-M' || n, 'school', c.code || '-M' || n, c.code || '-M' || n, 'class', 'school:M' || n, 'school:t1'
FROM cohorts c, generate_series(1, :classes) n
"""
_ITEMS = """
INSERT INTO line_items (id, class_id, title, part, due_on)
SELECT s.id || '-' || p.part, s.id, p.part, p.part, DATE '2027-01-08'
FROM class_sections s, (VALUES ('formative'), ('final')) p (part)
"""
_LEARNERS = """
INSERT INTO learners (id, connection, source_id, student_number, active)
SELECT 'school:' || student_number, 'school', student_number, student_number, true FROM participants
"""
_ENROLMENTS = """
INSERT INTO enrolments (id, class_id, learner_id, active)
SELECT 'school:' || p.student_number || '-M' || n, 'school:' || p.cohort_code || '-M' || n, 'school:' || p.student_number, true
FROM participants p, generate_series(1, :classes) n
"""
_SESSIONS = """
INSERT INTO sessions (id, class_id, starts_at, minutes, closed)
SELECT s.id || '-' || n, s.id, TIMESTAMPTZ '2026-09-05 01:00Z' + n * INTERVAL '7 days', 90, true
FROM class_sections s, generate_series(1, :sessions) n
"""
_REGISTERS = """
INSERT INTO attendance (session_id, student_number, meaning)
SELECT e.class_id || '-' || n, replace(e.learner_id, 'school:', ''), 'present' FROM enrolments e, generate_series(1, :sessions) n
"""
_TAKEN = """
INSERT INTO modules_taken (id, participant_id, module_id, class_id, state, credits, rule, held, present, late, excused, absent,
    online_minutes, decided_on, policy_version)
VALUES (:id, :participant, :module, :section, 'enrolled', 0, '', :sessions, :sessions, 0, 0, 0, 0, DATE '2026-12-01', '2019-1')
"""
STATEMENTS = (_MODULES, _APPLICATIONS, _CONSENTS, _REVIEWS, _TERM, _COURSES, _SECTIONS, _ITEMS, _LEARNERS, _ENROLMENTS,
              _SESSIONS, _REGISTERS)  # fmt: skip


def fill_cohorts(engine: Engine) -> None:
    """Write them all; the office in use is the one that last looked at them."""
    fill(engine, COHORTS * PEOPLE, 0)
    numbers = {"classes": CLASSES, "sessions": SESSIONS}
    with engine.begin() as connection:
        for statement in ("DELETE FROM funding_sources", "DELETE FROM waits"):
            connection.execute(text(statement))
        connection.execute(
            text("UPDATE workers SET resident_id = :number"), {"number": keyring().encrypt("320214199001011014")}
        )
        for statement in STATEMENTS:
            wanted = {name: number for name, number in numbers.items() if f":{name}" in statement}
            connection.execute(text(statement), wanted)
        people = connection.execute(text("SELECT id, cohort_code FROM participants")).all()
        connection.execute(text(_TAKEN), [
            {"id": make_id("MT", person, f"PG-1:M{n}"), "participant": person, "module": f"PG-1:M{n}",
             "section": f"school:{code}-M{n}", "sessions": SESSIONS}
            for person, code in people for n in range(1, CLASSES + 1)
        ])  # fmt: skip
    set_looks(engine, due=False)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def set_looks(engine: Engine, *, due: bool) -> None:
    """Every cohort was looked at yesterday; a seventh of them has its round today where it is `due`."""
    codes = [f"WX-{n}" for n in range(1, COHORTS + 1)]
    rounds = [next_round(code, BEFORE) for code in codes]
    looks = [
        {"code": code, "rules": rules_in_force(), "on": BEFORE, "round": on if due else max(rounds)}
        for code, on in zip(codes, rounds, strict=True)
    ]
    insert = """INSERT INTO looks (cohort_code, looked_on, rules, changes_on, round_on, missed)
                VALUES (:code, :on, :rules, DATE '2027-01-08', :round, 0)
                ON CONFLICT (cohort_code) DO UPDATE SET looked_on = EXCLUDED.looked_on, round_on = EXCLUDED.round_on"""
    with engine.begin() as connection:
        connection.execute(text(insert), looks)
