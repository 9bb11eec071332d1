"""A filled database of each kind, once for this folder: no test here leaves anything in it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from connectors.database import open_engine
from models.vault import use_keyring
from tests.fixtures.databases import BACKENDS, TEST_KEYS
from tests.models.tables.rows import every_row


@pytest.fixture(scope="package", params=BACKENDS)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with one valid row of every table, on SQLite and on PostgreSQL."""
    use_keyring(TEST_KEYS)
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("filled") / "yuanmeng.db"
        path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        url = f"sqlite:///{path}"
    else:
        url = request.getfixturevalue("postgres_fresh")()
    engine = open_engine(url)
    with Session(engine) as session:
        for row in every_row():
            session.add(row)
            session.flush()
        session.commit()
    yield engine
    engine.dispose()
