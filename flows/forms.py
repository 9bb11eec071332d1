"""What the flows' forms share: the types of their fields, the check of what was filled in, the names of their runs.

Belongs here: what Prefect shows, keeps or checks of a parameter, how a run that fails says so in one sentence, and a log
without numbers. Does not: any flow, or the fields themselves (tasks/fields.py).
By a form: a run that a deployment made, for whoever filled it in or for a schedule. Such a run shows nobody what its flow
gives back: what a person must know stands in the message of its state.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from datetime import date
from functools import wraps
from inspect import signature
from typing import Annotated, Any, ParamSpec, TypeVar

from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Failed
from pydantic import ValidationError, validate_call

from connectors.errors import OutsideError
from models.clock import business_date
from models.rules.privacy import mask_numbers
from tasks.errors import BadInput, Held
from tasks.fields import CODE, CODE_PATTERN, DAY, DAY_PATTERN, Code, Day, Wanted, Words, first_mistake

P = ParamSpec("P")
R = TypeVar("R")

AsOf = Annotated[Day | None, Wanted(f"{DAY}, or nothing for today (留空为今天)")]
CodeOrNone = Annotated[Code | None, Wanted(f"{CODE}, or nothing (或留空)", CODE_PATTERN)]
YesOrNo = Annotated[bool, Wanted("yes or no (是或否)")]
ACTOR = "who acts: a name or a post, without numbers (姓名或岗位，不要填号码)"
REASON = (
    "the reason, without an ID, bank or mobile number: name a person by the id that the screens show (原因，不要填号码)"
)
TOLD = (BadInput, Held, OutsideError)  # each is one sentence for a coordinator

logger = logging.getLogger(__name__)


class _Masking(logging.Filter):
    """Prefect's own loggers quote the parameters they refuse, and errors that nobody expected."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the numbers of a record, those of its exception too; every record passes."""
        record.msg, record.args = mask_numbers(record.getMessage()), ()
        if record.exc_info and isinstance(record.exc_info[1], TOLD):
            record.exc_info = None  # its sentence says it all
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = mask_numbers(logging.Formatter().formatException(record.exc_info))
        return True


for _name in ("prefect.flows", "prefect.engine", "prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_Masking())


def form(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Check what a flow's form was given, and let its run fail with the sentence of its error and nothing else.

    The flow below it says `validate_parameters=False`: Prefect's own check would put what was filled in into the
    message of the run's state. Outside a flow run errors are raised as they are, a wrong parameter as BadInput.
    """
    # What pydantic made of the parameters comes back from the call of this, before the flow begins.
    checked = validate_call(wraps(function)(lambda *args, **named: (args, named)))
    fields = [*signature(function).parameters]

    @wraps(function)
    async def run(*args: P.args, **named: P.kwargs) -> R:
        try:
            given, more = _checked(checked, {**dict(zip(fields, args, strict=False)), **named})
            if not more.get("dry_run"):
                _refuse_ahead(more.get("as_of"))
            return await function(*given, **more)
        except Exception as error:
            if FlowRunContext.get() is None:
                raise
            return Failed(message=_sentence(error), data=error)  # type: ignore[return-value]

    return run


def by_form() -> str | None:
    """Give the id of the run under way where a deployment made it; None for a run by hand, and outside a run."""
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    return str(run.id) if run is not None and run.deployment_id is not None else None


def _refuse_ahead(as_of: date | None) -> None:
    """Refuse a day ahead by a form: one year mistyped, and notices end, time-limits run out, people become anonymous."""
    if as_of is not None and as_of > business_date() and by_form():
        raise BadInput(
            f"as_of cannot be used: {as_of} lies ahead, and what it brings about stays; leave it empty for today"
        )


def _checked(checked: Callable[..., Any], given: dict[str, Any]) -> Any:
    try:
        return checked(**given)
    except ValidationError as error:
        place, said = first_mistake(error)
    raise BadInput(f"{place} cannot be used: {said}; correct it and start the run again")


def _sentence(error: Exception) -> str:
    if isinstance(error, TOLD):
        return mask_numbers(" ".join(str(error).split()))
    logger.error("A run ended with an error that nobody expected", exc_info=error)
    return f"something went wrong that nobody expected ({type(error).__name__}): the log of this run says more"


def named(prefix: str, *parameters: str) -> Callable[[], str]:
    """Name a run by what it does, for which code, and on which business date.

    A parameter's name may lead into it: `plan.code`.
    """

    def name() -> str:
        given = flow_run.parameters
        day = _named(given, "as_of", DAY_PATTERN) or business_date().isoformat()
        return "-".join(word for word in (prefix, *(_named(given, one) for one in parameters), day) if word)

    return name


def _named(given: Any, path: str, pattern: str = CODE_PATTERN) -> str:
    """What a parameter adds to a name: nothing where it is none, or not yet checked and no code."""
    for part in path.split("."):
        given = given.get(part) if isinstance(given, dict) else getattr(given, part, None)
    word = "" if given is None else str(given)
    return word if re.search(pattern, word) else ""


__all__ = ["ACTOR", "REASON", "AsOf", "Code", "CodeOrNone", "Day", "Wanted", "Words", "YesOrNo", "by_form", "form",
           "named"]  # fmt: skip
