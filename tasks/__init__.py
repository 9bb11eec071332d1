"""The steps: one unit of work each, opened, committed and retried here.

Belongs here: one module a stage, and what carries the stages. Does not: the order of steps (flows),
decisions (models/rules), or any protocol (connectors).
"""
