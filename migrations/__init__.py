"""The history of the database's schema (Alembic); a test holds its end equal to the tables.

Belongs here: migrations, each frozen once released. Does not: the tables as they are now (models/tables).
"""
