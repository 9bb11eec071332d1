"""What the flows' forms share: the types of their fields, the names of their runs, and a log without numbers.

Belongs here: what Prefect shows, keeps or checks of a parameter. Does not: any flow.
Prefect keeps parameters in clear and logs bad ones: a field refuses what looks like a personal number, by a pattern
that Prefect's server checks before it stores anything.
"""

import logging
from collections.abc import Callable
from datetime import date
from typing import Annotated

from prefect.runtime import flow_run
from pydantic import AfterValidator, Field

from models.clock import business_date
from models.rules.privacy import PERSONAL_NUMBER, holds_personal_number, mask_numbers

CODE_PATTERN = rf"^(?!.*{PERSONAL_NUMBER})[\w:.-]{{1,80}}$"
DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TEXT_PATTERN = rf"^(?!.*{PERSONAL_NUMBER})"


def _harmless(text: str) -> str:
    if holds_personal_number(text):
        raise ValueError("it holds what looks like a personal number: name the person by the id shown on the screens")
    return text


Code = Annotated[str, AfterValidator(_harmless), Field(json_schema_extra={"pattern": CODE_PATTERN})]
Words = Annotated[str, AfterValidator(_harmless), Field(json_schema_extra={"pattern": TEXT_PATTERN})]
AsOf = Annotated[date, Field(json_schema_extra={"pattern": DAY_PATTERN})] | None


class _Masking(logging.Filter):
    """Prefect's own loggers quote the parameters they refuse."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the numbers of a record; every record passes."""
        record.msg, record.args = mask_numbers(record.getMessage()), ()
        return True


for _name in ("prefect.flows", "prefect.engine", "prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_Masking())


def named(prefix: str, parameter: str = "") -> Callable[[], str]:
    """Name a run by what it does, for which code, and on which business date."""

    def name() -> str:
        given = flow_run.parameters
        words = [
            prefix,
            str(given.get(parameter) or "") if parameter else "",
            business_date(given.get("as_of")).isoformat(),
        ]
        return "-".join(word for word in words if word)

    return name
