"""Doubts about a reading: from where on nothing is believed, exactly, and when a stream is read as a whole."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from models.rules.reading import (
    Doubts,
    is_suddenly_empty,
    reads_whole,
    too_much_broken,
    too_much_removed,
    too_much_taken_back,
)

USUAL = Doubts()
counts = st.integers(0, 2_000_000)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@given(read=counts, broken=counts)
@example(read=200, broken=10)
@example(read=200, broken=9)
@example(read=199, broken=199)
def test_a_reading_is_doubted_from_five_per_cent_of_two_hundred_rows_on(read: int, broken: int) -> None:
    assert too_much_broken(read, broken, USUAL) == (read >= 200 and Fraction(broken, read) >= Fraction(5, 100))


@given(standing=counts, removed=counts)
@example(standing=10, removed=1)
@example(standing=10, removed=2)
@example(standing=0, removed=0)
def test_a_removal_is_doubted_beyond_ten_per_cent_of_what_stands(standing: int, removed: int) -> None:
    assert too_much_removed(standing, removed, USUAL) == (removed * 10 > standing)


@given(standing=counts, removed=st.integers(0, 400))
@example(standing=100, removed=20)
@example(standing=100, removed=19)
@example(standing=200, removed=20)
def test_a_source_that_deletes_is_doubted_from_twenty_rows_on(standing: int, removed: int) -> None:
    assert too_much_taken_back(standing, removed, USUAL) == (removed >= 20 and removed * 10 > standing)


@given(standing=counts, answered=counts)
@example(standing=1, answered=0)
@example(standing=0, answered=0)
def test_no_answer_at_all_is_doubted_only_of_a_source_that_had_rows(standing: int, answered: int) -> None:
    assert is_suddenly_empty(standing, answered) == (standing > 0 and answered == 0)


@given(today=days, before=st.integers(-3, 20))
@example(today=date(2026, 6, 8), before=7)
@example(today=date(2026, 6, 8), before=6)
def test_a_stream_is_read_whole_on_the_seventh_day_and_not_before(today: date, before: int) -> None:
    assert reads_whole(today, today - timedelta(before)) == (before >= 7)


@given(today=days)
def test_a_stream_that_was_never_read_whole_is(today: date) -> None:
    assert reads_whole(today, None)


def test_doubts_follow_the_settings() -> None:
    strict = Doubts(broken_share=0.01, least_rows=10, removed_share=0.5)
    assert too_much_broken(10, 1, strict) and not too_much_broken(10, 1, USUAL)
    assert too_much_removed(10, 2, USUAL) and not too_much_removed(10, 5, strict)
