"""Sifting: the newest version counts, in whatever order and in however many pages a source gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.repositories.reported import Version
from tasks.sifting import Sifted, sift

START = datetime(2026, 1, 1, tzinfo=UTC)
LATEST = START + timedelta(days=100)


@dataclass(frozen=True)
class Said:
    """What a source says of a row: a version by a number that stands for its digest."""

    key: str
    digest: int
    changed_at: datetime | None
    removed: bool = False


def on(day: int) -> datetime:
    """Give an instant on a day; beyond a hundred nobody believes it."""
    return START + timedelta(days=day)


def sifted(batch: Sequence[Said], standing: dict[str, Version]) -> Sifted:
    """Sift a batch."""
    return sift(batch, [one.key for one in batch], [one.digest for one in batch], standing, LATEST)


def taken(batch: Sequence[Said], standing: dict[str, Version]) -> list[Said]:
    """Take a batch as the gate does: write what is news and believed, remove what is gone; give all news."""
    found = sifted(batch, standing)
    for place in found.news:
        one = batch[place]
        if one.changed_at is None or one.changed_at <= LATEST:
            standing[one.key] = (one.digest, one.changed_at)
    for place in found.removed:
        standing.pop(batch[place].key, None)
    return [batch[place] for place in found.news]


keys = st.sampled_from("abc")
versions = st.builds(lambda key, day: Said(key, day, on(day)), keys, st.integers(0, 9))
future = st.builds(lambda key, day: Said(key, day, on(day)), keys, st.integers(101, 105))
pages = st.lists(st.lists(versions, max_size=6), max_size=5)


@given(said=pages)
def test_the_newest_version_stands_whatever_the_order_and_the_pages(said: list[list[Said]]) -> None:
    standing: dict[str, Version] = {}
    for page in said:
        taken(page, standing)
    newest = {one.key: one for one in sorted(chain(*said), key=lambda one: one.digest)}
    assert standing == {key: (one.digest, one.changed_at) for key, one in newest.items()}


@given(said=pages)
def test_what_stands_never_grows_older(said: list[list[Said]]) -> None:
    standing: dict[str, Version] = {}
    history: list[dict[str, Version]] = [{}]
    for page in said:
        taken(page, standing)
        history.append(dict(standing))
    for before, after in pairwise(history):
        assert all(after[key][1] >= version[1] for key, version in before.items())  # type: ignore[operator]


@given(batch=st.lists(versions | future, max_size=8))
def test_the_same_batch_again_is_no_news(batch: list[Said]) -> None:
    standing: dict[str, Version] = {}
    taken(batch, standing)
    assert [one for one in taken(batch, standing) if one.changed_at <= LATEST] == []  # type: ignore[operator]


@given(batch=st.lists(versions, max_size=8), ahead=st.lists(future, max_size=4), data=st.data())
def test_what_claims_to_be_of_the_future_is_news_and_hides_nothing(
    batch: list[Said], ahead: list[Said], data: st.DataObject
) -> None:
    mixed = data.draw(st.permutations(batch + ahead))
    alone, beside = dict[str, Version](), dict[str, Version]()
    taken(batch, alone)
    news = taken(mixed, beside)
    assert beside == alone
    assert sorted((one.key, one.digest) for one in news if one in ahead) == sorted(
        (one.key, one.digest) for one in ahead
    )


@given(batch=st.lists(versions, max_size=8))
def test_a_batch_gives_each_row_once_at_most_and_news_in_their_order(batch: list[Said]) -> None:
    found = sifted(batch, {})
    assert found.news == sorted(found.news)
    assert sorted(batch[place].key for place in found.news) == sorted({one.key for one in batch})


def test_the_same_digest_is_never_news_whatever_its_timestamp() -> None:
    for stamp in (None, on(1), on(5), on(9), on(200)):
        assert sifted([Said("a", 7, stamp)], {"a": (7, on(5))}) == Sifted([], [])


def test_an_older_version_is_passed_over_and_one_of_the_same_instant_is_not() -> None:
    standing: dict[str, Version] = {"a": (7, on(5))}
    assert sifted([Said("a", 8, on(4))], standing).news == []
    assert sifted([Said("a", 8, on(5))], standing).news == [0]
    assert sifted([Said("a", 8, on(6))], standing).news == [0]


def test_where_no_timestamp_is_told_what_differs_is_news() -> None:
    assert sifted([Said("a", 8, None)], {"a": (7, on(5))}).news == [0]
    assert sifted([Said("a", 8, on(1))], {"a": (7, None)}).news == [0]
    assert sifted([Said("a", 8, on(1))], {"a": (None, None)}).news == [0]


def test_of_several_versions_in_a_batch_the_newest_is_given_and_of_one_instant_the_last() -> None:
    assert sifted([Said("a", 1, on(1)), Said("a", 3, on(3)), Said("a", 2, on(2))], {}).news == [1]
    assert sifted([Said("a", 1, on(1)), Said("a", 2, on(1))], {}).news == [1]
    assert sifted([Said("a", 1, None), Said("a", 2, on(1)), Said("a", 3, None)], {}).news == [1]


def test_two_versions_that_nobody_can_order_are_both_given_and_twice_the_same_once() -> None:
    assert sifted([Said("a", 1, None), Said("a", 2, None)], {}).news == [0, 1]
    assert sifted([Said("a", 1, None), Said("a", 1, None)], {}).news == [1]


def test_the_newest_of_a_batch_is_compared_with_what_stands() -> None:
    standing: dict[str, Version] = {"a": (7, on(5))}
    assert sifted([Said("a", 1, on(1)), Said("a", 3, on(3))], standing) == Sifted([], [])
    assert sifted([Said("a", 1, on(1)), Said("a", 9, on(9))], standing).news == [1]


def test_a_row_that_is_gone_is_removed_and_never_news() -> None:
    assert sifted([Said("a", 8, on(6), removed=True)], {"a": (7, on(5))}) == Sifted([], [0])
    assert sifted([Said("a", 8, on(4), removed=True)], {"a": (7, on(5))}) == Sifted([], [])
    assert sifted([Said("a", 8, on(6), removed=True), Said("a", 9, on(7))], {}) == Sifted([1], [])
    assert sifted([Said("a", 8, on(7)), Said("a", 9, on(8), removed=True)], {}) == Sifted([], [1])


def test_what_is_of_the_last_believed_instant_is_a_version_like_any_other() -> None:
    latest = [Said("a", 1, LATEST), Said("a", 2, LATEST)]
    assert sifted(latest, {}).news == [1]
    assert sifted([Said("a", 3, LATEST)], {"a": (7, LATEST + timedelta(days=1))}).news == []
