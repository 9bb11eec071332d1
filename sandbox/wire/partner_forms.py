"""What may be sent to a partner, field by field, as the document of the partner API says.

Belongs here: which values a field takes. Does not: what an office does with them (effects.py), or HTTP (partner.py).
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

Reads = Callable[[Any], bool]
LONGEST = 2000


def _like(pattern: str) -> Reads:
    """Return what takes text of a pattern."""
    found = re.compile(rf"\A(?:{pattern})\Z", re.ASCII)
    return lambda value: isinstance(value, str) and found.match(value) is not None


def _among(*words: str) -> Reads:
    """Return what takes these words alone."""
    return lambda value: isinstance(value, str) and value in words


def _text(value: Any) -> bool:
    """Say whether a value is text that says something."""
    return isinstance(value, str) and len(value) <= LONGEST and "\x00" not in value and bool(value.strip())


def _day(value: Any) -> bool:
    """Say whether a value is a day, as ISO 8601 writes it."""
    try:
        return _like(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")(value) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _exact(value: Any) -> bool:
    """Say whether a value is an exact number, as JSON writes it or as text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0 <= value <= 10_000
    return _like(r"[0-9]{1,5}(\.[0-9]{1,4})?")(value)


def _level(value: Any) -> bool:
    """Say whether a value is a level of skill; 4.0 is the whole number 4 in JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value in range(1, 6)


def _people(value: Any) -> bool:
    """Say whether a value is a list of people with name and last four characters."""
    return isinstance(value, list) and all(isinstance(one, dict) and not wrong(PERSON, one) for one in value)


_id = _like(r"[A-Za-z0-9._:-]{1,200}")
_resident_id = _like(r"[0-9]{17}[0-9X]")
PERSON: Mapping[str, Reads] = {"name": _text, "last_four": _like(r"[0-9]{3}[0-9X]"), "employer?": _text}
FORMS: Mapping[str, Mapping[str, Reads]] = {
    "applications": {
        "application_id": _id, "cohort": _text, "programme": _text, "level": _among("junior-college", "bachelor"),
        "name": _text, "sex": _among("male", "female", "男", "女"), "resident_id": _resident_id, "entry_level": _text,
        "mobile?": lambda value: value is None or _like(r"1[0-9]{10}")(value),
    },
    "graduations": {"graduation_id": _id, "student_number": _text, "credits": _exact},
    "skill-registrations": {
        "registration_id": _id, "cohort": _text, "name": _text, "resident_id": _resident_id, "occupation": _text,
        "level": _level,
    },
    "notices": {"notice_id": _id, "cohort": _text, "published_on": _day, "ends_on": _day, "people": _people},
    "payments": {
        "payment_id": _id, "source": _among("union", "school", "enterprise", "self", "government", "charity"),
        "amount": _like(r"[0-9]{1,9}\.[0-9]{2}"), "name": _text, "bank_card": _like(r"[0-9]{12,19}"),
        "purpose": _text,
    },
}  # fmt: skip


def missing(form: Mapping[str, Reads], body: Mapping[str, Any]) -> list[str]:
    """Return the fields a body lacks; a name that ends in ? may be absent."""
    return [name for name in form if not name.endswith("?") and body.get(name) in (None, "")]


def wrong(form: Mapping[str, Reads], body: Mapping[str, Any]) -> list[str]:
    """Return the fields whose values a form does not take."""
    names = [(name.rstrip("?"), reads) for name, reads in form.items() if not name.endswith("?") or name[:-1] in body]
    return [name for name, reads in names if not reads(body.get(name))]
