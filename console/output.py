"""What goes to the screen: one JSON object or tables on stdout, everything else on stderr.

Belongs here: where output goes and in which form. Does not: how a table looks (tables.py).
"""

import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

Show = Callable[[Any], "Iterable[RenderableType]"]


def emit(value: dict[str, Any], as_json: bool, show: Show) -> None:
    """Print a result: as one JSON object for scripts, else as `show` lays it out for people."""
    if as_json:
        print_json(value)
        return
    from rich.console import Console

    _tolerate_narrow_encodings()
    screen = Console(highlight=False)
    for part in show(value):
        # A sentence is shown as it is: what stands in brackets is no style, and a path is not broken in two.
        screen.print(part, markup=not isinstance(part, str), soft_wrap=isinstance(part, str))


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on stdout."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    print(json.dumps(value, ensure_ascii=plain, indent=2, default=str))


def print_text(text: str) -> None:
    """Print a text as it is on stdout."""
    _tolerate_narrow_encodings()
    print(text, end="" if text.endswith("\n") else "\n")


def note(text: str) -> None:
    """Tell a person something beside the result, on stderr."""
    print(text, file=sys.stderr)


def _tolerate_narrow_encodings() -> None:
    """A terminal without Chinese shows escapes rather than ending the command."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
