"""The gates: what every row of a stream must be before it is written, and who is asked.

Belongs here: the rules of each stream (rules.py), what they look at (columns.py) and asking Great Expectations
(suites.py). Does not: what becomes of a row that broke one (tasks/gate.py).
"""
