"""Queries about the files of drop folders that were read.

Belongs here: which were. Does not: what stood in them.
"""

from datetime import date

from sqlmodel import Session, select

from models.repositories.common import add_missing
from models.tables.operations import DocumentRead


def read_before(session: Session, connection: str) -> frozenset[str]:
    """Give the digests of all files of a drop folder that were read."""
    return frozenset(session.exec(select(DocumentRead.digest).where(DocumentRead.connection == connection)))


def remember(session: Session, connection: str, digest: str, name: str, on: date) -> None:
    """Remember that a file was read; one that was read before stays as it is."""
    add_missing(session, DocumentRead(connection=connection, digest=digest, name=name, read_on=on))
