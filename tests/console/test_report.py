"""`yuanmeng report` and `yuanmeng sandbox`: a file to hand on, and a world to connect to."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from models.rules.privacy import holds_personal_number
from tests.console.conftest import DAY, Type


@pytest.mark.parametrize("ending", ["xlsx", "html", "json"])
def test_a_report_is_written_where_it_was_asked_for(typed: Type, nominees: str, tmp_path: Path, ending: str) -> None:
    target = tmp_path / "new" / f"report.{ending}"
    ended = typed("report", "--period", "2026", "--out", str(target), *DAY, "--json")
    assert (ended.code, ended.json["path"], ended.err) == (0, str(target), "")
    if ending == "json":
        assert json.loads(target.read_text(encoding="utf-8"))["cohorts"][0]["cohort"] == nominees
    if ending != "xlsx":
        assert not holds_personal_number(target.read_text(encoding="utf-8"))


def test_without_a_place_the_report_of_the_last_month_lies_in_the_home(typed: Type, home: Path) -> None:
    ended = typed("report", *DAY)
    assert ended.out == f"报表 report: {home / 'reports' / 'report-2026-04.xlsx'}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--period", "2026-13"), "2026-05"),
        (("--period", "lately"), "2026-05"),
        (("--out", "report.pdf"), "not .pdf"),
        (("--period", "13800000001"), "personal number"),
    ],
)
def test_a_report_that_cannot_be_is_one_sentence(typed: Type, words: tuple[str, ...], said: str) -> None:
    ended = typed("report", *words, *DAY)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Seeds and ports of sandboxes that were to be served; none is."""
    asked: list[tuple[int, int]] = []

    def serve(seed: int, port: int, announce: Callable[[str], None]) -> None:
        asked.append((seed, port))
        announce("http://127.0.0.1:8080")

    monkeypatch.setattr("sandbox.server.serve", serve)
    return asked


def test_the_sandbox_says_where_it_answers(bare: Type, served: list[tuple[int, int]]) -> None:
    ended = bare("sandbox", "--port", "0")
    assert (ended.code, ended.out, served) == (0, "", [(2016, 0)])
    assert "http://127.0.0.1:8080/_sandbox/connections" in ended.err


def test_the_sandbox_tells_scripts_its_address(bare: Type, served: list[tuple[int, int]]) -> None:
    ended = bare("sandbox", "--json", "--seed", "7")
    assert (ended.json, served) == ({"url": "http://127.0.0.1:8080"}, [(7, 8080)])


def test_a_port_that_is_taken_is_one_sentence(bare: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = bare("sandbox", "--port", str(taken.getsockname()[1]))
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "--port" in ended.err
