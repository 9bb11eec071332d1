"""Care for the database as a whole: what it holds, a copy of it, and the archive a copy is kept in.

Belongs here: contents, dumps, archives. Does not: rows of the programme (models/repositories), when to do it (tasks).
"""
