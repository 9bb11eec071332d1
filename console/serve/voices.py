"""What the parts of a serve say: each into a file of its own that is kept small, and onto the screen.

Belongs here: files, the screen, and lines that are no records. Does not: the records themselves (connectors/logs.py).
"""

import json
import logging
import re
import sys
from contextlib import suppress
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from models.clock import SHANGHAI, now
from models.rules.privacy import mask_numbers

FILE_BYTES, FILES_KEPT = 10_000_000, 5
NAMED = re.compile(r"[A-Za-z_][\w.]*: ")  # the line of a traceback that says which exception it was
OWN = "serve"  # the supervisor's own voice


class _Kept(RotatingFileHandler):
    """A file that takes what it can: a full disk ends nothing."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Let a line that cannot be written go."""


class Voices:
    """Hears the parts. `folder` takes a file a part; the screen gets readable lines, or JSON where `as_json`.

    Serves that have a home in common have each a `seat`, which is in the names of their files.
    """

    def __init__(self, folder: Path, as_json: bool = False, seat: str = "") -> None:
        """Nothing was said yet."""
        self._folder, self._as_json, self._seat = folder, as_json, seat
        self._files: dict[str, _Kept] = {}

    def hear(self, part: str, line: str) -> None:
        """Take a line that a part said; one that is no record becomes one, and is for the file alone."""
        if not line.strip():
            return
        told = _record_of(part, line)
        whole = json.dumps(told, ensure_ascii=False)
        with suppress(OSError):  # it cannot be opened: the folder is gone, the disk is full
            self._file(part).emit(logging.LogRecord(part, logging.INFO, "", 0, whole, None, None))
        if self._as_json or part == OWN or _is_for_people(part, told):
            with suppress(OSError):  # the terminal may be gone
                print(whole if self._as_json else _readable(part, told), file=sys.stderr, flush=True)

    def tell(self, sentence: str) -> None:
        """Say something oneself."""
        self.hear(OWN, sentence)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            with suppress(OSError):  # of a full disk
                file.close()

    def _file(self, part: str) -> _Kept:
        path = self._folder / f"{self._seat}{'-' if self._seat else ''}{part}.log"
        if part in self._files and not path.exists():  # keeping house took it away: nothing was said for so long
            self._files.pop(part).close()
        if part not in self._files:
            path.touch(mode=0o600)
            self._files[part] = _Kept(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
        return self._files[part]


def _record_of(part: str, line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    if isinstance(told, dict) and {"time", "level", "logger", "message"} <= told.keys():
        return {**told, "part": part}
    at = now().isoformat(timespec="milliseconds")
    return {"time": at, "level": "INFO", "logger": part, "message": mask_numbers(line), "part": part}


def _is_for_people(part: str, told: dict[str, Any]) -> bool:
    """Whether a record is more than what a part says to itself: its banner, or each task of a run that went well."""
    return told["logger"] != part and (told["logger"], told["level"]) != ("prefect.task_runs", "INFO")


def _readable(part: str, told: dict[str, Any]) -> str:
    """A record for a person: Shanghai's time, who, what; of an exception the line that names it."""
    at = datetime.fromisoformat(told["time"]).astimezone(SHANGHAI)
    run = told.get("cohort") or told.get("flow_run") or ""
    named = [line for line in str(told.get("exception", "")).splitlines() if NAMED.match(line)]
    level = "" if told["level"] == "INFO" else f"{told['level']} "
    words = " · ".join(word for word in (run, " ".join(str(told["message"]).split()), *named[-1:]) if word)
    return f"{at:%H:%M:%S} {part:<9} {level}{words}"
