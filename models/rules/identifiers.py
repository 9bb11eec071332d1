"""Identifiers of people, organisations and certificates: normalised, checked, masked.

Belongs here: form and check digits. Does not: whether a person is eligible (eligibility.py).
Errors name the rule and say what to do; they never hold the number.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta


class Invalid(ValueError):
    """An identifier that breaks a rule; `rule` is its name, the text a sentence for a coordinator."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def normalise(text: str) -> str:
    """Bring full-width characters to their plain form, drop spaces and control characters, upper-case."""
    return "".join(_plain(text).split()).upper()


def _plain(text: str) -> str:
    """Full-width characters in their plain form, without the characters nobody sees; spaces stay."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char for char in plain if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf"))


def _cell(value: object) -> str:
    """The text of a cell; a whole number comes without the point a sheet gave it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class ResidentId:
    """A resident ID (GB 11643) taken apart."""

    number: str = field(repr=False)
    region: str = field(repr=False)
    birth: date = field(repr=False)
    sex: str


_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def resident_id(value: object) -> ResidentId:
    """Read a resident ID (GB 11643): 18 characters, a real date, a check digit modulo 11. Raises Invalid."""
    if value is None or (isinstance(value, str) and not normalise(value)):
        raise Invalid("resident-id-missing", "身份证号未填：请补填 the resident ID is missing: fill it in")
    if isinstance(value, int | float) or _scientific(str(value)):
        raise Invalid(
            "resident-id-lost-digits",
            "身份证号被表格存为数值，末几位已丢失：请将该列设为文本后重填 "
            "the sheet stored the resident ID as a number and lost its last digits: format the column as text",
        )
    text = normalise(str(value))
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text):
        raise Invalid("resident-id-form", "身份证号应为18位：请核对 the resident ID must have 18 characters: check it")
    if _id_check(text[:17]) != text[17]:
        raise Invalid(
            "resident-id-checksum",
            "身份证号校验位不符：请对照证件核对 the resident ID's check digit is wrong: compare it with the card",
        )
    return ResidentId(text, text[:6], _birth(text[6:14]), "male" if int(text[16]) % 2 else "female")


def _scientific(text: str) -> bool:
    return re.fullmatch(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+", text.strip()) is not None


def _id_check(body: str) -> str:
    return _ID_CHECKS[sum(int(digit) * weight for digit, weight in zip(body, _ID_WEIGHTS, strict=True)) % 11]


def _birth(text: str) -> date:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise Invalid(
            "resident-id-date", "身份证号中的出生日期不存在：请核对 the resident ID holds no real date: check it"
        ) from None


_USC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def credit_code(value: str) -> str:
    """Read a unified social credit code (GB 32100): 18 characters, a check character modulo 31. Raises Invalid."""
    text = normalise(value)
    if not re.fullmatch(f"[{_USC_ALPHABET}]{{18}}", text):
        raise Invalid("credit-code-form", "统一社会信用代码应为18位 a unified social credit code has 18 characters")
    total = sum(_USC_ALPHABET.index(char) * weight for char, weight in zip(text, _USC_WEIGHTS, strict=False))
    if _USC_ALPHABET[(31 - total % 31) % 31] != text[17]:
        raise Invalid("credit-code-checksum", "统一社会信用代码校验位不符 the credit code's check character is wrong")
    return text


def mobile(value: object) -> str:
    """Read a mobile number: +86, spaces and hyphens go, then 1, 3–9 and nine digits. Raises Invalid."""
    text = re.sub(r"[-–—]", "", normalise(_cell(value)))
    text = re.sub(r"\A(\+|00)?86(?=1[0-9]{10}\Z)", "", text)
    if not re.fullmatch(r"1[3-9][0-9]{9}", text):
        raise Invalid("mobile-invalid", "手机号码应为11位 a mobile number has 11 digits: correct it")
    return text


def bank_card(value: object) -> str:
    """Read a bank card number: 16 to 19 digits that pass Luhn, from text. Raises Invalid.

    A cell that holds it as a number has lost what lies past the fifteenth digit.
    """
    text = re.sub(r"-", "", normalise(str(value)))
    if isinstance(value, int | float) or not re.fullmatch(r"[0-9]{16,19}", text) or not _luhn(text):
        raise Invalid(
            "bank-card-invalid",
            "银行卡号不正确：请对照银行卡核对 the bank card number is wrong: compare it with the card",
        )
    return text


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)
    return total % 10 == 0


def school_code(value: str) -> str:
    """Read a school's code of five digits. Raises Invalid."""
    text = normalise(value)
    if not re.fullmatch(r"[0-9]{5}", text):
        raise Invalid("school-code-form", "院校代码应为5位数字 a school code has five digits")
    return text


@dataclass(frozen=True, slots=True)
class DiplomaNumber:
    """A diploma number taken apart: school, type (1, 5, 7), year, level (05 or 06), serial."""

    number: str
    school: str
    kind: str
    year: int
    level: str
    serial: str


def diploma_number(value: str) -> DiplomaNumber:
    """Read a diploma number of 18 digits. Raises Invalid."""
    text = normalise(value)
    match = re.fullmatch(r"([0-9]{5})([157])([0-9]{4})(0[56])([0-9]{6})", text)
    if match is None:
        raise Invalid("diploma-number-form", "毕业证书编号格式不符 the diploma number has not the form it must have")
    school, kind, year, level, serial = match.groups()
    return DiplomaNumber(text, school, kind, int(year), level, serial)


@dataclass(frozen=True, slots=True)
class SkillCertificateNumber:
    """A skill certificate's number taken apart: series (Y or S), year, level 1–5, serial."""

    number: str
    series: str
    year: int
    level: int
    serial: str


def skill_certificate_number(value: str) -> SkillCertificateNumber:
    """Read a skill certificate's number: Y or S and 21 digits that end in year 2, level 1, serial 6. Raises Invalid."""
    text = normalise(value)
    match = re.fullmatch(r"([YS])[0-9]{12}([0-9]{2})([1-5])([0-9]{6})", text)
    if match is None:
        raise Invalid(
            "skill-certificate-number-form", "技能证书编号格式不符 the skill certificate's number has not its form"
        )
    series, year, level, serial = match.groups()
    return SkillCertificateNumber(text, series, 2000 + int(year), int(level), serial)


_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_DOTS = "[•・‧.·∙⋅]"
_NAME = f"[{_HAN}A-Za-z]+(?:[· '’-][{_HAN}A-Za-z]+)*"


def person_name(value: object) -> str:
    """Read a person's name: 2 to 30 characters, rare Han and 〇 included, one form of the middle dot. Raises Invalid."""
    text = _plain(str(value if value is not None else "")).strip()
    if re.search(f"[{_HAN}]", text):
        text = re.sub(r"\s+", "", text)
        text = re.sub(f"(?<=[{_HAN}]){_DOTS}(?=[{_HAN}])", "·", text)
    else:
        text = re.sub(r"\s+", " ", text)
    if not text:
        raise Invalid("name-missing", "姓名未填：请补填 the name is missing: fill it in")
    if not 2 <= len(text) <= 30 or not re.fullmatch(_NAME, text):
        raise Invalid("name-form", "姓名应为2至30个汉字或字母 a name has 2 to 30 characters: correct it")
    return text


_EXCEL_EPOCH = date(1899, 12, 30)
_LATEST_SERIAL = 73050  # the end of 2099
_DATE = re.compile(
    r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?"
    r"(?:(?:T|\s+)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
)
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


def sheet_date(value: object) -> date:
    """Read a date as sheets hold it: ISO, 2025年9月1日, 2025/9/1, 20250901 or an Excel serial. Raises Invalid.

    A time of day behind it is left out.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = _plain(_cell(value)).strip().upper()
    if re.fullmatch(r"[1-9][0-9]{4}(\.[0-9]+)?", text) and float(text) < _LATEST_SERIAL + 1:
        return _EXCEL_EPOCH + timedelta(days=int(float(text)))
    match = _DATE.fullmatch(text) or _COMPACT_DATE.fullmatch(text)
    try:
        year, month, day = (int(part) for part in match.groups()) if match else (0, 0, 0)
        return date(year, month, day)
    except ValueError:
        raise Invalid(
            "date-invalid",
            "日期不存在或无法识别：请按 2025-09-01 填写 the date does not exist or cannot be read: "
            "write it as 2025-09-01",
        ) from None


def age_on(birth: date, day: date) -> int:
    """Give the age in full years on a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def mask_resident_id(number: str) -> str:
    """Show a resident ID as 320205********000X."""
    return f"{number[:6]}********{number[-4:]}"


def mask_mobile(number: str) -> str:
    """Show a mobile number as 138****0001."""
    return f"{number[:3]}****{number[-4:]}"


def mask_bank_card(number: str) -> str:
    """Show a bank card by its last four digits."""
    return f"**** {number[-4:]}"


def last_four(number: str) -> str:
    """Give the last four characters of a number, as the public notice shows them."""
    return number[-4:]
