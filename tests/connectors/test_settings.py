"""Settings from yuanmeng.toml and the environment, secrets that are in neither, and the file of keys."""

import os
import stat
import threading
from datetime import time
from pathlib import Path

import pytest

from connectors.settings import (
    Settings,
    SettingsError,
    add_key,
    create_keys,
    load_keyring,
    load_settings,
    read_keys,
    secret_of,
)
from models.vault import KeyMissing

CONNECTION = """
[[connections]]
name = "school"
kind = "oneroster"
organisation = "123202004660001017"
base_url = "https://sis.example/ims/oneroster"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, with the command typed somewhere else."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    for name in [name for name in os.environ if name.startswith("YUANMENG_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def write(home: Path, text: str, name: str = "yuanmeng.toml") -> Path:
    """Write a file of settings."""
    path = home / name
    path.write_text(text, encoding="utf-8")
    return path


def mistake(home: Path | None) -> str:
    """The one sentence of settings that cannot be used."""
    with pytest.raises(SettingsError) as caught:
        load_settings(home)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


# --- where settings come from -----------------------------------------------------------------------------------


def test_an_empty_file_is_an_installation_with_sound_defaults(home: Path) -> None:
    write(home, "")
    settings = load_settings(home)
    assert settings.home == home
    assert settings.database_url == f"sqlite:///{home}/yuanmeng.db"
    assert settings.keys_file == home / "keys.toml"
    assert (settings.connections, settings.language, settings.channel) == ((), "both", "yuanmeng")
    assert settings.actor


def test_the_environment_goes_before_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, 'language = "en"\nactor = "from-file"\ndatabase_url = "sqlite:///file.db"\n')
    monkeypatch.setenv("YUANMENG_ACTOR", "wang")
    monkeypatch.setenv("YUANMENG_DATABASE_URL", "postgresql://db.example/yuanmeng")
    settings = load_settings(home)
    assert (settings.actor, settings.language) == ("wang", "en")
    assert settings.database_url == "postgresql://db.example/yuanmeng"


def test_yuanmeng_config_names_another_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, 'channel = "wrong"')
    other = write(home.parent, 'channel = "right"', "other.toml")
    monkeypatch.setenv("YUANMENG_CONFIG", str(other))
    assert load_settings(home).channel == "right"
    assert load_settings(home).home == home
    assert load_settings().home == home.parent


def test_yuanmeng_home_names_the_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, 'channel = "there"')
    monkeypatch.setenv("YUANMENG_HOME", str(home))
    settings = load_settings()
    assert (settings.channel, settings.home) == ("there", home)


def test_this_folder_is_the_home_unless_another_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, 'channel = "here"')
    monkeypatch.chdir(home)
    settings = load_settings()
    assert (settings.channel, settings.home) == ("here", home)


def test_relative_paths_start_at_the_home_wherever_the_command_was_typed(home: Path) -> None:
    write(home, 'database_url = "sqlite:///data/y.db"\nkeys_file = "secret/keys.toml"\n')
    settings = load_settings(home)
    assert settings.database_url == f"sqlite:///{home}/data/y.db"
    assert settings.keys_file == home / "secret" / "keys.toml"


def test_a_home_named_in_the_file_starts_at_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANMENG_CONFIG", str(write(home, 'home = "data"')))
    settings = load_settings()
    assert settings.home == home / "data"
    assert settings.database_url == f"sqlite:///{home}/data/yuanmeng.db"


@pytest.mark.parametrize("url", ["sqlite:////var/lib/y.db", "sqlite:///:memory:", "postgresql://h/y"])
def test_an_address_that_is_whole_stays_as_it_is(home: Path, url: str) -> None:
    write(home, f'database_url = "{url}"')
    assert load_settings(home).database_url == url


def test_a_file_with_a_byte_order_mark_is_read(home: Path) -> None:
    (home / "yuanmeng.toml").write_bytes('channel = "提醒"'.encode("utf-8-sig"))
    assert load_settings(home).channel == "提醒"


def test_a_database_in_the_environment_is_enough(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANMENG_DATABASE_URL", "postgresql://db.example/yuanmeng")
    assert load_settings(home).connections == ()


def test_connections_are_read_and_cannot_be_changed(home: Path) -> None:
    write(home, CONNECTION + 'auth = { type = "bearer", token_env = "T" }\noptions = { page_size = 100 }\n')
    (one,) = load_settings(home).connections
    assert (one.name, one.kind, one.auth["token_env"], one.options) == ("school", "oneroster", "T", {"page_size": 100})
    with pytest.raises(ValueError, match="frozen"):
        one.name = "other"


# --- mistakes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("channel = ", "is not valid TOML"),
        ('langauge = "zh"', "langauge in .* is not known: remove it, or correct its spelling"),
        ('language = "fr"', "language in .* cannot be used"),
        ('channel = ""', "channel in .* cannot be used"),
        ("connections = 5", "connections in .* cannot be used"),
        ('connections = ["school"]', "connections.0 in .* cannot be used"),
        (CONNECTION + "bas_url = 1", r"connections.0.bas_url in .* is not known"),
        (CONNECTION.replace("https://", "//"), "base_url in .* cannot be used"),
        (CONNECTION.replace("kind", "# kind"), "connections.0.kind in .* cannot be used"),
        (CONNECTION + "auth = 5", "connections.0.auth in .* cannot be used"),
        (CONNECTION + CONNECTION, "two connections are named school"),
    ],
)
def test_a_mistake_is_said_in_one_sentence_that_names_the_setting(home: Path, text: str, words: str) -> None:
    import re

    write(home, text)
    assert re.search(words, mistake(home))


def test_what_was_written_wrongly_is_not_repeated(home: Path) -> None:
    """It may be a secret that stands in the wrong place."""
    write(home, 'language = "hunter2-s3cret"')
    assert "hunter2" not in mistake(home)


def test_a_missing_file_says_how_to_begin(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "yuanmeng init" in mistake(home)
    monkeypatch.setenv("YUANMENG_CONFIG", str(home / "gone.toml"))
    monkeypatch.setenv("YUANMENG_DATABASE_URL", "postgresql://h/y")
    assert "gone.toml" in mistake(home)


def test_a_file_that_is_a_folder_or_no_text_is_said(home: Path) -> None:
    (home / "yuanmeng.toml").mkdir()
    assert "cannot be read" in mistake(home)
    (home / "yuanmeng.toml").rmdir()
    (home / "yuanmeng.toml").write_bytes(b"\xff\xfe\x00")
    assert "is not valid TOML" in mistake(home)


def test_a_variable_that_cannot_be_read_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "")
    monkeypatch.setenv("YUANMENG_CONNECTIONS", "{not json")
    assert "YUANMENG_*" in mistake(home)


# --- secrets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["token", "password", "client_secret", "secret", "key"])
def test_a_secret_in_the_file_itself_is_refused_and_not_repeated(home: Path, name: str) -> None:
    write(home, CONNECTION + f'auth = {{ type = "bearer", {name} = "hunter2" }}')
    said = mistake(home)
    assert f"{name}_env" in said and "school" in said
    assert "hunter2" not in said


def test_a_secret_in_an_address_is_refused_and_not_repeated(home: Path) -> None:
    write(home, CONNECTION.replace("https://", "https://ym:hunter2@"))
    said = mistake(home)
    assert "school" in said
    assert "hunter2" not in said


def test_a_file_of_a_secret_is_named_from_the_folder_of_the_settings(home: Path) -> None:
    write(home, CONNECTION + 'auth = { type = "bearer", token_file = "secret/token" }')
    (home / "secret").mkdir()
    (home / "secret" / "token").write_text("  hunter2\n", encoding="utf-8")
    (one,) = load_settings(home).connections
    assert one.auth["token_file"] == str(home / "secret" / "token")
    assert secret_of(one.auth, "token") == "hunter2"


def test_a_secret_that_is_not_where_it_should_be_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YM_ONE", "hunter2")
    assert secret_of({"token_env": "YM_ONE"}, "token") == "hunter2"
    (home / "binary").write_bytes(b"\xff\xfe")
    for auth, words in (
        ({}, "token_env or token_file"),
        ({"token_env": "YM_OTHER"}, "YM_OTHER is not set"),
        ({"token_file": str(home / "gone")}, "cannot be read"),
        ({"token_file": str(home / "binary")}, "cannot be read"),
    ):
        with pytest.raises(SettingsError, match=words):
            secret_of(auth, "token")


# --- keys -------------------------------------------------------------------------------------------------------


@pytest.fixture
def keys(home: Path) -> Path:
    """A file of new keys."""
    path = home / "secret" / "keys.toml"
    create_keys(path)
    return path


def test_new_keys_are_their_owner_s_alone_and_are_made_once(keys: Path) -> None:
    before = keys.read_bytes()
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    create_keys(keys)
    assert keys.read_bytes() == before
    assert [path.name for path in keys.parent.iterdir()] == ["keys.toml"]
    ring = read_keys(keys)
    assert ring.current == "k1" and len(ring.keys["k1"]) == 64 and ring.matching != ring.keys["k1"]


def test_two_that_make_keys_at_once_leave_one_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second finds no file when it looks, and the first one's when it wants to put its own there."""
    path = home / "keys.toml"
    gate = threading.Barrier(4)
    exists = Path.exists

    def together(self: Path, **options: bool) -> bool:
        found = exists(self, **options)
        if self == path:
            gate.wait(5)
        return found

    monkeypatch.setattr(Path, "exists", together)
    threads = [threading.Thread(target=create_keys, args=(path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    assert [one.name for one in home.iterdir()] == ["keys.toml"]
    assert read_keys(path).current == "k1"


def test_a_new_key_writes_and_the_old_ones_still_read(keys: Path) -> None:
    old = read_keys(keys)
    stored = old.encrypt("320214199102102177")
    new = add_key(keys)
    assert new == read_keys(keys)
    assert (new.current, set(new.keys), new.matching) == ("k2", {"k1", "k2"}, old.matching)
    assert new.decrypt(stored) == "320214199102102177"
    assert new.encrypt("1").startswith("k2:")
    assert new.match_hash("id", "1") == old.match_hash("id", "1")
    with pytest.raises(KeyMissing):
        old.decrypt(new.encrypt("1"))
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert add_key(keys).current == "k3"


def test_keys_are_read_for_the_settings(home: Path, keys: Path) -> None:
    write(home, 'keys_file = "secret/keys.toml"')
    assert load_keyring(load_settings(home)) == read_keys(keys)


def damaged(text: str, how: str) -> str:
    """A file of keys that is broken in one way."""
    return {
        "no TOML": text + "\n=",
        "no keys": text.replace("[keys]", "[other]"),
        "keys are no table": 'current = "k1"\nmatching = "x"\nkeys = 5',
        "no current": text.replace("current", "present"),
        "no base64": text.replace('k1 = "', 'k1 = "*'),
        "too short": 'current = "k1"\nmatching = "YWJj"\n[keys]\nk1 = "YWJj"',
        "a number": text.replace('matching = "', 'number = "') + "\nmatching = 5\n",
        "empty": "",
    }[how]


@pytest.mark.parametrize(
    "how", ["no TOML", "no keys", "keys are no table", "no current", "no base64", "too short", "a number", "empty"]
)
def test_damaged_keys_are_said_and_never_shown(keys: Path, how: str) -> None:
    text = keys.read_text(encoding="utf-8")
    keys.write_text(damaged(text, how), encoding="utf-8")
    with pytest.raises(SettingsError, match="damaged: restore them from their backup") as caught:
        read_keys(keys)
    assert not any(line.partition('"')[2][:20] in str(caught.value) for line in text.splitlines() if '"' in line)


def test_keys_that_lack_the_current_one_are_said(keys: Path) -> None:
    keys.write_text(keys.read_text(encoding="utf-8").replace('current = "k1"', 'current = "k7"'), encoding="utf-8")
    with pytest.raises(SettingsError, match="lack the current one"):
        read_keys(keys)


def test_missing_keys_are_said(home: Path) -> None:
    with pytest.raises(SettingsError, match="yuanmeng init"):
        read_keys(home / "gone.toml")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_keys_that_others_may_read_are_refused(keys: Path, mode: int) -> None:
    keys.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_keys(keys)


def test_the_settings_know_an_actor_even_where_the_system_has_no_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise OSError("no user name")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert Settings(home=home, database_url="sqlite://", keys_file=home / "k").actor == "unknown"


# --- chats, routes and quiet hours ------------------------------------------------------------------------------

GROUP = """
[[connections]]
name = "group"
kind = "apprise"
organisation = "13320200000000003M"
auth = { url_file = "group.url" }
"""


def test_routes_and_quiet_hours_are_read(tmp_path: Path) -> None:
    (tmp_path / "yuanmeng.toml").write_text(
        'quiet = { from = "22:30", until = "07:00" }\n' + GROUP
        + '[[routes]]\nconnection = "group"\nrole = "union"\nseverity = ["urgent", "warning"]\n',
        encoding="utf-8",
    )  # fmt: skip
    settings = load_settings(tmp_path)
    (route,) = settings.routes
    assert (route.role, route.severity, route.project) == (("union",), ("urgent", "warning"), ())
    hours = settings.quiet.hours
    assert [hours.covers(time(hour, minute)) for hour, minute in ((22, 29), (22, 30), (6, 59), (7, 0))] == [
        False, True, True, False,
    ]  # fmt: skip
    assert settings.connections[0].auth["url_file"] == str(tmp_path / "group.url")


def test_nothing_said_of_quiet_hours_means_the_night(tmp_path: Path) -> None:
    (tmp_path / "yuanmeng.toml").write_text("", encoding="utf-8")
    hours = load_settings(tmp_path).quiet.hours
    assert (hours.begins, hours.ends) == (time(21), time(8))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[routes]]\nconnection = "nobody"\n', "leads to nobody, which is no connection of kind slack or apprise"),
        ('[[routes]]\nconnection = "group"\nseverity = "loud"\n', "routes"),
        ('[[routes]]\nconnection = "group"\ncolour = "red"\n', "routes.0.colour .* is not known"),
        ('quiet = { from = "25:00", until = "08:00" }\n', "quiet.from"),
    ],
)
def test_a_route_or_an_hour_that_is_none_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "yuanmeng.toml").write_text(
        text + GROUP if text.startswith("quiet") else GROUP + text, encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=words) as caught:
        load_settings(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ['base_url = "wecombot://h1dden"', 'auth = { url = "wecombot://h1dden" }'])
def test_the_address_of_a_chat_never_stands_in_the_settings(tmp_path: Path, line: str) -> None:
    text = GROUP.replace('auth = { url_file = "group.url" }', line)
    (tmp_path / "yuanmeng.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="url_env") as caught:
        load_settings(tmp_path)
    assert "h1dden" not in str(caught.value)


def test_every_other_connection_needs_its_address(tmp_path: Path) -> None:
    text = GROUP.replace('kind = "apprise"', 'kind = "slack"')
    (tmp_path / "yuanmeng.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="needs a base_url"):
        load_settings(tmp_path)
