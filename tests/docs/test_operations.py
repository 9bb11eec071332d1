"""docs/operations.md says what is so: its commands with their options, its files, units, periods and sentences exist."""

import re
import shlex
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest
from typer.main import get_command

from connectors.database import ASIDE, TAKING_MILLISECONDS
from console.app import app
from console.errors import DATABASE
from console.serve.planning import Wanted
from console.serve.seat import seat_name
from console.serve.voices import Voices
from models.rules.policy import DEFAULT_POLICIES, Policy
from tests.deploy.files import DEPLOY, ROOT, UNITS, command_of, environment_file

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
LINES = [line.strip() for block in re.findall(r"```\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
TYPED = [line for line in LINES if line.startswith((".venv/bin/yuanmeng ", "yuanmeng "))]
WORDS = re.sub(r"```\n.*?```", "", PAGE, flags=re.S)
INLINE = [found for found in re.findall(r"`([^`]+)`", WORDS) if re.match(r"yuanmeng [a-z]", found)]


@pytest.mark.parametrize("line", sorted({*TYPED, *INLINE}))
def test_every_command_of_the_page_exists_with_its_options(line: str) -> None:
    for part in re.split(r"&&|\|", line):
        words = shlex.split(part.partition(" > ")[0])
        if not words or Path(words[0]).name != "yuanmeng":
            continue
        command: Any = get_command(app)
        rest = words[1:]
        while rest and hasattr(command, "commands"):
            assert rest[0] in command.commands, line
            command, rest = command.commands[rest[0]], rest[1:]
        given = {word.split("=")[0] for word in rest if word.startswith("--")}
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        assert given <= known, line


def test_there_are_commands_to_hold_the_page_to() -> None:
    names = {re.sub(r"^(\.venv/bin/)?yuanmeng ", "", line).split()[0] for line in (*TYPED, *INLINE)}
    assert {"serve", "init", "backup", "restore", "keys", "retention", "connections", "quarantine", "sync"} <= names


def test_every_file_and_unit_the_page_names_is_there() -> None:
    for path in re.findall(r"\bdeploy/[\w./-]*\w", PAGE):
        assert (ROOT / path).exists() or list(ROOT.glob(f"{path}*")), path
    for unit in re.findall(r"\byuanmeng-(?:api|services|worker@)", PAGE):
        assert (DEPLOY / "systemd" / f"{unit}.service").exists(), unit
    assert "install:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_periods_and_names_of_the_page_are_those_of_the_code() -> None:
    policy = DEFAULT_POLICIES[0]
    for name in re.findall(r"`(\w*retention_\w+)`", WORDS):
        assert name in Policy.__dataclass_fields__, name
    assert f"{policy.retention_years} years after his last participation" in PAGE
    assert f"{policy.finance_retention_years} years after his last ledger line" in PAGE
    assert f"{policy.quarantine_retention_days} days after the cure" in PAGE
    assert f"`exchange/` and `logs/`, on each machine | {policy.files_retention_days} days" in PAGE
    assert f"`{ASIDE}`" in PAGE
    assert f"after {TAKING_MILLISECONDS / 1000} s" in PAGE
    told = environment_file(DEPLOY / "prefect.env")
    vacuum = "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"
    assert f"`{vacuum}={told[vacuum]}`" in PAGE


def test_the_ports_of_health_are_those_of_the_units() -> None:
    for path in UNITS:
        words = command_of(path)
        port = words[words.index("--health-port") + 1] if "--health-port" in words else str(Wanted().health_port)
        share = re.sub(r"yuanmeng-?(\w*).*", r"\1", path.name)
        named = {"": f"(port {port};", "api": f"{port} of the API", "services": f"{port} of the services",
                 "worker": f"{port.replace('%i', 'N')} of worker N"}[share]  # fmt: skip
        assert named in PAGE, path.name


def test_the_names_of_logs_are_those_that_are_written(tmp_path: Path) -> None:
    worker = seat_name(("worker",), 4211).replace(gethostname(), "HOST").replace("4211", "PORT")
    for seat, part in (("", "PART"), ("api", "api"), ("services", "services"), (worker, "worker-1")):
        voices = Voices(tmp_path / "logs", True, seat)
        (tmp_path / "logs").mkdir(exist_ok=True)
        voices.hear(part, "here")
        voices.close()
    for path in (tmp_path / "logs").iterdir():
        assert f"`logs/{path.name}`" in PAGE


def test_the_sentences_the_page_explains_are_said() -> None:
    said = " ".join([*(sentence for _, sentence, _ in DATABASE), *_sources()])
    for sentence in re.findall(r"^\| \"([^\"]+)\" \(", PAGE, re.M):
        parts = [part.strip() for part in sentence.split("…")]
        assert all(part in said for part in parts), sentence


def _sources() -> list[str]:
    """What the modules that word errors say."""
    names = ("connectors/database.py", "connectors/settings.py", "console/errors.py")
    return [(ROOT / name).read_text(encoding="utf-8") for name in names]
