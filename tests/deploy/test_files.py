"""The files of deploy/ say what is so: every command and variable in them exists, every secret is a file, nothing is open."""

import json
import os
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_settings_fields
from sqlalchemy import create_engine, make_url, text
from typer.main import get_command

from connectors.settings import Settings, load_settings, read_keys
from console.app import app
from models.tables import METADATA
from tests.deploy.files import (
    COMPOSE,
    DEPLOY,
    ROOT,
    UNITS,
    command_of,
    compose,
    environment_file,
    environment_of,
    settings_of,
)

OURS = {name for name, one in compose()["services"].items() if one.get("image") == "yuanmeng"}
SECRET = re.compile(r"(?i)password|secret|token|:[^/@]+@|auth_string")
REDIS = {"PREFECT_REDIS_MESSAGING_URL", "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL", "PREFECT_SERVER_DOCKET_URL"}


def check_command(words: list[str]) -> None:
    """A command line of ours can be read by the command it names."""
    assert Path(words[0]).name == "yuanmeng"
    command: Any = get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, words
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context("x", [one.replace("%S", "/s").replace("%i", "1") for one in rest])


def check_variable(name: str, value: str) -> None:
    """A variable is Prefect's or ours, and its value no secret."""
    ours = {f"YUANMENG_{field.upper()}" for field in Settings.model_fields} | {"YUANMENG_CONFIG", "YUANMENG_HOME"}
    others = {"DO_NOT_TRACK", "RUNTIME_DIRECTORY"}
    assert name in ours | others | set(_get_settings_fields(PrefectSettings)), name
    assert not SECRET.search(value), name


# --- systemd --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_exists_with_variables_that_exist(path: Path) -> None:
    check_command(command_of(path))
    for name, value in environment_of(path).items():
        check_variable(name, value)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_bounded_comes_back_and_is_its_own_user(path: Path) -> None:
    for name, value in {"Restart": "always", "User": "yuanmeng", "NoNewPrivileges": "true", "ProtectSystem": "strict",
                        "ProtectHome": "true", "UMask": "0077", "StateDirectoryMode": "0700"}.items():  # fmt: skip
        assert settings_of(path, name) == [value], name
    for name in ("MemoryMax", "CPUQuota", "TasksMax", "TimeoutStopSec"):
        assert settings_of(path, name), name
    many = path.name != "yuanmeng.service"
    credentials = {one.partition(":")[0] for one in settings_of(path, "LoadCredential")}
    assert credentials == ({"pgpass", "keys.toml", "prefect_auth", "redis_url"} if many else set())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_itself_reads_the_units_without_a_word(tmp_path: Path) -> None:
    """But for the commands, which lie under /opt only where Yuanmeng is installed."""
    for path in UNITS:
        text_ = path.read_text(encoding="utf-8")
        text_ = re.sub(r"ExecStart=\S+", f"ExecStart={shutil.which('true')}", text_)
        (tmp_path / path.name).write_text(text_, encoding="utf-8")
    words = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "yuanmeng" in line]
    assert ours == []


def test_prefect_takes_what_its_file_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value in the form its setting wants: ninety days of runs, seven of events."""
    for name, value in environment_file(DEPLOY / "prefect.env").items():
        monkeypatch.setenv(name, value)
    server = PrefectSettings().server
    assert server.services.db_vacuum.enabled_vacuum_types == {"events", "flow_runs", "orphans"}
    assert server.services.db_vacuum.retention_period == timedelta(days=90)
    assert server.events.retention_period == timedelta(days=7)
    assert server.concurrency.lease_storage == "prefect_redis.lease_storage"


# --- compose --------------------------------------------------------------------------------------------------


def test_every_service_is_healthy_bounded_and_comes_back() -> None:
    services = compose()["services"]
    assert set(services) == {"postgres", "redis", "owner", "api", "services", "worker"}
    for name, one in services.items():
        limits = one["deploy"]["resources"]["limits"]
        assert limits["memory"], name
        assert limits["cpus"], name
        assert one["restart"] == ("no" if name == "owner" else "unless-stopped")
        assert ("healthcheck" in one) == (name != "owner")


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_container_of_ours_runs_what_exists_and_may_do_nothing_else(name: str) -> None:
    one = compose()["services"][name]
    check_command(one["command"])
    assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
    assert one["env_file"] == "../prefect.env"
    variables = environment_file(DEPLOY / "prefect.env") | one["environment"]
    for variable, value in variables.items():
        check_variable(variable, value)


def test_every_secret_is_a_file_and_every_name_leads_somewhere() -> None:
    whole = compose()
    for name, one in whole["secrets"].items():
        assert set(one) == {"file"}, name
    for name, one in whole["services"].items():
        named = [each if isinstance(each, str) else each["source"] for each in one.get("secrets", [])]
        assert set(named) <= set(whole["secrets"]), name
        used = re.findall(r"/run/secrets/(\w+)", json.dumps(one))
        assert set(used) <= set(named), name
        depends = one.get("depends_on", {})
        assert set(depends) <= set(whole["services"])
        for other, how in depends.items():
            assert how["condition"] == ("service_completed_successfully" if other == "owner" else "service_healthy")
        for volume in one.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (COMPOSE.parent / source).exists(), volume
            elif not source.startswith("/"):
                assert source in whole["volumes"], volume
        for variable, value in one.get("environment", {}).items():
            assert value.startswith("/run/secrets/") if variable.endswith("_FILE") else not SECRET.search(value), (
                variable
            )


def test_nothing_but_prefects_screen_on_loopback_is_published() -> None:
    published = {name: one["ports"] for name, one in compose()["services"].items() if "ports" in one}
    assert published == {"api": ["127.0.0.1:4200:4200"]}


def dockerfile() -> list[str]:
    """The lines of the Dockerfile, those that go on put together."""
    told = (DEPLOY / "compose" / "Dockerfile").read_text(encoding="utf-8")
    return told.replace("\\\n", "").splitlines()


def test_the_tools_for_backups_are_as_new_as_the_server() -> None:
    """A Debian has one version of them, and they dump no newer server."""
    (base,) = (line.rpartition("-")[2] for line in dockerfile() if line.startswith("FROM"))
    major = {"bookworm": "15", "trixie": "17"}[base]
    assert compose()["services"]["postgres"]["image"] == f"postgres:{major}"


def test_a_volume_in_the_home_is_our_users() -> None:
    """Where the image has no such folder, Docker makes it, and it is root's."""
    (made,) = re.findall(r"install -d -o yuanmeng -g yuanmeng -m 0700 ([^&\n]*)", "\n".join(dockerfile()))
    mounted = [one.split(":") for name in OURS for one in compose()["services"][name]["volumes"]]
    targets = {words[1] for words in mounted if len(words) > 1 and words[1].startswith("/var/lib/yuanmeng/")}
    assert targets == set(made.split()) == {f"/var/lib/yuanmeng/{one}" for one in ("exchange", "reports", "backups")}


def test_no_command_line_of_redis_shows_its_password(tmp_path: Path) -> None:
    """Whoever may list the processes of the container reads it there; it gets it with its settings, by its input."""
    (tmp_path / "redis_password").write_text("s3cret\n", encoding="utf-8")
    told = tmp_path / "redis-server"
    told.write_text('#!/bin/sh\necho "$@" > "$0.words"\ncat > "$0.settings"\n', encoding="utf-8")
    told.chmod(0o755)
    *words, script = compose()["services"]["redis"]["command"]
    script = script.replace("/run/secrets", str(tmp_path)).replace("$$", "$")
    subprocess.run([*words, script], env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}, check=True)
    assert (tmp_path / "redis-server.words").read_text(encoding="utf-8") == "-\n"
    settings = (tmp_path / "redis-server.settings").read_text(encoding="utf-8").splitlines()
    assert settings == ["appendonly yes", "maxmemory-policy noeviction", "requirepass s3cret"]


def test_images_are_plain_names_and_the_dockerfile_copies_what_is_there() -> None:
    images = {one.get("image") for one in compose()["services"].values()}
    assert images == {"postgres:15", "redis:7", "yuanmeng"}
    lines = (DEPLOY / "compose" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    assert all((ROOT / one).exists() for one in copied)
    assert {"console", "flows", "tasks", "connectors", "models", "migrations", "requirements.lock"} <= set(copied)
    assert any("--require-hashes -r requirements.lock" in line for line in lines)


@pytest.mark.skipif(
    subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0
    if shutil.which("docker")
    else True,
    reason="docker compose is not here",
)
def test_docker_itself_reads_the_compose_file() -> None:
    done = subprocess.run(
        ["docker", "compose", "-f", str(COMPOSE), "config", "--quiet"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


# --- secrets --------------------------------------------------------------------------------------------------


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder of secrets as the script makes it."""
    shutil.copy(DEPLOY / "compose" / "secrets.sh", tmp_path)
    done = subprocess.run(["sh", str(tmp_path / "secrets.sh")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return tmp_path / "secrets"


def test_the_secrets_are_made_once_and_nobody_else_enters_their_folder(secrets: Path) -> None:
    made = {one.name: one.read_bytes() for one in secrets.iterdir()}
    assert set(made) == {Path(one["file"]).name for one in compose()["secrets"].values()}
    assert secrets.stat().st_mode & 0o777 == 0o700
    again = subprocess.run(["sh", str(secrets.parent / "secrets.sh")], capture_output=True, text=True)
    assert (again.returncode, again.stderr.strip()) == (2, "secrets/ is there already: nothing was changed")
    assert {one.name: one.read_bytes() for one in secrets.iterdir()} == made
    assert [one.name for one in secrets.parent.iterdir() if one.name.startswith(".secrets")] == []


def test_a_command_gets_its_secrets_where_nobody_else_reads_them(secrets: Path, tmp_path: Path) -> None:
    (secrets / "WUXI_OU_SECRET").write_text("s3cret\n", encoding="utf-8")
    (secrets / "pgpass_app").rename(secrets / "pgpass")
    into = tmp_path / "into"
    into.mkdir()
    given = {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(secrets), "RUNTIME_DIRECTORY": str(into)}
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    words = ["sh", str(DEPLOY / "with-secrets"), "python3", "-c", show]
    found = json.loads(subprocess.run(words, env=given, capture_output=True, text=True, check=True).stdout)
    assert found["PGPASSFILE"] == str(into / "pgpass")
    assert Path(found["PGPASSFILE"]).stat().st_mode & 0o777 == 0o600
    assert read_keys(Path(found["YUANMENG_KEYS_FILE"])).current == "k1"
    assert Path(found["YUANMENG_PREFECT_AUTH_FILE"]).read_text(encoding="utf-8").startswith("coordinator:")
    assert {found[name] for name in REDIS} == {(secrets / "redis_url").read_text(encoding="utf-8").strip()}
    assert found["WUXI_OU_SECRET"] == "s3cret"
    assert "postgres_password" not in found


def test_the_settings_of_many_machines_are_read_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANMENG_CONFIG", str(DEPLOY / "yuanmeng.toml"))
    monkeypatch.setenv("YUANMENG_HOME", str(tmp_path))
    settings = load_settings()
    assert make_url(settings.database_url).username == "yuanmeng_app"
    assert make_url(settings.database_url).password is None
    assert make_url(str(settings.prefect_database_url)).database == "prefect"


@pytest.mark.postgres
def test_the_databases_are_made_with_the_passwords_of_their_files(
    postgres_server: str, secrets: Path, postgres_tools: None
) -> None:
    """As PostgreSQL's container does, but for where the files lie."""
    script = (DEPLOY / "compose" / "databases.sh").read_text(encoding="utf-8")
    script = script.replace("/run/secrets", str(secrets)).replace("/deploy/", f"{DEPLOY}/")
    script = script.replace("database=yuanmeng", "database=made_by_compose").replace(
        "DATABASE prefect", "DATABASE prefect_made"
    )
    address = make_url(postgres_server)
    given = {**os.environ, "PGHOST": str(address.query["host"]), "PGUSER": "postgres", "PGDATABASE": "postgres"}
    done = subprocess.run(["sh", "-c", script], env=given, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    engine = create_engine(address.set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        query = "SELECT rolname FROM pg_authid WHERE rolpassword LIKE 'SCRAM%'"
        assert set(connection.execute(text(query)).scalars()) >= {"yuanmeng_owner", "yuanmeng_app", "prefect"}
        owners = dict(
            connection.execute(text("SELECT datname, pg_get_userbyid(datdba) FROM pg_database")).tuples().all()
        )
    engine.dispose()
    assert owners["prefect_made"] == "prefect"
    assert owners["made_by_compose"] == "yuanmeng_owner"


def test_the_script_of_roles_hides_every_number_at_rest() -> None:
    """A new column of ciphertext or of a keyed hash must be named there too."""
    from models.vault import Encrypted

    script = (DEPLOY / "roles.sql").read_text(encoding="utf-8")
    hidden = {(table.name, one.name) for table in METADATA.sorted_tables for one in table.columns
              if isinstance(one.type, Encrypted) or one.name.endswith("_hash")}  # fmt: skip
    assert set(re.findall(r"\('(\w+)', '(\w+)'\)", script.partition("column_name) NOT IN (")[2])) == hidden
