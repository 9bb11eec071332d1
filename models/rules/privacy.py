"""What looks like a personal number in a text, and how it is masked (PIPL: no such number leaves the vault).

Belongs here: recognising ID, bank and mobile numbers by their shape. Does not: whether one is valid (identifiers.py).
"""

import re
import unicodedata

# An ID or bank card (15 to 19 digits, the last perhaps X) or a mobile number. A credit code is none: of its 18 places one
# at the end is a capital letter other than X.
_WRITTEN_TOGETHER = r"[0-9]{18,19}[Xx]?(?![0-9])|(?:[0-9]{15,17}[Xx]?|1[3-9][0-9]{9})(?![0-9]|[A-WYZ](?![A-Za-z]))"
# In groups, as they are printed on cards and read out: 4-4-4-4 and what is left, 6-8-4, 3-4-4.
_IN_GROUPS = (
    r"(?:[0-9]{4}(?:[ -][0-9]{4}){3}(?:[ -]?[0-9]{1,3})?|[0-9]{6}[ -][0-9]{8}[ -][0-9]{3}[0-9Xx]"
    r"|1[3-9][0-9][ -][0-9]{4}[ -][0-9]{4})(?![0-9])"
)
PERSONAL_NUMBER = rf"(?<![0-9])(?:{_WRITTEN_TOGETHER}|{_IN_GROUPS})"
_PERSONAL = re.compile(PERSONAL_NUMBER)


def mask_numbers(text: str) -> str:
    """Mask whatever looks like a personal number but for its first three digits; full-width digits too."""
    return _PERSONAL.sub(lambda found: found[0][:3] + "*" * (len(found[0]) - 3), _folded(text))


def holds_personal_number(text: str) -> bool:
    """Whether a text holds what looks like an ID, bank or mobile number."""
    return _PERSONAL.search(_folded(text)) is not None


def _folded(text: str) -> str:
    if text.isascii():
        return text
    return "".join(unicodedata.normalize("NFKC", one) if one.isdigit() else one for one in text)
