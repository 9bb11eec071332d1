"""deploy/roles.sql on a real PostgreSQL: the app does its work and no more, the reader sees no number at rest."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from connectors.database import migrate, open_engine
from connectors.settings import Settings
from flows.nightly import nightly_sync
from models.tables import METADATA
from models.vault import Encrypted
from tasks.backup import back_up, restore
from tasks.office import Office, use_office
from tasks.retention import keep_house
from tests.fixtures.care import contents
from tests.fixtures.cohorts import CONSENTED, DATA, OPENED, Case, open_cohort, take_roster
from tests.fixtures.databases import opened

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("postgres_tools")]

ROLES = Path(__file__).parents[2] / "deploy" / "roles.sql"
NAME = "roles_of_yuanmeng"
ROLE = Callable[[str], str]


def give_roles(server: str) -> None:
    """Run the script as it says, as a superuser."""
    words = ["psql", "--no-psqlrc", "--quiet", "-v", f"database={NAME}", "-f", str(ROLES), server]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def role(request: pytest.FixtureRequest) -> Iterator[ROLE]:
    """Gives the address of the database as a role sees it: set up by the script, migrated by its owner, and the script again."""
    server = str(request.getfixturevalue("postgres_server"))
    with pytest.MonkeyPatch.context() as patch:
        request.getfixturevalue("postgres_path")(patch)
        give_roles(server)

        def address(name: str) -> str:
            return make_url(server).set(database=NAME, username=name).render_as_string(hide_password=False)

        migrate(address("yuanmeng_owner"))
        give_roles(server)
        yield address


@pytest.fixture
def app(role: ROLE, tmp_path: Path, keyring_in_use: object) -> Iterator[Office]:
    """An office that works as the app."""
    url = role("yuanmeng_app")
    settings = Settings(home=tmp_path, database_url=url, keys_file=tmp_path / "keys.toml", actor="tester")
    office = Office(settings, open_engine(url))
    use_office(office)
    yield office
    use_office(None)
    office.engine.dispose()


def test_the_app_runs_nights_and_keeps_house_and_is_kept_from_all_else(app: Office, role: ROLE, tmp_path: Path) -> None:
    """A cohort is opened, its roster taken, its night run; then everything that is not the app's is refused."""
    migrate(app.settings.database_url)  # the schema is the newest: the app may ask
    case = Case(open_cohort())
    take_roster(DATA / "plain.xlsx", case.code)
    case.consent()
    asyncio.run(nightly_sync.fn(as_of=CONSENTED))
    assert set(case.stages()) == {"review"}
    asyncio.run(keep_house(OPENED))
    for statement in (
        "DROP TABLE waits", "TRUNCATE waits", "ALTER TABLE waits ADD COLUMN more text", "CREATE TABLE more (id text)",
        "ALTER TABLE ledger_lines DISABLE TRIGGER ALL", "ALTER TABLE audit_events DISABLE TRIGGER audit_events_only_grows",
        "DROP TRIGGER audit_events_only_grows ON audit_events", "SET session_replication_role = replica",
        "UPDATE audit_events SET reason = 'x'", "DELETE FROM audit_events", "UPDATE ledger_lines SET amount = 1",
        "DELETE FROM ledger_lines", "TRUNCATE ledger_lines CASCADE", "UPDATE alembic_version SET version_num = '0001'",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "CREATE SCHEMA mine", "SET ROLE yuanmeng_owner",
    ):  # fmt: skip
        with (
            pytest.raises(DBAPIError, match=r"permission denied|must be owner|only ever grows"),
            app.engine.begin() as one,
        ):
            one.execute(text(statement))
    _owner_restores(role, tmp_path)
    case.advance(CONSENTED)
    _reader_reads(role)


def _owner_restores(role: ROLE, tmp_path: Path) -> None:
    """What the owner restores, the app works on as before."""
    owner = Settings(
        home=tmp_path, database_url=role("yuanmeng_owner"), keys_file=tmp_path / "keys.toml", actor="tester"
    )
    back_up(owner, tmp_path / "kept.zip")
    held = contents(owner.database_url)
    restore(owner, tmp_path / "kept.zip", replace=True)
    assert contents(owner.database_url) == held


def _reader_reads(role: ROLE) -> None:
    """After the restore the script is run again, for the reader's columns."""
    give_roles(make_url(role("postgres")).set(database="postgres").render_as_string(hide_password=False))
    with opened(role("yuanmeng_reader")) as engine:
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(name) FROM workers")).scalar_one() == 6
            assert connection.execute(text("SELECT count(*) FROM ledger_lines")).scalar_one() == 0
        for table in METADATA.sorted_tables:
            hidden = [
                one.name for one in table.columns if isinstance(one.type, Encrypted) or one.name.endswith("_hash")
            ]
            shown = [one.name for one in table.columns if one.name not in hidden]
            for name in hidden:
                with pytest.raises(ProgrammingError, match="permission denied"), engine.connect() as connection:
                    connection.execute(text(f"SELECT {name} FROM {table.name}"))  # noqa: S608
            with engine.connect() as connection:
                quoted = ", ".join(f'"{name}"' for name in shown)
                connection.execute(text(f"SELECT {quoted} FROM {table.name} LIMIT 1"))  # noqa: S608
        for statement in (
            "INSERT INTO projects VALUES ('x', 'y', 'z')",
            "DELETE FROM waits",
            "CREATE TEMP TABLE t (i int)",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), engine.begin() as connection:
                connection.execute(text(statement))


def test_every_table_of_the_owner_is_known_to_the_script(role: ROLE) -> None:
    with opened(role("yuanmeng_owner")) as engine:
        assert set(METADATA.tables) <= set(inspect(engine).get_table_names())
