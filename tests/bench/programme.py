"""A whole programme's rows, written in a few statements: as many cohorts, workers and open waits as are asked for.

Belongs here: filling a PostgreSQL database with rows of the shape real ones have; every constraint, trigger and index
stays. Does not: what is measured on it. All that could be told as a stall today has been overdue for weeks.
"""

from sqlalchemy import Engine, text

COHORTS = 3_000
SCHOOLS = 100
WAITS = 10_000
BEHIND_ONE = 10  # of so many open waits, one is a cohort's own: a class that nobody confirmed

_ORGANISATIONS = """
INSERT INTO organisations (code, name)
SELECT '9132' || lpad(n::text, 13, '0') || 'X', 'organisation ' || n FROM generate_series(1, :schools) n
"""
_PROJECTS = """
INSERT INTO projects (code, name, federation_code)
SELECT 'PJ-' || n, 'project ' || n, '9132' || lpad((n % :schools + 1)::text, 13, '0') || 'X'
FROM generate_series(1, 300) n
"""
_PROGRAMME = """
INSERT INTO programmes (id, code, edition, name, level, credits_to_graduate, terms, occupation, skill_level)
VALUES ('PG-1', '460301', '2026', '机电一体化技术', 'junior-college', 76, 5, 'electrician', 3)
"""
_COHORTS = """
INSERT INTO cohorts (code, name, project_code, programme_id, starts_on, nomination_opens_on, quota, stage,
    stage_entered_on, school_code, centre_code, union_code, assessor_code, finance_code, federation_code)
SELECT 'WX-' || n, 'cohort ' || n, 'PJ-' || (n % 300 + 1), 'PG-1', DATE '2026-09-01', DATE '2026-05-01', 1000,
    'teaching', DATE '2026-09-10', code, code, code, code, code, code
FROM (SELECT n, '9132' || lpad((n % :schools + 1)::text, 13, '0') || 'X' AS code FROM generate_series(1, :cohorts) n) one
"""
_SOURCES = """
INSERT INTO funding_sources (id, cohort_code, source, name, trigger, amount, periods, quota, budget, granted_heads,
    granted_total)
SELECT 'FS-' || n, 'WX-' || n, 'union', 'union', 'yearly', 1000, 3, 2000, 6000000, :people / :cohorts,
    1000 * (:people / :cohorts)
FROM generate_series(1, :cohorts) n
"""
_WORKERS = """
INSERT INTO workers (id, name, sex, birth_on, resident_id, resident_id_hash, resident_id_masked, household, education)
SELECT 'W-' || lpad(n::text, 12, '0'), 'worker ' || n, 'male', DATE '1990-01-01', 't1:' || repeat('x', 60),
    md5(n::text) || md5('m' || n), '320214********001X', 'rural', '高中'
FROM generate_series(1, :people) n
"""
_PARTICIPANTS = """
INSERT INTO participants (id, cohort_code, worker_id, enterprise_code, employee_number, union_member, nominated_on,
    stage, stage_entered_on, status, rule, reason, student_number, registered_on)
SELECT 'P-' || lpad(n::text, 12, '0'), 'WX-' || (n % :cohorts + 1), 'W-' || lpad(n::text, 12, '0'),
    '9132' || lpad((n % :schools + 1)::text, 13, '0') || 'X', 'E' || n, true, DATE '2026-05-18',
    'teaching', DATE '2026-09-10', 'active', '', '', '2026' || lpad(n::text, 9, '0'), DATE '2026-09-10'
FROM generate_series(1, :people) n
"""
# What everyone waited for before: the watch must not read it again.
_SETTLED_WAITS = """
INSERT INTO waits (id, cohort_code, participant_id, stage, kind, subject, holder, holder_code, since, due_on,
    provisional, resolved_on)
SELECT 'WT-' || lpad(n::text, 12, '0'), 'WX-' || (n % :cohorts + 1), 'P-' || lpad(n::text, 12, '0'), 'review',
    'review-decision', '', 'union', '9132' || lpad((n % :schools + 1)::text, 13, '0') || 'X', DATE '2026-05-18',
    DATE '2026-05-25', false, DATE '2026-05-21'
FROM generate_series(1, :people) n
"""
_OPEN_WAITS = """
INSERT INTO waits (id, cohort_code, participant_id, stage, kind, subject, holder, holder_code, since, due_on, provisional)
SELECT 'WO-' || lpad(n::text, 12, '0'), 'WX-' || (n % :cohorts + 1),
    CASE WHEN n % :behind > 0 THEN 'P-' || lpad(n::text, 12, '0') END, 'teaching',
    CASE WHEN n % :behind > 0 THEN 'exam-result' ELSE 'class-confirmation' END, CASE WHEN n % :behind > 0 THEN 'M' || n % 10 ELSE 'C-' || n END,
    CASE WHEN n % :behind > 0 THEN 'school' ELSE 'centre' END, '9132' || lpad((n % :schools + 1)::text, 13, '0') || 'X',
    DATE '2027-01-15', DATE '2027-02-14', false
FROM generate_series(1, :waits) n
"""
STATEMENTS = (_ORGANISATIONS, _PROJECTS, _PROGRAMME, _COHORTS, _SOURCES, _WORKERS, _PARTICIPANTS, _SETTLED_WAITS,
              _OPEN_WAITS)  # fmt: skip


def fill(engine: Engine, people: int, waits: int = WAITS) -> None:
    """Write COHORTS cohorts with `people` participants, a settled wait of each, and `waits` open ones."""
    numbers = {"people": people, "waits": waits, "cohorts": COHORTS, "schools": SCHOOLS, "behind": BEHIND_ONE}
    with engine.begin() as connection:
        for statement in STATEMENTS:
            wanted = {name: number for name, number in numbers.items() if f":{name}" in statement}
            connection.execute(text(statement), wanted)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))  # as autovacuum leaves it


def forget_alerts(engine: Engine) -> None:
    """Take back what a watch has told, as if it had never run."""
    with engine.begin() as connection:
        for table in ("alert_waits", "alerts", "outbox"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE alerts, alert_waits, outbox"))
