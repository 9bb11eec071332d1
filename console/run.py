"""What commands stand on: the office of a home, and running a flow with or without a Prefect server.

Belongs here: opening and running. Does not: any command or flow.
"""

import asyncio
import logging
import os
import tempfile
from collections.abc import Coroutine, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from models.rules.privacy import holds_personal_number
from tasks.errors import BadInput

if TYPE_CHECKING:
    from tasks.office import Office

QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

ORGANISATION_CODES = ("code", "federation")  # of a plan; their form is checked as it is read

Result = TypeVar("Result")
_home: Path | None = None


def open_home(home: Path | None) -> "Office":
    """Open the office of a home and make it this process's own. Raises SettingsError."""
    from connectors.settings import load_settings
    from tasks.office import build_office, use_office

    # What libraries log beside their errors is for no coordinator: without a handler it would reach the screen.
    logging.getLogger().addHandler(logging.NullHandler())
    settings = load_settings(home)
    remember_home(settings.home)
    office = build_office(settings)
    use_office(office)
    return office


def remember_home(home: Path) -> None:
    """Let the log of the unexpected go into this home."""
    global _home
    _home = home


def log_folder() -> Path:
    """Give the folder of logs: of the home when one is open, else of the system's temporary files."""
    return _home / "logs" if _home is not None else Path(tempfile.gettempdir())


def flow_of(module: str, name: str | None = None) -> Any:
    """Give a flow by its module (and its name, where they differ); this loads Prefect."""
    quiet_prefect()
    return getattr(import_module(f"flows.{module}"), name or module)


def run_flow(flow: Any, **parameters: Any) -> Any:
    """Run a flow to its end: through the Prefect server PREFECT_API_URL names, else in this process alone.

    `None` parameters take the flow's defaults.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    if any(holds_personal_number(text) for text in _texts(given)):
        raise BadInput(
            "a personal number stands where a code, an id or a reason belongs: use the ids shown on the screens"
        )
    if os.environ.get("PREFECT_API_URL"):
        return wait_for(flow(**given))
    return wait_for(flow.fn(**given))


def _texts(value: Any, name: str = "") -> Iterator[str]:
    """Every text a flow would be given; an organisation's code is none: a credit code may be digits alone."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _texts(part, key)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part, name)
    elif isinstance(value, str) and name not in ORGANISATION_CODES:
        yield value


def quiet_prefect() -> None:
    """Keep Prefect's own lines off the screen and its reports at home; call before it is imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def wait_for(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end."""
    return asyncio.run(work)
