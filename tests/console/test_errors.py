"""What a person is told when a command cannot go on: a sentence and a code, whatever went wrong."""

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy.exc

from connectors.errors import Permanent, Transient
from connectors.settings import SettingsError
from console import errors
from console.__main__ import main
from console.run import run_flow
from models.rules.privacy import holds_personal_number
from tasks.errors import BadInput, Held
from tests.console.conftest import Type

ROOT = Path(__file__).parents[2]
CARD = "6220000000000001"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Held("see to it"), 1),
        (BadInput("mend it"), 2),
        (SettingsError("correct it"), 2),
        (Transient("school", "read", "it is away"), 3),
        (Permanent("school", "read", "log in anew", status=401), 3),
    ],
)
def test_an_error_of_ours_keeps_its_sentence_and_has_its_code(error: Exception, code: int) -> None:
    assert errors.explain(error) == (str(error), code)


def test_a_sentence_of_several_lines_becomes_one_without_numbers() -> None:
    assert errors.explain(BadInput(f"the card\n {CARD}  is taken")) == (f"the card {CARD[:3]}{'*' * 13} is taken", 2)
    assert errors.explain(BadInput("")) == ("the command could not go on", 2)


@pytest.mark.parametrize(
    ("said", "sentence", "code"),
    [
        ("no such table: cohorts", "run `yuanmeng init` first", 2),
        ("no such column: x", "of an older Yuanmeng", 2),
        ("file is not a database", "is no database", 2),
        ("attempt to write a readonly database", "may only be read", 2),
        ("database or disk is full", "free some space", 3),
        ("unable to open database file", "cannot be reached", 3),
        ("connection refused", "cannot be reached", 3),
        ("database is locked", "busy with another command", 3),
        ("database disk image is malformed", "is damaged: restore a backup", 2),
    ],
)
def test_what_a_database_says_becomes_what_to_do(said: str, sentence: str, code: int) -> None:
    """Through SQLAlchemy, and from the driver itself: copies are made by that alone."""
    raw = sqlite3.OperationalError(said)
    for error in (sqlalchemy.exc.OperationalError("select", {}, raw), raw):
        told, number = errors.explain(error)
        assert sentence in told
        assert number == code


def test_a_full_disk_of_postgresql_is_told_as_such() -> None:
    told = errors.explain(psycopg.errors.DiskFull('could not extend file "base/1/2": No space left on device'))
    assert told == ("the disk of the database is full: free some space, then try again", 3)


def test_a_column_that_is_named_connection_is_not_taken_for_the_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("console.run._home", tmp_path)
    cause = sqlite3.IntegrityError("UNIQUE constraint failed: quarantine.connection, quarantine.stream")
    assert "nobody expected" in errors.explain(sqlalchemy.exc.IntegrityError("insert", {}, cause))[0]


def test_a_database_of_another_schema_or_address_is_told_apart() -> None:
    from alembic.util.exc import CommandError

    assert "newer Yuanmeng" in errors.explain(CommandError("Can't locate revision"))[0]
    assert errors.explain(sqlalchemy.exc.ArgumentError("x"))[1] == 2


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT])
def test_a_file_that_cannot_be_used_is_named(number: int) -> None:
    told, given = errors.explain(OSError(number, os.strerror(number), "/some/file"))
    assert told.startswith("/some/file: ")
    assert given == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such_whether_a_file_is_named_or_not(number: int) -> None:
    """A write says no name, and neither does what it is that was written."""
    for names, which in ((("/some/file",), " of /some/file"), ((), "")):
        told = errors.explain(OSError(number, os.strerror(number), *names))
        assert told == (f"the disk{which} is full: free some space, then try again", 3)


def test_a_server_of_prefect_that_is_away_is_an_outside_system() -> None:
    told, code = errors.explain(RuntimeError("Failed to reach API at http://127.0.0.1:9/api/"))
    assert ("PREFECT_API_URL" in told, code) == (True, 3)


def test_an_abort_is_told_as_stopped() -> None:
    from typer import Abort

    assert errors.explain(Abort()) == ("stopped", 130)


def test_what_nobody_expected_writes_a_masked_log_and_no_traceback(
    typed: Type, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_as_of: object) -> None:
        raise ZeroDivisionError(f"dividing {CARD}")

    monkeypatch.setattr("tasks.views.cohort_list", broken)
    ended = typed("cohort", "list")
    (log,) = (home / "logs").glob("*.log")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"something went wrong that nobody expected: send {log} to whoever looks after Yuanmeng\n"
    text = log.read_text(encoding="utf-8")
    assert "ZeroDivisionError: dividing 622" in text
    assert not holds_personal_number(text)
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_lie_in_the_home_goes_elsewhere_or_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("console.run._home", tmp_path / "file")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert str(tmp_path / "yuanmeng-") in errors.explain(ZeroDivisionError("x"))[0]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    assert "no log could be written" in errors.explain(ZeroDivisionError("x"))[0]


def test_a_database_without_tables_is_one_sentence(
    typed: Type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("YUANMENG_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    ended = typed("cohort", "list")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "the database has no tables yet: run `yuanmeng init` first\n"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("sqlite:////nowhere/at/all.db", 3),
        ("postgresql://nobody@127.0.0.1:9/none", 3),
        ("mysql://somewhere/else", 2),
        ("nonsense", 2),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_sentence(
    typed: Type, monkeypatch: pytest.MonkeyPatch, url: str, code: int
) -> None:
    monkeypatch.setenv("YUANMENG_DATABASE_URL", url)
    ended = typed("cohort", "list")
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert "YUANMENG_DATABASE_URL" in ended.err


def test_a_database_that_another_command_holds_is_one_sentence(
    typed: Type, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.database.BUSY_MILLISECONDS", 1)
    with closing(sqlite3.connect(home / "yuanmeng.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = typed("cohort", "list")
        other.execute("ROLLBACK")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == "the database is busy with another command: wait for it to end, then try again\n"


def test_a_home_without_settings_is_one_sentence(bare: Type, tmp_path: Path) -> None:
    ended = bare("inbox", "--home", str(tmp_path))
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "run `yuanmeng init`" in ended.err


def test_ctrl_c_ends_with_130_and_one_word(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_as_of: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tasks.views.cohort_list", interrupted)
    ended = typed("cohort", "list")
    assert (ended.code, ended.out, ended.err) == (130, "", "stopped\n")


def test_ctrl_c_while_starting_ends_with_130_too(bare: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_app: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.main.get_command", interrupted)
    ended = bare("cohort", "list")
    assert (ended.code, ended.err) == (130, "stopped\n")


def test_a_reader_that_has_gone_ends_the_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "console", "cohort", "template"], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("broken", [BrokenPipeError(errno.EPIPE, "gone"), SystemExit(1)])
def test_a_broken_pipe_is_no_failure(typed: Type, monkeypatch: pytest.MonkeyPatch, broken: BaseException) -> None:
    def gone(*_words: object, **_options: object) -> None:
        raise broken

    pointed: list[int] = []
    monkeypatch.setattr("typer.main.get_command", gone)
    monkeypatch.setattr("os.dup2", lambda _from, to: pointed.append(to))
    ended = typed("cohort", "list")
    assert (ended.code, ended.err, len(pointed)) == (0, "", 1)


def test_the_process_ends_with_the_code_of_its_command(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["yuanmeng", "cohort", "show"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2


def test_a_flow_is_a_run_of_the_server_that_is_named_and_else_a_plain_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Flow:
        async def fn(self, **given: object) -> tuple[str, dict[str, object]]:
            return "plain", given

        async def __call__(self, **given: object) -> tuple[str, dict[str, object]]:
            return "served", given

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert run_flow(Flow(), cohort="WX-2026A", as_of=None) == ("plain", {"cohort": "WX-2026A"})
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert run_flow(Flow(), cohort="WX-2026A", as_of=None) == ("served", {"cohort": "WX-2026A"})


def test_a_terminal_without_chinese_shows_escapes(home: Path) -> None:
    def said(*words: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "console", *words]
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)

    shown = said("quarantine", "list", "--home", str(home))
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b"\\u9694" in shown.stdout or b"nothing is held back" in shown.stdout
    plan = said("cohort", "template")
    assert (plan.returncode, plan.stderr) == (0, b"")
    assert b"\\u" in plan.stdout
    assert said("班级").stderr.startswith(b"No such command '\\u73ed")
