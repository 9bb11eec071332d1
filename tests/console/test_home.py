"""`yuanmeng init`, `yuanmeng keys rotate`, and what the command line says of itself."""

import importlib.metadata
from pathlib import Path

import pytest

from models.rules.privacy import holds_personal_number
from tests.console.conftest import DAY, Type, people


def test_init_twice_changes_nothing(bare: Type, tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    first = bare("init", "--home", str(home), "--json")
    kept = {path: path.read_bytes() for path in home.glob("*.toml")}
    second = bare("init", "--home", str(home), "--json")
    assert (first.code, first.err, second) == (0, "", first)
    assert {path: path.read_bytes() for path in home.glob("*.toml")} == kept
    assert first.json == {
        "home": str(home), "config": str(home / "yuanmeng.toml"), "keys": str(home / "keys.toml")
    }  # fmt: skip


def test_init_keeps_keys_and_exchange_to_their_owner_and_says_what_is_next(bare: Type, tmp_path: Path) -> None:
    ended = bare("init", "--home", str(tmp_path))
    assert (tmp_path / "keys.toml").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "exchange").stat().st_mode & 0o777 == 0o700
    assert "yuanmeng connections check" in ended.out


def test_init_leaves_settings_that_stand_as_they_are(bare: Type, tmp_path: Path) -> None:
    (tmp_path / "yuanmeng.toml").write_text('channel = "ours"\n')
    assert bare("init", "--home", str(tmp_path)).code == 0
    assert (tmp_path / "yuanmeng.toml").read_text() == 'channel = "ours"\n'


def test_init_in_a_folder_that_cannot_be_is_one_sentence(bare: Type, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = bare("init", "--home", str(tmp_path / "file"))
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "check the path" in ended.err


def test_init_follows_yuanmeng_config(bare: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANMENG_CONFIG", str(tmp_path / "ours.toml"))
    assert bare("init", "--json").json["config"] == str(tmp_path / "ours.toml")
    assert bare("cohort", "list", "--json").json == {"cohorts": []}


def test_a_new_key_leaves_every_number_readable(typed: Type, nominees: str, home: Path) -> None:
    someone = next(one["id"] for one in people(typed, nominees) if one["status"] == "active")
    reveal = ("worker", "show", someone, "--reveal", "--reason", "checking the rotation", "--json")
    before = typed(*reveal).json["revealed"]
    rotated = typed("keys", "rotate", *DAY, "--json")
    assert (rotated.code, rotated.json["key"]) == (0, "k2")
    assert rotated.json["fields"] > 0
    assert typed(*reveal).json["revealed"] == before
    assert typed("keys", "rotate", "--same-key", *DAY).out == "密钥 key k2: 0 fields encrypted anew\n"


def test_the_version_is_told(bare: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bare("--version").out == f"yuanmeng {importlib.metadata.version('yuanmeng')}\n"

    def unknown(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("console.app.version", unknown)
    assert bare("--version").out.startswith("yuanmeng (not installed")


def test_nothing_typed_gives_the_help_and_two(bare: Type) -> None:
    for words in ((), ("cohort",), ("worker",), ("quarantine",)):
        ended = bare(*words)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("Usage: yuanmeng")
        assert ended.err.count("\n") > 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("chort",), "No such command 'chort' (did you mean 'cohort'?): see `yuanmeng --help`"),
        (("cohort", "shw"), "No such command 'shw' (did you mean 'show'?): see `yuanmeng cohort --help`"),
        (("inbox", "--jsn"), "No such option: --jsn (Possible options: --json): see `yuanmeng inbox --help`"),
        (("cohort", "show"), "Missing argument 'CODE': see `yuanmeng cohort show --help`"),
        (("inbox", "--as-of", "2025-02-29"),
         "Invalid value for '--as-of': 2025-02-29 is no date: write it as 2026-09-01"),
    ],
)  # fmt: skip
def test_a_slip_of_the_keyboard_gets_one_sentence(bare: Type, words: tuple[str, ...], said: str) -> None:
    ended = bare(*words)
    assert (ended.code, ended.out, ended.err) == (2, "", f"{said}\n")


@pytest.mark.parametrize(
    "words",
    ["init", "connections", "connections check", "cohort list", "inbox", "stalls", "sync", "quarantine list",
     "quarantine retry", "report", "keys rotate"],
)  # fmt: skip
def test_every_command_of_a_home_takes_a_business_date_and_gives_one_object(typed: Type, words: str) -> None:
    ended = typed(*words.split(), *DAY, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert isinstance(ended.json, dict)
    assert not holds_personal_number(ended.out)
