"""What looks like a personal number is recognised and masked, wherever it stands; what only resembles one is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.privacy import holds_personal_number, mask_numbers

PERSONAL = ("32020519881102000X", "320205198811030005", "6220000000000001", "6222021001112223331", "13911112222",
            "6222 0210 0111 2223 331", "6222-0210-0111-2223", "320205 19881102 000X", "139 1111 2222")  # fmt: skip
HARMLESS = ("91320200MA1TEXT06T", "12350100000000019K", "52320200MJ6000201J", "Y000132000123254000001", "WX-2026A",
            "2026-09-01", "1.117", "0510-82700000", "2026-09-01 2026-09-02", "0510 8270 0000",
            "0190f2a8-1234-4567-8901-234567890123")  # fmt: skip


@pytest.mark.parametrize("number", PERSONAL)
def test_a_personal_number_is_found_and_masked_in_any_sentence(number: str) -> None:
    """Between Chinese characters, in brackets, in full-width digits, at either end."""
    wide = number.translate({ord("0") + n: ord("０") + n for n in range(10)})
    for text in (number, f"见{number}。", f"({number})", f"id={number},", wide):
        assert holds_personal_number(text)
        assert number not in mask_numbers(text)
        assert mask_numbers(text).count("*") == len(number) - 3


@pytest.mark.parametrize("code", HARMLESS)
def test_a_code_that_only_resembles_one_stays_readable(code: str) -> None:
    """Credit codes, certificate numbers, cohort codes and dates are no secrets."""
    assert not holds_personal_number(code)
    assert mask_numbers(f"see {code}.") == f"see {code}."


def test_a_letter_after_eighteen_digits_hides_no_number() -> None:
    """A credit code has eighteen places in all."""
    assert mask_numbers("320205198811020009A") == f"320{'*' * 15}A"


@given(st.text())
def test_masking_twice_is_masking_once_and_leaves_nothing(text: str) -> None:
    """Whatever the text."""
    masked = mask_numbers(text)
    assert not holds_personal_number(masked)
    assert mask_numbers(masked) == masked
