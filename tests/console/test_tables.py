"""What results look like on a screen: narrow or wide, nothing that is copied is broken, nothing taken for a style."""

import io
from typing import Any

import pytest
from rich.console import Console

from console import progress as bars
from console import stall_tables, tables
from console.output import emit
from models.rules.privacy import holds_personal_number
from tasks.progress import tell

STORY: dict[str, Any] = {
    "id": "W-1", "name": "高[建]国", "resident_id": "320205********000X", "household": "rural", "education": "高中",
    "audit": [{"on": "2026-06-01", "action": "decided-review", "actor": "lin", "reason": "[ok]", "detail": "approve"}],
    "participations": [{
        "id": "P-1", "cohort": "WX-2026A", "stage": "teaching", "status": "withdrawn", "rule": "left-employer",
        "reason": "moved away", "steps": [{"stage": "nomination", "entered": "2026-05-18", "left": None}],
        "modules": [
            {"module": "JD101", "name": "工程数学", "state": "barred", "mark": None, "credits": "0.0", "held": 6,
             "present": 3, "rule": "attendance-below-threshold"},
            {"module": "JD102", "name": "制图", "state": "passed", "mark": "76.2", "credits": "10.0", "held": 0,
             "present": 0, "rule": ""},
        ],
        "money": [{"on": "2026-09-14", "kind": "award", "source": "union", "period": "year-1", "amount": "1000.00"}],
        "waits": [{"kind": "bank-card", "for": "a bank card to pay to", "on": "worker", "since": "2026-09-15"}],
    }],
}  # fmt: skip


def drawn(parts: Any, width: int = 100) -> str:
    """The text of tables on a screen of a width."""
    screen = Console(file=io.StringIO(), width=width, highlight=False)
    for part in parts:
        screen.print(part, markup=not isinstance(part, str), soft_wrap=isinstance(part, str))
    text: str = screen.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_story_shows_study_money_waits_and_decisions_in_words() -> None:
    shown = drawn(tables.worker_tables(STORY), 200)
    for words in (
        "高[建]国", "农村户口 rural household", "退出 withdrawn", "已离职 left the employer", "不得考试 barred", "3/6",
        "出勤率不足 attendance below the threshold", "76.2", "核定 award", "工会 union", "第1年 year 1", "1000.00",
        "缺银行卡号 a bank card to pay to", "审核 review decided", "同意 approve [ok]",
    ):  # fmt: skip
        assert words in shown
    assert not holds_personal_number(shown)


@pytest.mark.parametrize("width", [80, 100, 200])
def test_an_id_is_never_broken_in_two(width: int) -> None:
    question = {"id": "D-USCP4S72M6ZA", "cohort": "WX-2026A", "name": "阿卜杜拉·买买提", "since": "2026-05-18",
                "question": "stands twice in this roster: the coordinator decides " * 3}  # fmt: skip
    shown = drawn(tables.inbox_table({"inbox": [question]}), width)
    assert "D-USCP4S72M6ZA" in shown
    assert max(len(line) for line in shown.splitlines()) <= width


def test_a_wait_of_a_year_without_a_calendar_is_due_about_then() -> None:
    wait = {"cohort": "WX-2026A", "on": "union", "holder": "总工会", "for": "the reviewer's decision", "chinese": "待审核",
            "subject": "", "since": "2029-05-18", "due": "2029-05-25", "provisional": True, "stalled": True, "people": 3}  # fmt: skip
    view = {"by": "age", "stalls": [{**wait, "late": 3}]}
    assert "约 about 2029-05-25" in drawn(stall_tables.stall_tables(view), 200)


def test_a_sentence_is_shown_as_it_is_on_a_narrow_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    path = "/a/path/that/is/longer/than/the/screen/is/wide/[really]/report.xlsx"
    emit({}, False, lambda _value: [path])
    assert capsys.readouterr().out == f"{path}\n"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_bar_on_stderr_says_how_far_the_work_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with bars.progress("导入 import"):
        tell("花名册 roster", 250, 1000)
    shown = screen.getvalue()
    assert "导入 import 花名册 roster" in shown
    assert "250/1000" in shown
    tell("花名册 roster", 500, 1000)
    assert "500/1000" not in screen.getvalue()


def test_where_stderr_is_no_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with bars.progress("导入 import"):
        tell("花名册 roster", 250, 1000)
    assert capsys.readouterr().err == ""
