"""Databases with nothing in them yet, of each kind."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from connectors.database import open_engine
from tests.fixtures.databases import BACKENDS

NUMBERS = count(1)


def _on_postgresql(server: str) -> str:
    name = f"empty_{next(NUMBERS)}"
    engine = open_engine(server)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=BACKENDS)
def another_empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the address of one more empty database at each call, all on SQLite or all on PostgreSQL."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path / f'empty-{next(NUMBERS)}.db'}"
    server = str(request.getfixturevalue("postgres_server"))
    return lambda: _on_postgresql(server)


@pytest.fixture
def empty_url(another_empty: Callable[[], str]) -> str:
    """The address of a database with nothing in it."""
    return another_empty()
