"""Identifiers: every valid one is read, every one-digit-off one refused, and no message holds a number."""

from datetime import date, datetime, time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.rules import identifiers as ids

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@st.composite
def resident_ids(draw: st.DrawFn) -> str:
    born = draw(st.dates(date(1940, 1, 1), date(2015, 12, 31)))
    region = draw(st.integers(110000, 659999))
    body = f"{region}{born:%Y%m%d}{draw(st.integers(0, 999)):03}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]


@st.composite
def bank_cards(draw: st.DrawFn) -> str:
    body = draw(st.text("0123456789", min_size=15, max_size=18))
    total = sum(sum(divmod(int(d) * (2 - place % 2), 10)) for place, d in enumerate(reversed(body)))
    return body + str(-total % 10)


@given(resident_ids())
def test_every_valid_resident_id_is_read(number: str) -> None:
    read = ids.resident_id(f" {number.lower()} ")
    assert read.number == number
    assert f"{read.birth:%Y%m%d}" == number[6:14]
    assert read.sex == ("male" if int(number[16]) % 2 else "female")


@given(resident_ids(), st.integers(0, 17), st.integers(1, 10))
def test_every_resident_id_that_is_one_digit_off_is_refused(number: str, place: int, shift: int) -> None:
    digits = "0123456789X" if place == 17 else "0123456789"
    other = digits[(digits.index(number[place]) + shift) % len(digits)]
    assume(other != number[place])
    wrong = number[:place] + other + number[place + 1 :]
    with pytest.raises(ids.Invalid) as refusal:
        ids.resident_id(wrong)
    assert wrong not in str(refusal.value)
    assert number not in str(refusal.value)


@pytest.mark.parametrize("number", ["32020519881102000X", "320205198811030005", "11010519491231002X"])
def test_the_published_examples_are_read(number: str) -> None:
    assert ids.resident_id(number).number == number


def test_full_width_digits_are_digits_and_numbers_from_sheets_have_lost_theirs() -> None:
    assert ids.resident_id("３２０２０５１９８８１１０２０００Ｘ").number == "32020519881102000X"
    for lost in (3.2020519881102e17, 320205198811020000, "3.20205E+17"):
        with pytest.raises(ids.Invalid) as refusal:
            ids.resident_id(lost)
        assert refusal.value.rule == "resident-id-lost-digits"


@pytest.mark.parametrize(
    ("value", "rule"),
    [(None, "resident-id-missing"), ("  ", "resident-id-missing"), ("12345", "resident-id-form"),
     ("32020519881102000X\n1", "resident-id-form")],
)  # fmt: skip
def test_a_resident_id_of_another_form_is_refused_by_name(value: object, rule: str) -> None:
    with pytest.raises(ids.Invalid) as refusal:
        ids.resident_id(value)
    assert refusal.value.rule == rule


def test_a_resident_id_with_no_real_date_is_refused() -> None:
    body = "32020519880230000"
    number = body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]
    with pytest.raises(ids.Invalid) as refusal:
        ids.resident_id(number)
    assert refusal.value.rule == "resident-id-date"


@given(bank_cards())
def test_every_valid_bank_card_is_read(number: str) -> None:
    assert ids.bank_card(f"{number[:4]} {number[4:]}") == number


@given(resident_ids(), st.integers(0, 16))
def test_two_digits_of_a_resident_id_that_changed_places_are_noticed(number: str, place: int) -> None:
    assume(number[place] != number[place + 1])
    with pytest.raises(ids.Invalid):
        ids.resident_id(number[:place] + number[place + 1] + number[place] + number[place + 2 :])


@given(bank_cards(), st.integers(0, 18), st.integers(1, 9))
def test_every_bank_card_that_is_one_digit_off_is_refused(number: str, place: int, shift: int) -> None:
    place %= len(number)
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    with pytest.raises(ids.Invalid):
        ids.bank_card(wrong)


@pytest.mark.parametrize(
    "number", [6220000000000001, 6220000000000001.0, "6220000000000002", "622000000000001", None, ""]
)
def test_a_bank_card_that_a_sheet_kept_as_a_number_is_not_trusted(number: object) -> None:
    """What lies past the fifteenth digit is gone, whatever the check digit says."""
    with pytest.raises(ids.Invalid) as refusal:
        ids.bank_card(number)
    assert refusal.value.rule == "bank-card-invalid"
    assert ids.bank_card("6220 0000-0000 0001") == "6220000000000001"


@given(st.text(ALPHABET, min_size=17, max_size=17), st.integers(0, 17), st.integers(1, 30))
def test_credit_codes_pass_and_one_character_off_they_fail(body: str, place: int, shift: int) -> None:
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(ALPHABET.index(char) * weight for char, weight in zip(body, weights, strict=True))
    code = body + ALPHABET[(31 - total % 31) % 31]
    assert ids.credit_code(code) == code
    other = ALPHABET[(ALPHABET.index(code[place]) + shift) % 31]  # the check character too
    with pytest.raises(ids.Invalid):
        ids.credit_code(code[:place] + other + code[place + 1 :])


@pytest.mark.parametrize("code", ["91320200MA1TEXT06T", "12350100000000019K"])
def test_the_published_credit_codes_are_read(code: str) -> None:
    assert ids.credit_code(code.lower()) == code


@pytest.mark.parametrize(
    "text",
    [
        13912345678,
        13912345678.0,
        "0086 139 1234 5678",
        "+86 13912345678",
        "139-1234-5678",
        "8613912345678",
        "１３９１２３４５６７８",
    ],
)
def test_mobile_numbers_lose_prefix_spaces_and_hyphens(text: object) -> None:
    assert ids.mobile(text) == "13912345678"


@pytest.mark.parametrize("text", ["12912345678", "1391234567", "139123456789", None])
def test_other_mobile_numbers_are_refused(text: object) -> None:
    with pytest.raises(ids.Invalid):
        ids.mobile(text)


@pytest.mark.parametrize(
    "value",
    ["2025-09-01", "2025年9月1日", "2025/9/1", 45901, "45901", datetime(2025, 9, 1), date(2025, 9, 1), "20250901"],
)
def test_every_form_of_a_date_is_the_same_day(value: object) -> None:
    assert ids.sheet_date(value) == date(2025, 9, 1)


@given(st.dates(date(1930, 1, 1), date(2099, 12, 31)), st.times())
def test_any_day_reads_the_same_in_every_form_with_or_without_a_time(day: date, clock: time) -> None:
    serial = (day - date(1899, 12, 30)).days
    plain = f"{day.year}/{day.month}/{day.day}"
    forms: list[object] = [
        day.isoformat(), plain, f"{day.year}年{day.month}月{day.day}日", f"{day.year} 年 {day.month} 月 {day.day} 日",
        f"{day.year}.{day.month}.{day.day}", f"{day:%Y%m%d}", int(f"{day:%Y%m%d}"), float(f"{day:%Y%m%d}"),
        serial, float(serial), str(serial), serial + 0.75, f"{plain} {clock.hour}:{clock:%M}", f"{plain} {clock:%H:%M:%S}",
        f"{day.isoformat()}T{clock:%H:%M}", datetime.combine(day, clock), f" {day.isoformat()}\u200b ",
        "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in f"{day.year}年{day.month}月{day.day}日"),
    ]  # fmt: skip
    assert {ids.sheet_date(form) for form in forms} == {day}


@pytest.mark.parametrize(
    "value",
    [
        "2025-02-29",
        "2025-9-31",
        "2025/9/12:30",
        "2025年9月",
        "1",
        "00001",
        73051,
        7.5,
        "2025/13/1",
        "soon",
        "",
        None,
        "99999999",
    ],
)
def test_a_date_that_does_not_exist_is_an_error(value: object) -> None:
    with pytest.raises(ids.Invalid) as refusal:
        ids.sheet_date(value)
    assert refusal.value.rule == "date-invalid"


han = st.text(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
    | st.characters(min_codepoint=0x3400, max_codepoint=0x4DB5)
    | st.characters(min_codepoint=0x20000, max_codepoint=0x2A6D6)
    | st.characters(min_codepoint=0x30000, max_codepoint=0x3134A)
    | st.just("〇"),
    min_size=1,
    max_size=6,
)
dots = st.sampled_from("•・‧.·･．∙⋅")


@given(st.lists(han, min_size=1, max_size=4), dots, st.sampled_from(["", " ", "　", "\u200b"]))
def test_every_name_of_han_characters_is_read_with_one_middle_dot(parts: list[str], dot: str, gap: str) -> None:
    """Rare ones and 〇 included, whichever dot and spaces the sheet has between the parts."""
    expected = "·".join(parts)
    assume(len(expected) >= 2)
    assert ids.person_name(f" {f'{gap}{dot}{gap}'.join(parts)} ") == expected
    assert ids.person_name(expected) == expected


@pytest.mark.parametrize(
    "name", ["··", "阿卜杜拉·", "·买买提", "阿··提", "--", "王a1", "王<b>", "=HYPERLINK", "13800000001"]
)
def test_what_is_no_name_is_refused_without_being_quoted(name: str) -> None:
    with pytest.raises(ids.Invalid) as refusal:
        ids.person_name(name)
    assert refusal.value.rule == "name-form"
    assert name not in str(refusal.value)


def test_names_in_letters_keep_their_spaces_and_lose_their_width() -> None:
    assert ids.person_name("Ｊｏｈｎ　Ｓｍｉｔｈ") == "John Smith"
    assert ids.person_name(" Anne-Marie  O’Neil ") == "Anne-Marie O’Neil"


@pytest.mark.parametrize("dot", "•・‧.·")
def test_every_middle_dot_between_han_characters_is_the_same(dot: str) -> None:
    assert ids.person_name(f"阿卜杜拉{dot}买买提") == "阿卜杜拉·买买提"


def test_rare_characters_are_names_and_digits_are_not() -> None:
    assert ids.person_name("司马〇一") == "司马〇一"
    assert ids.person_name("高 建国") == "高建国"
    assert ids.person_name("𠮷田") == "𠮷田"
    for wrong in ("王", "王3", "王" * 31):
        with pytest.raises(ids.Invalid):
            ids.person_name(wrong)


def test_certificate_numbers_are_taken_apart() -> None:
    diploma = ids.diploma_number("123455202706000123")
    assert (diploma.school, diploma.kind, diploma.year, diploma.level) == ("12345", "5", 2027, "06")
    skill = ids.skill_certificate_number("Y000132000123254000001")
    assert (skill.series, skill.year, skill.level, skill.serial) == ("Y", 2025, 4, "000001")
    for wrong in ("12345520270600012", "123452202706000123"):
        with pytest.raises(ids.Invalid):
            ids.diploma_number(wrong)
    with pytest.raises(ids.Invalid):
        ids.skill_certificate_number("X000132000123254000001")
    assert ids.school_code(" 12345 ") == "12345"
    with pytest.raises(ids.Invalid):
        ids.school_code("1234")


def test_masks_show_what_the_law_allows() -> None:
    assert ids.mask_resident_id("32020519881102000X") == "320205********000X"
    assert ids.mask_mobile("13800000001") == "138****0001"
    assert ids.mask_bank_card("6220000000000001") == "**** 0001"
    assert ids.last_four("32020519881102000X") == "000X"


@given(st.dates(date(1950, 1, 1), date(2010, 12, 31)), st.integers(0, 70))
def test_a_birthday_is_the_day_one_gets_older(birth: date, years: int) -> None:
    try:
        birthday = birth.replace(year=birth.year + years)
    except ValueError:
        return
    assert ids.age_on(birth, birthday) == years
