"""Options that many commands share, defined once.

Belongs here: what an option is called and how its text is read. Does not: what a command does with it.
"""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from models.rules.privacy import holds_personal_number


def day_text(text: str) -> date:
    """Read a date as typed. Raises BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no date: write it as 2026-09-01") from None


def reason_text(text: str | None) -> str | None:
    """Take a reason as typed. Raises BadParameter for an empty one, and for one that holds a personal number."""
    if text is None:
        return None
    if not text.strip():
        raise typer.BadParameter("the reason is empty: say why in a few words")
    if holds_personal_number(text):
        raise typer.BadParameter("the reason holds a personal number: name the person by the id shown here instead")
    return text.strip()


KEPT = "Why; it is kept for ever: name nobody but by id."  # the audit trail only grows, whoever is anonymised
Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="The home: the folder of yuanmeng.toml (here, unless told)."),
]
AsOf = Annotated[
    date | None,
    typer.Option("--as-of", metavar="DATE", parser=day_text, help="The business date, if not today, as 2026-09-01."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
