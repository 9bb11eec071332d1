"""How a log record of a process that runs unattended becomes a line: one JSON object, without personal numbers.

Belongs here: the form of a record, and masking it; `logging.yml` beside it hands both to Prefect. Does not: where the lines
go (console/serve/voices.py), or what is logged.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.rules.privacy import mask_numbers

CONFIG = Path(__file__).with_name("logging.yml")  # for PREFECT_LOGGING_SETTINGS_PATH
PART = "YUANMENG_SERVE_PART"

_cohort: ContextVar[str] = ContextVar("_cohort", default="")
_cohort_of_run: dict[str, str] = {}  # a run's last words are said when its context is gone


@contextmanager
def about_cohort(code: str) -> Iterator[None]:
    """Let every record that is logged within name this cohort."""
    token = _cohort.set(code)
    try:
        yield
    finally:
        _cohort.reset(token)


class Masking(logging.Filter):
    """Masks the numbers of a record, those of its exception too, before a handler puts it into words."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record; every record passes."""
        record.msg, record.args = mask_numbers(_said(record)), ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = mask_numbers(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object: time, level, logger, message, and the run and cohort it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        Masking().filter(record)
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "part": os.environ.get(PART, ""),
            **_run_of(record),
            "exception": mask_numbers(record.exc_text or ""),
        }
        return json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False)


def _said(record: logging.LogRecord) -> str:
    """What a record says; one whose arguments do not fit its words still says its words."""
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return str(record.msg)


def _run_of(record: logging.LogRecord) -> dict[str, str]:
    """The flow run a record belongs to, as far as its logger or this process knows: id, name, deployment, cohort."""
    context = _flow_run()
    run = getattr(context, "flow_run", None)
    key = str(getattr(record, "flow_run_id", None) or getattr(run, "id", None) or "")
    parameters: dict[str, Any] = getattr(context, "parameters", None) or {}
    if key and parameters.get("cohort"):
        _cohort_of_run[key] = str(parameters["cohort"])
    known = {
        "flow_run_id": key,
        "flow_run": getattr(record, "flow_run_name", None) or getattr(run, "name", None),
        "task_run": getattr(record, "task_run_name", None),
        "deployment": os.environ.get("PREFECT__DEPLOYMENT_NAME"),
        "cohort": _cohort.get() or _cohort_of_run.get(key),
    }
    return {name: mask_numbers(str(value)) for name, value in known.items() if value}


def _flow_run() -> Any:
    """Prefect's context of the flow run of this process; None outside one, and where Prefect is not loaded."""
    context = sys.modules.get("prefect.context")
    return None if context is None else context.FlowRunContext.get()
