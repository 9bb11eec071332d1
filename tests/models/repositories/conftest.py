"""A database of each kind with one row of every table, and rows to put beside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session

from connectors.database import open_engine
from models.vault import Keyring, use_keyring
from tasks.office import Office
from tests.fixtures.databases import BACKENDS, TEST_KEYS
from tests.models.tables.rows import every_row


@pytest.fixture(scope="package", params=BACKENDS)
def stocked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with one row of every table, once for this folder, on SQLite and on PostgreSQL."""
    use_keyring(TEST_KEYS)
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("stocked") / "yuanmeng.db"
        path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        url = f"sqlite:///{path}"
    else:
        url = request.getfixturevalue("postgres_fresh")()
    engine = open_engine(url)
    _stock(engine)
    yield engine
    engine.dispose()


def _stock(engine: Engine) -> None:
    with Session(engine) as session:
        for row in every_row():
            session.add(row)
            session.flush()
        session.commit()


@pytest.fixture
def session(stocked: Engine, keyring_in_use: Keyring) -> Iterator[Session]:
    """A session on the stocked database: what a test adds is gone when it ends."""
    with Session(stocked) as session:
        yield session
        session.rollback()


@pytest.fixture
def lasting(office: Office) -> Iterator[Session]:
    """A session on a stocked database of the test's own, for what other transactions are to see."""
    _stock(office.engine)
    with Session(office.engine) as session:
        yield session


@contextmanager
def counting(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements sent to a database meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
