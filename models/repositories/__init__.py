"""Queries beside the tables: every SELECT the tasks need, one module a subject as in models/tables.

Belongs here: small functions of a session and plain values that give rows or plain values, in a stated order where
order matters. Does not: decisions (models/rules), or commits: the task that opened the unit of work commits it.
"""
