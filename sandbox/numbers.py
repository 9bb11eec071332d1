"""Identifiers of the invented world: well-formed, valid, and of no one.

Belongs here: check digits as their standards print them. Does not: who carries which number (people.py).
"""

from datetime import date

REGION = "320214"  # A district founded in 2015: no one born before then has its code.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def resident_id(born: date, sequence: int) -> str:
    """Return an 18-character resident ID (GB 11643); an odd sequence is a man's."""
    body = f"{REGION}{born:%Y%m%d}{sequence:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _ID_WEIGHTS, strict=True))
    return body + _ID_CHECKS[total % 11]


def broken_resident_id(number: str) -> str:
    """Return the same resident ID with a wrong check character, as a typing mistake makes it."""
    return number[:-1] + ("0" if number[-1] != "0" else "1")


def bank_card(body: int) -> str:
    """Return a 16-digit card number with a valid Luhn digit from a number of up to nine digits."""
    digits = f"622000{body:09d}"
    doubled = (int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(digits))
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return digits + str(-total % 10)


def mobile(body: int) -> str:
    """Return an 11-digit mobile number from a number of up to five digits."""
    return f"139133{body:05d}"


def diploma_number(year: int, serial: int) -> str:
    """Return an 18-digit diploma number: school 5, type 5, year 4, level 06 (专科), serial 6."""
    return f"513205{year:04d}06{serial:06d}"


def skill_number(year: int, level: int, serial: int) -> str:
    """Return a 22-character skill certificate number: Y, 12 of the issuer, year 2, level 1, serial 6."""
    return f"Y000132000214{year % 100:02d}{level}{serial:06d}"


def student_number(year: int, month: int, serial: int) -> str:
    """Return a 13-digit student number as the open university writes it."""
    return f"{year % 100:02d}{month:02d}32020{serial:04d}"
