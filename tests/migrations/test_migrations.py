"""The migrations end where the tables stand, on both databases; they go down as well as up, and once only."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import SAWarning
from sqlmodel import Session

from connectors.database import alembic_config, migrate, table_hashes, upgrade
from models.tables import METADATA
from models.vault import Keyring
from tests.fixtures.databases import opened
from tests.migrations.schema import objects, tables
from tests.models.tables.rows import every_row

HERE = Path(__file__).parents[2]
VERSIONS = list(ScriptDirectory.from_config(alembic_config()).walk_revisions())
MIGRATE = "import sys; from connectors.database import migrate; migrate(sys.argv[1])"


def move(engine: Engine, where: Callable[..., None], revision: str) -> None:
    """Upgrade or downgrade to a revision in one transaction."""
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        where(config, revision)


def test_the_migrations_end_equal_to_the_tables(empty_url: str) -> None:
    """By Alembic's own comparison; types and defaults count."""
    migrate(empty_url)
    with opened(empty_url) as engine, engine.connect() as connection, warnings.catch_warnings():
        # SQLite cannot be asked for an index over an expression; the next test compares its text.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index", SAWarning)
        warnings.filterwarnings(
            "ignore", "autogenerate skipping metadata-specified expression-based index", UserWarning
        )
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_every_constraint_has_the_name_and_the_words_the_tables_give_it(another_empty: Callable[[], str]) -> None:
    """Checks, keys, their deferral and indexes, which Alembic's comparison does not look at."""
    by_migrations, by_tables = another_empty(), another_empty()
    migrate(by_migrations)
    with opened(by_migrations) as migrated, opened(by_tables) as created:
        METADATA.create_all(created)
        assert tables(migrated) == tables(created)
        assert objects(migrated, "index") == objects(created, "index")
        checks = [check for table in tables(migrated).values() for check in table["checks"]]
        assert len(checks) > 50
        assert all("('name', 'ck_" in check for check in checks)


def test_the_versions_follow_each_other_in_one_line() -> None:
    numbers = [version.revision for version in reversed(VERSIONS)]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert all(version.doc and not version.is_branch_point for version in VERSIONS)


def test_each_version_goes_down_as_it_came_up(empty_url: str) -> None:
    """One by one, and once more: what a version left behind would stand in the way."""
    with opened(empty_url) as engine:
        for version in reversed(VERSIONS):
            before = tables(engine), objects(engine, "index", "trigger", "function")
            move(engine, command.upgrade, version.revision)
            after = tables(engine), objects(engine, "index", "trigger", "function")
            assert after != before
            move(engine, command.downgrade, version.down_revision or "base")
            assert (tables(engine), objects(engine, "index", "trigger", "function")) == before
            move(engine, command.upgrade, version.revision)
            assert (tables(engine), objects(engine, "index", "trigger", "function")) == after


def test_down_to_nothing_and_up_again_is_the_same_schema(empty_url: str) -> None:
    with opened(empty_url) as engine:
        move(engine, command.upgrade, "head")
        first = tables(engine), objects(engine, "index", "trigger", "function")
        move(engine, command.downgrade, "base")
        assert inspect(engine).get_table_names() == ["alembic_version"]
        assert objects(engine, "index", "trigger", "function") == {}
        move(engine, command.upgrade, "head")
        assert (tables(engine), objects(engine, "index", "trigger", "function")) == first


def test_migrating_twice_changes_nothing(database_url: str, keyring_in_use: Keyring) -> None:
    with opened(database_url) as engine:
        with Session(engine) as session:
            for row in every_row():
                session.add(row)
                session.flush()
            session.commit()
        before = tables(engine), objects(engine, "index", "trigger", "function"), table_hashes(engine)
        migrate(database_url)
        assert (tables(engine), objects(engine, "index", "trigger", "function"), table_hashes(engine)) == before


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_url: str) -> None:
    """Schema and version change together or not at all."""
    with opened(empty_url) as engine:
        with pytest.raises(RuntimeError, match="a power cut"), engine.begin() as connection:
            upgrade(connection)
            raise RuntimeError("a power cut")
        assert inspect(engine).get_table_names() == []
        migrate(empty_url)
        assert set(tables(engine)) == set(METADATA.tables)


def test_processes_that_migrate_at_once_make_one_schema(empty_url: str) -> None:
    """One migrates, the others wait and find it done."""
    command_line = [sys.executable, "-W", "error", "-c", MIGRATE, empty_url]
    running = [subprocess.Popen(command_line, cwd=HERE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in running]
    assert ended == [("", 0)] * 3
    with opened(empty_url) as engine:
        assert set(tables(engine)) == set(METADATA.tables)
