"""A log line is one JSON object that says which run and cohort it belongs to, and holds no personal number."""

import json
import logging
import sys

import pytest

from connectors.logs import JsonLines, Masking, about_cohort

ID_NUMBER, MOBILE = "32020519881102000X", "13912345678"


def record(message: str, *args: object, **more: object) -> logging.LogRecord:
    """A record as a logger makes it."""
    return logging.makeLogRecord(
        {"name": "tasks.sync", "levelname": "INFO", "msg": message, "args": args, "created": 0.5, **more}
    )


def told(line: logging.LogRecord) -> dict[str, str]:
    """What the line of a record says."""
    said: dict[str, str] = json.loads(JsonLines().format(line))
    return said


def test_a_record_is_one_object_with_what_is_known_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUANMENG_SERVE_PART", "worker-1")
    assert told(record("read %s rows\nof 班级", 3)) == {
        "time": "1970-01-01T00:00:00.500+00:00", "level": "INFO", "logger": "tasks.sync", "part": "worker-1",
        "message": "read 3 rows\nof 班级",
    }  # fmt: skip


def test_a_run_and_a_cohort_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__DEPLOYMENT_NAME", "nightly_sync")
    with about_cohort("WX-2026A"):
        said = told(record("on", flow_run_id="0e0640db", flow_run_name="night-2026-11-25", task_run_name="sync-1"))
    assert {name: said[name] for name in ("flow_run_id", "flow_run", "task_run", "deployment", "cohort")} == {
        "flow_run_id": "0e0640db", "flow_run": "night-2026-11-25", "task_run": "sync-1", "deployment": "nightly_sync",
        "cohort": "WX-2026A",
    }  # fmt: skip
    assert "cohort" not in told(record("after"))


def test_numbers_are_masked_in_words_arguments_and_exceptions() -> None:
    try:
        raise ValueError(f"no row for {ID_NUMBER}")
    except ValueError:
        made = record("%s called from %s", ID_NUMBER, MOBILE, exc_info=sys.exc_info())
    line = JsonLines().format(made)
    assert ID_NUMBER not in line
    assert MOBILE not in line
    assert json.loads(line)["message"] == "320*************** called from 139********"
    assert json.loads(line)["exception"].endswith("ValueError: no row for 320***************")


def test_what_does_not_fit_its_arguments_is_still_said() -> None:
    made = record("100 %s", 1, 2)
    assert Masking().filter(made)
    assert made.getMessage() == "100 %s"
