"""The fields of forms: what each wants, in words that a person reads when he filled in something else.

Belongs here: the types of text, codes and dates that people give us, and the sentence that goes with each in a form's
schema. Does not: any form (plan.py, flows/). Prefect keeps what a form was given in clear, so its server must refuse a
personal number before it stores anything: by a pattern.
"""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema

from models.rules.identifiers import Invalid, credit_code
from models.rules.privacy import PERSONAL_NUMBER, holds_personal_number

# The server's patterns know full-width digits too, and look behind the end of a line.
_DIGITS = PERSONAL_NUMBER.replace("[0-9]", r"\d").replace("1[3-9]", r"[1１][3-9３-９]")
NO_NUMBER = rf"^(?![\s\S]*{_DIGITS})"
CODE_PATTERN = rf"{NO_NUMBER}[\w:.-]{{1,80}}$"
COHORT_PATTERN = rf"{NO_NUMBER}[A-Za-z0-9][A-Za-z0-9-]{{2,31}}$"
DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
# An organisation's code may be digits alone; what has a day of birth where a resident ID has one is none.
_BIRTH = r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
ORGANISATION_PATTERN = rf"^\s*(?![0-9]{{6}}{_BIRTH}[0-9]{{3}}[0-9Xx]\s*$)[0-9A-Za-z]{{18}}\s*$"
CHECKED = (
    "type",
    "enum",
    "pattern",
    "anyOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "minLength",
    "maxLength",
    "minItems",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a field wants: the sentence that refuses anything else, and what the form's schema says besides.

    A schema can refuse only by repeating what it was given, or by naming what it expected: so each field is checked by
    an "if" whose "else" expects the sentence. `pattern` is for texts; `prefill` stands in the empty form, and is no default.
    """

    words: str
    pattern: str = ""
    prefill: Any = None

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Give the field's schema with its sentence."""
        schema = handler(core)
        if self.pattern:
            schema["pattern"] = self.pattern
        checked = {name: schema[name] for name in CHECKED if name in schema} or {"type": "object"}
        more = {} if self.prefill is None else {"default": self.prefill}
        return {"if": checked, "else": {"const": self.words}, **schema, **more}


def harmless(text: str) -> str:
    """Give a text back. Raises ValueError where it holds what looks like a personal number."""
    if holds_personal_number(text):
        raise ValueError("it holds what looks like a personal number: name the person by the id shown on the screens")
    return text


def first_mistake(error: ValidationError) -> tuple[str, str]:
    """Give the place of the first mistake, as `programme.level`, and what is wrong with it, without what was given."""
    first = error.errors(include_input=False, include_url=False)[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"].removeprefix("Value error, ")


def _organisation_code(text: str) -> str:
    try:
        return credit_code(text)
    except Invalid as error:
        raise ValueError(str(error)) from error


CODE = "a code as the screens show it: letters, digits, - . : and _ (屏幕上显示的代码，不要填个人证件号码)"
WORDS = "words without an ID, bank or mobile number: name a person by the id that the screens show (不要填证件号、卡号、手机号)"
DAY = "a day as 2026-09-01 (日期，如 2026-09-01)"
ORGANISATION = "the unified social credit code of the organisation, 18 letters and digits (18 位统一社会信用代码)"

Code = Annotated[str, AfterValidator(harmless), Wanted(CODE, CODE_PATTERN)]
Words = Annotated[str, AfterValidator(harmless), Wanted(WORDS, NO_NUMBER)]
Day = Annotated[date, Wanted(DAY, DAY_PATTERN)]
Organisation = Annotated[str, AfterValidator(_organisation_code), Wanted(ORGANISATION, ORGANISATION_PATTERN)]
