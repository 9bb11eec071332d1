"""What the parts of a serve say comes into files and onto the screen, without personal numbers."""

import json
from pathlib import Path

import pytest

from console.serve import voices
from console.serve.voices import Voices

RECORD = {"time": "2026-05-18T01:30:00.000+00:00", "level": "ERROR", "logger": "tasks.sync", "message": "it broke",
          "cohort": "WX-2026A", "exception": "Traceback …\nValueError: no such row\n(see there)"}  # fmt: skip
ID_NUMBER = "32020519881102000X"


def kept(folder: Path, part: str) -> list[dict[str, str]]:
    """The records in a part's file."""
    return [json.loads(line) for line in (folder / f"{part}.log").read_text(encoding="utf-8").splitlines()]


def test_a_record_is_kept_whole_and_shown_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard = Voices(tmp_path)
    heard.hear("worker-1", json.dumps(RECORD))
    heard.close()
    assert kept(tmp_path, "worker-1") == [{**RECORD, "part": "worker-1"}]
    assert capsys.readouterr().err == "09:30:00 worker-1  ERROR WX-2026A · it broke · ValueError: no such row\n"
    assert (tmp_path / "worker-1.log").stat().st_mode & 0o777 == 0o600


def test_a_line_that_is_no_record_becomes_one_without_its_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = Voices(tmp_path)
    for line in (f"banner for {ID_NUMBER}", "", '{"a": 1}', "[1]"):
        heard.hear("server", line)
    heard.tell("ready")
    heard.close()
    assert [one["message"] for one in kept(tmp_path, "server")] == ["banner for 320***************", '{"a": 1}', "[1]"]
    assert [line.split(maxsplit=1)[1] for line in capsys.readouterr().err.splitlines()] == ["serve     ready"]


def test_containers_get_every_record_on_the_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard = Voices(tmp_path, as_json=True)
    heard.hear("server", "banner")
    heard.tell("ready")
    heard.close()
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["part"], one["message"]) for one in told] == [("server", "banner"), ("serve", "ready")]


def test_files_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "FILE_BYTES", 2000)
    heard = Voices(tmp_path, as_json=True)
    for number in range(100):
        heard.hear("server", f"line {number}")
    heard.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["server.log", *(f"server.log.{number}" for number in range(1, voices.FILES_KEPT + 1))]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert kept(tmp_path, "server")[-1]["message"] == "line 99"


def test_serves_that_share_a_home_write_to_files_of_their_own(tmp_path: Path) -> None:
    for seat in ("", "services", "worker-vm"):
        heard = Voices(tmp_path, as_json=True, seat=seat)
        heard.hear("keeper", "here")
        heard.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "keeper.log",
        "services-keeper.log",
        "worker-vm-keeper.log",
    ]


def test_a_full_disk_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heard = Voices(tmp_path)
    (tmp_path / "serve.log").symlink_to("/dev/full")
    heard.tell("ready")
    heard.close()
    assert capsys.readouterr().err.endswith("ready\n")


def test_a_file_that_cannot_be_had_ends_nothing_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever hears a part must go on, or the part stands still once its pipe is full."""
    heard = Voices(tmp_path / "gone")
    heard.tell("ready")
    (tmp_path / "gone").mkdir()
    heard.tell("well again")
    heard.close()
    assert capsys.readouterr().err.count("\n") == 2
    assert [one["message"] for one in kept(tmp_path / "gone", "serve")] == ["well again"]


def test_what_is_said_after_an_old_file_was_taken_away_is_kept_in_a_new_one(tmp_path: Path) -> None:
    """The house-keeping deletes files of 90 days, also that of a part which had nothing to say for so long."""
    heard = Voices(tmp_path)
    heard.tell("ready")
    (tmp_path / "serve.log").unlink()
    heard.tell("worker-1 ended")
    heard.close()
    assert [one["message"] for one in kept(tmp_path, "serve")] == ["worker-1 ended"]
    assert (tmp_path / "serve.log").stat().st_mode & 0o777 == 0o600
