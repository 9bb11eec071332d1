"""The command line in this process: a home that is set up, and commands with what they print and how they end."""

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from console import run as running
from console.__main__ import run
from sandbox.server import Sandbox
from tasks import office as offices

DAY = ("--as-of", "2026-05-18")
NIGHT = ("--as-of", "2023-05-18")
TOKEN = "sandbox-token"


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Type = Callable[..., Ended]


@pytest.fixture(scope="session")
def _home_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home") / "home"
    assert run(["init", "--home", str(home)]) == 0
    return home


@pytest.fixture
def home(_home_template: Path, tmp_path: Path) -> Path:
    """A home as `yuanmeng init` leaves it."""
    home = tmp_path / "home"
    shutil.copytree(_home_template, home)
    return home


@pytest.fixture
def bare(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Type]:
    """Types a command as it stands."""
    monkeypatch.setenv("YUANMENG_ACTOR", "tester")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    def type_(*words: str) -> Ended:
        capsys.readouterr()
        try:
            code = run(words)
        finally:
            _close()
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    yield type_
    running._home = None


@pytest.fixture
def typed(bare: Type, home: Path) -> Type:
    """Types a command for the home."""
    return lambda *words: bare(*words, "--home", str(home))


def _close() -> None:
    """Leave no office open behind a command, as the end of a process would."""
    office = offices._office
    offices.use_office(None)
    if office is not None:
        office.engine.dispose()


@pytest.fixture
def cohort(typed: Type, tmp_path: Path) -> str:
    """The code of a cohort opened from the template's plan."""
    plan = tmp_path / "plan.toml"
    plan.write_text(typed_template(), encoding="utf-8")
    return str(typed("cohort", "open", str(plan), *DAY, "--json").json["code"])


def typed_template() -> str:
    """The plan that `yuanmeng cohort template` prints."""
    from tasks.plan import template_text

    return template_text()


@pytest.fixture
def nominees(typed: Type, cohort: str, data: Path) -> str:
    """The code of a cohort with the nominees of a roster as it was sent: some accepted, some held, some refused."""
    typed("roster", "import", str(data / "as-sent.xlsx"), "--cohort", cohort, *DAY)
    return cohort


def people(typed: Type, cohort: str) -> list[dict[str, Any]]:
    """Everyone in a cohort, as `cohort show --people` lists them."""
    found: list[dict[str, Any]] = typed("cohort", "show", cohort, "--people", *DAY, "--json").json["people"]
    return found


@pytest.fixture(scope="session")
def world() -> Iterator[str]:
    """The address of a sandbox that has lived until the night of 2023-05-18; tests read it and change nothing there."""
    with Sandbox(seed=2016) as sandbox, httpx.Client(trust_env=False) as client:
        client.put(f"{sandbox.url}/_sandbox/today", json={"date": NIGHT[1]}).raise_for_status()
        yield sandbox.url


@pytest.fixture
def connected(home: Path, world: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sandbox's address, its connections being those of the home."""
    monkeypatch.setenv("YUANMENG_SANDBOX_TOKEN", TOKEN)
    with httpx.Client(trust_env=False) as client:
        (home / "yuanmeng.toml").write_text(client.get(f"{world}/_sandbox/connections").text, encoding="utf-8")
    return world


@pytest.fixture
def first_night(typed: Type, connected: str, tmp_path: Path) -> str:
    """The code of the sandbox's first cohort, opened, its first roster imported, before the first night's sync."""
    with httpx.Client(trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        plan = client.get(f"{connected}/_sandbox/plans").json()[0]["toml"]
        code = str(tomllib.loads(plan)["code"])
        (tmp_path / "first.toml").write_text(plan, encoding="utf-8")
        typed("cohort", "open", str(tmp_path / "first.toml"), *NIGHT)
        sent = next(one for one in client.get(f"{connected}/_sandbox/rosters").json() if one["cohort"] == code)
        roster = tmp_path / sent["filename"]
        roster.write_bytes(client.get(sent["url"]).content)
    typed("roster", "import", str(roster), "--cohort", code, "--enterprise", sent["enterprise"], *NIGHT)
    return code
