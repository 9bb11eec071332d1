"""Learners and marks by the million, written in a few statements, as if a school had reported them night by night.

Belongs here: the rows beside those that the bench's own source shows. Does not: the programme around (programme.py).
"""

from collections.abc import Sequence

from sqlalchemy import Engine, text

ITEMS = 100

_ITEMS = """
INSERT INTO line_items (id, class_id, title, part)
SELECT :before || 'old-' || n, (SELECT min(id) FROM class_sections), 'item ' || n, 'final'
FROM generate_series(0, :items - 1) n
"""
_LEARNERS = """
INSERT INTO learners (id, connection, source_id, student_number, active)
SELECT :before || 'u-' || lpad(n::text, 8, '0'), :name, 'u-' || lpad(n::text, 8, '0'), 'S' || lpad(n::text, 8, '0'), true
FROM generate_series(0, :people - 1) n
ON CONFLICT DO NOTHING
"""
_MARKS = """
INSERT INTO marks (id, line_item_id, learner_id, score, score_status, scored_on)
SELECT :before || 'r-' || lpad(n::text, 8, '0'), :before || 'old-' || n % :items, :before || 'u-' || lpad(n::text, 8, '0'),
    n % 1001 / 10.0, 'fully graded', DATE '2026-08-31'
FROM generate_series(0, :people - 1) n
ON CONFLICT DO NOTHING
"""


def fill_marks(engine: Engine, names: Sequence[str], people: int) -> None:
    """Write a learner and a mark for each of so many people, as rows of these connections, as many of each."""
    for name in names:
        given = {"name": name, "before": f"{name}:", "people": people // len(names), "items": ITEMS}
        with engine.begin() as connection:
            for statement in (_ITEMS, _LEARNERS, _MARKS):
                asked = {key: value for key, value in given.items() if f":{key}" in statement}
                connection.execute(text(statement), asked)
