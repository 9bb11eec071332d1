"""Walks through lists that live on while they are read: none lost whatever comes or goes, and no walk without end."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.errors import Permanent, Transient
from connectors.paging import OffsetWalk, Trail

Change = Callable[[list[int]], None]


class Living:
    """A sorted list of rows that changes after each page it gives."""

    def __init__(self, count: int, size: int, moves: Sequence[tuple[int, int]] = ()) -> None:
        """So many rows with gaps between their ids; a move puts in rows (or takes out, below nought) at a place."""
        self.ids = [10 * number for number in range(count)]
        self.always, self.moves, self.size, self.asked = set(self.ids), list(moves), size, 0

    async def ask(self, offset: int) -> list[dict[str, Any]]:
        """Give a page, and change."""
        page = [{"id": id} for id in self.ids[offset : offset + self.size]]
        self.asked += 1
        if self.moves:
            self._move(*self.moves.pop(0))
        return page

    def _move(self, place: int, rows: int) -> None:
        at = place % (len(self.ids) + 1)
        if rows < 0:
            del self.ids[at : at - rows]
        else:
            before = self.ids[at - 1] if at else -10
            free = [id for id in range(before + 1, before + 10) if id not in self.ids][:rows]
            self.ids = sorted({*self.ids, *free})
        self.always &= set(self.ids)


async def walked(ask: Any) -> list[int]:
    """The ids of all rows given by a walk."""
    walk = OffsetWalk("there", "read", "id")
    return [row["id"] async for page in walk.pages(ask) for row in page]


@given(st.integers(0, 60), st.integers(2, 12), st.lists(st.tuples(st.integers(0, 80), st.integers(-20, 5)), max_size=8))
@example(20, 5, [(0, -1)])
@example(20, 5, [(0, 1)])
@example(20, 5, [(0, 0), (0, -1), (3, 1)])
@example(20, 5, [(0, 0), (0, -9)])
@example(20, 5, [(0, 0), (0, 0), (0, 0), (19, -1)])
@example(20, 5, [(0, 0), (0, -20)])
def test_whoever_is_there_all_the_time_is_given_however_the_list_moves(
    count: int, size: int, moves: list[tuple[int, int]]
) -> None:
    living = Living(count, size, moves)
    found = asyncio.run(walked(living.ask))
    assert living.always <= set(found)
    assert not moves or living.asked < 10 + 10 * (count + 40) / (size - 1)


@given(st.integers(0, 60), st.integers(1, 12))
def test_a_list_that_rests_is_given_once_and_in_order(count: int, size: int) -> None:
    living = Living(count, size)
    assert asyncio.run(walked(living.ask)) == living.ids
    assert living.asked <= 2 + (count - 1) // max(1, size - 1)


async def test_a_page_that_comes_twice_costs_no_row() -> None:
    living, pages = Living(30, 10), []

    async def ask(offset: int) -> list[dict[str, Any]]:
        pages.append(pages[-1] if len(pages) == 2 else await living.ask(offset))
        return pages[-1]

    assert set(await walked(ask)) == living.always


async def test_a_server_that_does_not_page_and_says_so_is_read_by_what_it_gives() -> None:
    """One page that is said to be all, and comes again whatever is asked for."""
    walk = OffsetWalk("there", "read", "id")

    async def ask(offset: int) -> list[dict[str, Any]]:
        walk.complete = True
        return [{"id": 1}, {"id": 2}]

    assert [len(page) async for page in walk.pages(ask)] == [2]


@pytest.mark.parametrize("count", [1, 3])
async def test_a_server_that_does_not_page_and_does_not_say_so_is_no_success(count: int) -> None:
    living = Living(count, 5)

    async def ask(_: int) -> list[dict[str, Any]]:
        return await living.ask(0)

    with pytest.raises(Permanent, match="the same page again and again"):
        await walked(ask)
    assert living.asked < 10


async def test_a_list_that_never_rests_is_left_for_the_next_run() -> None:
    living = Living(500, 10, [(0, -1)] * 400)
    with pytest.raises(Transient, match="faster than it can be read") as caught:
        await walked(living.ask)
    assert not caught.value.again


async def test_a_list_without_end_is_left_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read of it must not pass for all of it."""
    monkeypatch.setattr("connectors.paging.PAGE_CAP", 50)
    with pytest.raises(Transient, match="more pages"):
        await walked(Living(10_000, 10).ask)


async def test_rows_without_ids_stay_and_end_no_walk() -> None:
    rows = [None, 5, {}, {"id": None}, {"id": []}, "row"] * 3
    walk = OffsetWalk("there", "read", "id")

    async def ask(offset: int) -> list[Any]:
        return rows[offset : offset + 4]

    assert [row async for page in walk.pages(ask) for row in page] == rows


# --- by cursors and links -------------------------------------------------------------------------------------------


def trail() -> Trail:
    """A walk that has just begun."""
    return Trail("there", "read", "id")


def test_a_place_where_the_walk_has_been_ends_it() -> None:
    one = trail()
    assert [one.leads_to(mark) for mark in ("a", "b", "c")] == ["a", "b", "c"]
    with pytest.raises(Transient, match="in a circle") as caught:
        one.leads_to("b")
    assert not caught.value.again


def test_the_same_page_at_a_new_place_is_a_page_missing() -> None:
    one = trail()
    one.passed([{"id": 1}, {"id": 2}])
    one.passed([])
    one.passed([{"id": 1}, {"id": 2}])
    with pytest.raises(Transient, match="in a circle"):
        one.passed([{"id": 1}, {"id": 2}])


def test_empty_pages_may_follow_one_another() -> None:
    one = trail()
    for _ in range(3):
        one.passed([])
