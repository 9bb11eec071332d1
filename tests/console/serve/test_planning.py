"""What a serve is to run, from what was typed, set and found; secrets go through the environment alone."""

from pathlib import Path
from typing import Any

import pytest

from connectors.settings import load_settings
from console.commands.home import TEMPLATE
from console.serve import run as running
from console.serve.parts import API_AUTH, SERVER_AUTH, Part, Plan, parts_of
from console.serve.planning import Wanted, advice, is_fresh, make_plan
from console.serve.seat import free_of
from tasks.errors import BadInput
from tests.console.conftest import Type

SECRET = "yuanmeng:the-secret-of-a-test"
POSTGRES = "postgresql://ym@db.lan/prefect"


def parts(**more: Any) -> dict[str, Part]:
    """The parts of a plan, by name."""
    plan = Plan(
        home=Path("/ym"), config=Path("/ym/yuanmeng.toml"), api_url="http://127.0.0.1:4200/api", pool="yuanmeng", **more
    )
    return {part.name: part for part in parts_of(plan)}


def planned(home: Path, **more: Any) -> Plan:
    """The plan for a home."""
    wanted = Wanted(home, **more)
    return make_plan(wanted, load_settings(home), wanted.port)


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, ["server", "worker-1", "keeper"]),
        ({"workers": 2, "callbacks_port": 8090}, ["server", "worker-1", "worker-2", "keeper", "callbacks"]),
        ({"shares": ("api",)}, ["api"]),
        ({"shares": ("services",)}, ["services", "keeper"]),
        ({"shares": ("worker",), "workers": 2}, ["worker-1", "worker-2", "keeper"]),
        ({"shares": ("api", "services")}, ["api", "services", "keeper"]),
    ],
)
def test_each_share_of_many_machines_has_its_parts(more: dict[str, Any], names: list[str]) -> None:
    assert list(parts(**more)) == names


def test_secrets_stand_in_no_command_line_and_only_where_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER_AUTH, "another")
    found = parts(auth=SECRET, database_url="postgresql+asyncpg://ym:pw@db.lan/prefect")
    assert SECRET not in str([part.words for part in found.values()])
    assert SECRET not in repr(found)
    assert {name for name, part in found.items() if SERVER_AUTH in part.environment} == {"server"}
    assert {part.environment[API_AUTH] for part in found.values()} == {SECRET}
    assert [
        name for name, part in found.items() if "pw" in str(part.environment.get("PREFECT_API_DATABASE_CONNECTION_URL"))
    ] == ["server"]


def test_a_part_works_for_its_home_and_its_server_whatever_this_process_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://elsewhere/api")
    monkeypatch.setenv("PREFECT_WORKER_QUERY_SECONDS", "9")
    found = parts()
    assert "PREFECT_API_URL" not in found["server"].environment
    worker = found["worker-1"].environment
    assert (worker["PREFECT_API_URL"], worker["YUANMENG_HOME"]) == ("http://127.0.0.1:4200/api", "/ym")
    assert worker["PREFECT_HOME"] == "/ym/prefect"
    assert found["server"].environment["PREFECT_UI_STATIC_DIRECTORY"] == "/ym/prefect/ui"
    assert (worker["PREFECT_WORKER_QUERY_SECONDS"], worker["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) == ("9", "30")


def test_the_secret_comes_from_the_environment_or_a_file_of_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert planned(home).auth == ""
    (home / "yuanmeng.toml").write_text('prefect_auth_file = "auth"\n')
    (home / "auth").write_text(f"{SECRET}\n")
    assert planned(home).auth == SECRET
    assert SECRET not in repr(planned(home))
    (home / "auth").write_text("two\nlines")
    with pytest.raises(BadInput, match=r"auth must hold one line, as user:password"):
        planned(home)
    monkeypatch.setenv(SERVER_AUTH, "from:environment")
    assert planned(home).auth == "from:environment"


def test_nothing_is_opened_to_others_without_a_secret(home: Path, bare: Type) -> None:
    ended = bare("serve", "--home", str(home), "--host", "0.0.0.0", "--port", "0", "--health-port", "0")  # noqa: S104
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "nothing would be asked of them" in ended.err
    assert planned(home, host="localhost").api_url == "http://localhost:4200/api"


def test_others_reach_a_server_that_asks_for_a_secret(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER_AUTH, SECRET)
    assert planned(home, host="0.0.0.0", port=4300).api_url == "http://127.0.0.1:4300/api"  # noqa: S104
    assert planned(home, host="::", port=4300).api_url == "http://[::1]:4300/api"


def test_a_share_without_the_api_needs_to_be_told_where_it_is(home: Path, bare: Type) -> None:
    ended = bare("serve", "--only", "worker", "--home", str(home), "--health-port", "0")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("PREFECT_API_URL is not set")


@pytest.mark.parametrize(
    "url", ["prefect.lan:4200/api", "http://ym:pw@prefect.lan:port/api", "http://[prefect/api", "/api"]
)
def test_what_is_no_address_of_the_api_is_refused_and_not_repeated(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """It would wait for ever for a server that cannot be asked, without a word."""
    monkeypatch.setenv("PREFECT_API_URL", url)
    with pytest.raises(BadInput, match=r"^PREFECT_API_URL is no address: give ") as told:
        planned(home, shares=("worker",))
    assert "pw" not in str(told.value)


def test_prefect_keeps_its_data_where_the_environment_or_the_settings_say(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert planned(home).database_url is None
    (home / "yuanmeng.toml").write_text(f'prefect_database_url = "{POSTGRES}"\n')
    assert planned(home).database_url == "postgresql+asyncpg://ym@db.lan/prefect"
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "postgresql+asyncpg://other@db.lan/prefect")
    assert planned(home).database_url is None


def test_it_says_when_postgresql_is_wanted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(**more: Any) -> list[str]:
        return advice(planned(home, **more), load_settings(home))

    assert said() == []
    (sentence,) = said(workers=2)
    assert "for more than one worker name a PostgreSQL with prefect_database_url" in sentence
    monkeypatch.setenv("YUANMENG_DATABASE_URL", "postgresql://ym@db.lan/ym")
    assert said() == [sentence]
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.lan/api")
    assert said(shares=("worker",), workers=3) == []
    monkeypatch.setenv("YUANMENG_PREFECT_DATABASE_URL", POSTGRES)
    assert said(workers=2) == []
    (sentence,) = said(shares=("services",))
    assert sentence.startswith("the API and the services of Prefect hear of each other through Redis")
    monkeypatch.setenv("PREFECT_MESSAGING_BROKER", "prefect_redis.messaging")
    assert said(shares=("services",)) == []


def test_workers_of_one_machine_have_names_of_their_own() -> None:
    names = (
        parts(workers=2)["worker-2"].words[-1],
        parts(shares=("worker",), seat="worker-vm-4211")["worker-1"].words[-1],
    )
    assert [name.partition(":")[2] for name in names] == ["2", "4211-1"]


def test_only_an_empty_folder_or_an_unfinished_one_is_set_up(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    assert is_fresh(Wanted(empty))
    empty.mkdir()
    for name in ("serve.lock", "keys.toml"):
        (empty / name).touch()
    assert is_fresh(Wanted(empty))
    assert not is_fresh(Wanted(empty, shares=("worker",)))
    assert not is_fresh(Wanted(home))
    (empty / "yuanmeng.toml").write_text("# somebody's\n")
    assert not is_fresh(Wanted(empty))
    (empty / "yuanmeng.toml").write_text(TEMPLATE)
    assert not is_fresh(Wanted(empty))
    (empty / "keys.toml").unlink()
    assert is_fresh(Wanted(empty))
    (empty / "somebody's.txt").touch()
    assert not is_fresh(Wanted(empty))
    monkeypatch.setenv("YUANMENG_CONFIG", str(home / "yuanmeng.toml"))
    assert not is_fresh(Wanted(tmp_path / "other"))


def test_a_folder_with_something_else_is_left_alone(bare: Type, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    ended = bare("serve", "--home", str(tmp_path), "--port", "0", "--health-port", "0")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "run `yuanmeng init`" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_the_door_for_buttons_opens_where_a_chat_has_a_signing_secret(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console.run import open_home

    monkeypatch.setenv("YM_SIGNING", "secret")
    (home / "yuanmeng.toml").write_text(
        '[[connections]]\nname = "chat"\nkind = "slack"\norganisation = "X"\nbase_url = "https://slack.example/api/"\n'
        'auth = { type = "bearer", token_env = "YM_TOKEN", signing_secret_env = "YM_SIGNING" }\n'
        'options = { channel = "C1", team = "T1" }\n'
    )
    open_home(home)
    wanted = Wanted(home, callbacks_port=0)
    assert running._callbacks_port(wanted)
    assert running._callbacks_port(Wanted(home, callbacks_port=0, shares=("worker",))) is None
    running._close()


def test_settings_that_an_editor_wrote_otherwise_are_no_empty_home(tmp_path: Path, bare: Type) -> None:
    (tmp_path / "yuanmeng.toml").write_bytes("# 设置\n".encode("gb18030"))
    assert not is_fresh(Wanted(tmp_path))
    ended = bare("serve", "--home", str(tmp_path))
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "yuanmeng.toml is not valid TOML" in ended.err


def test_a_database_with_workers_gets_no_keys_of_another_home(
    nominees: str, home: Path, bare: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YUANMENG_DATABASE_URL", f"sqlite:///{home / 'yuanmeng.db'}")
    ended = bare("serve", "--home", str(tmp_path / "new"), "--port", "0", "--health-port", "0")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "put its keys.toml and yuanmeng.toml into the home first" in ended.err
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["serve.lock"]


@pytest.mark.parametrize("option", ["health_port", "callbacks_port"])
def test_no_two_doors_of_a_serve_get_one_port(home: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """The server would start again for ever, in vain: as with `--port 4201`, which is where the health page listens."""

    async def begin(*_: Any) -> None:
        raise AssertionError("it began")

    monkeypatch.setattr(running, "_serve", begin)
    monkeypatch.setattr(running, "open_doors", lambda: ({"chat": "a door"}, []))
    port = free_of("127.0.0.1", 0, "--port")
    word = option.replace("_", "-")
    with pytest.raises(BadInput, match=f"^port {port} of 127.0.0.1 is taken: name another with --{word}$"):
        running.run(Wanted(home, **{"health_port": 0, "callbacks_port": 0, "port": port, option: port}))
