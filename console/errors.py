"""What a person is told when a command cannot go on: one sentence and an exit code, never a traceback.

Belongs here: from an exception to its sentence, and the log of the unexpected. Does not: raising any.
"""

import errno
import re
import tempfile
import traceback
from pathlib import Path
from typing import Any

from models.rules.privacy import mask_numbers

DONE, HELD, WRONG, OUTSIDE = 0, 1, 2, 3

# By name, so that no heavy library is loaded only to say what went wrong.
CODES = {
    "tasks.errors.Held": HELD,
    "tasks.errors.BadInput": WRONG,
    "connectors.settings.SettingsError": WRONG,
    "connectors.database.NotToBeUsed": WRONG,
    "connectors.care.errors.CareError": WRONG,
    "connectors.spreadsheet.roster.UnreadableSheet": WRONG,
    "models.vault.KeyMissing": WRONG,
    "flows.deployments.NotDeployed": OUTSIDE,
    "connectors.errors.Transient": OUTSIDE,
    "connectors.errors.Permanent": OUTSIDE,
}
NO_DATABASE = "check database_url in yuanmeng.toml, or YUANMENG_DATABASE_URL"
UNCONNECTED = (
    "connection failed",
    "connection is bad",
    "connection refused",
    "connection timeout",
    "the connection",
    "terminating connection",
)
DRIVERS = {"sqlalchemy.exc.DBAPIError", "sqlite3.Error", "psycopg.Error"}  # copies are made by a driver alone
# What a driver says, in lower case, and what it means here; the first that fits is told.
DATABASE = (
    (("no such table", "undefinedtable"), "the database has no tables yet: run `yuanmeng init` first", WRONG),
    (("no such column", "undefinedcolumn"), "the database is of an older Yuanmeng: run `yuanmeng init`", WRONG),
    (("not a database",), f"the file is no database: {NO_DATABASE}", WRONG),
    (("malformed",), "the file of the database is damaged: restore a backup (docs/operations.md, restore)", WRONG),
    (("readonly", "read-only"), "the database may only be read: let its owner run this, or give the right to", WRONG),
    (("permission denied", "must be owner", "insufficientprivilege"),
     "the role that database_url names lacks a right: let the owner's role do it (docs/operations.md, roles)", WRONG),
    (("is full", "diskfull"), "the disk of the database is full: free some space, then try again", OUTSIDE),
    (("unable to open", *UNCONNECTED), f"the database cannot be reached: {NO_DATABASE}", OUTSIDE),
    (("locked", "lock timeout"), "the database is busy with another command: wait for it to end, then try again",
     OUTSIDE),
)  # fmt: skip


def explain(error: Exception) -> tuple[str, int]:
    """Give the sentence and the exit code for an error; what nobody expected goes into a log file."""
    if hasattr(error, "format_message"):
        return _about_the_use(error), int(getattr(error, "exit_code", WRONG))
    if type(error).__name__ == "Abort":
        return "stopped", 130
    names = [f"{one.__module__}.{one.__qualname__}" for one in type(error).__mro__]
    for name in names:
        if name in CODES:
            return _one_sentence(str(error)), CODES[name]
    if DRIVERS.intersection(names):
        return _about_the_database(error)
    if "sqlalchemy.exc.ArgumentError" in names:
        return f"the address of the database cannot be used: {NO_DATABASE}", WRONG
    if "alembic.util.exc.CommandError" in names:
        return "the database is of a newer Yuanmeng: bring this one up to date, then try again", WRONG
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _about_a_full_disk(error), OUTSIDE
    if isinstance(error, OSError) and error.filename is not None:
        return _one_sentence(f"{error.filename}: {error.strerror}: check the path and who may use it"), WRONG
    if "httpx.HTTPError" in names or str(error).startswith("Failed to reach API"):  # connectors map their own
        return "the Prefect server that PREFECT_API_URL names does not answer: start it, or unset it", OUTSIDE
    return _unexpected(error), OUTSIDE


def _about_the_use(error: Any) -> str:
    """What was typed wrong, and where help stands; a group typed alone gets its help."""
    text = str(error.format_message())
    if type(error).__name__ == "NoArgsIsHelpError":
        return text
    context = getattr(error, "ctx", None)
    known = f": see `{context.command_path} --help`" if context is not None and _says_no_more(error) else ""
    text = re.sub(r"\. Did you mean (.*)\?", r" (did you mean \1?)", _one_sentence(text))
    return text.removeprefix("Invalid value: ").rstrip(".") + known


def _says_no_more(error: Any) -> bool:
    """Whether Typer worded it; what our own options say tells what to do already."""
    return type(error).__name__ != "BadParameter"


def _about_the_database(error: Any) -> tuple[str, int]:
    cause = getattr(error, "orig", error)
    told = f"{type(cause).__name__} {cause}".lower()
    for words, sentence, code in DATABASE:
        if any(word in told for word in words):
            return sentence, code
    return _unexpected(error), OUTSIDE


def _about_a_full_disk(error: OSError) -> str:
    which = "" if error.filename is None else f" of {error.filename}"
    return _one_sentence(f"the disk{which} is full: free some space, then try again")


def _unexpected(error: Exception) -> str:
    """Keep the traceback, numbers masked, and name the file."""
    from console.run import log_folder
    from models.clock import now

    text = mask_numbers("".join(traceback.format_exception(error)))
    for folder in (log_folder(), Path(tempfile.gettempdir())):
        path = folder / f"yuanmeng-{now():%Y%m%dT%H%M%S%f}.log"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return f"something went wrong that nobody expected: send {path} to whoever looks after Yuanmeng"
    return "something went wrong that nobody expected, and no log could be written: free some space, then try again"


def _one_sentence(text: str) -> str:
    """One line, however the error was worded."""
    return mask_numbers(" ".join(text.split())) or "the command could not go on"
