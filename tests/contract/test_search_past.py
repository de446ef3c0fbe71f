"""Search as of a seq, and pages that neither lose nor repeat while others write."""

from __future__ import annotations

import asyncio

import pytest

from service.search.query import Bound, Contains, Not, Prefix, Query, Range, Term
from service.search.rows import RangeRow, TermRow
from service.store.base import Store, Version
from tests.contract.making import found, gone, named, put, write

pytestmark = pytest.mark.anyio

X = Query(("Group",), Term("name", "x"))


async def test_search_at_every_seq(store: Store) -> None:
    """A search at a seq answers as it would have then, by every kind of predicate, for ever."""
    await write(store, put("a", 1, rows=[TermRow("name", "x1"), RangeRow("n", "1", "2")]))
    await write(store, put("b", 1, rows=[TermRow("name", "x2"), RangeRow("n", "5", "6")]))
    await write(store, put("a", 2, rows=[TermRow("name", "y1"), RangeRow("n", "7", "8")]))
    await store.commit([gone("b")])
    await write(store, put("b", 3, rows=[TermRow("name", "x3")]))
    low = Range("n", (Bound("low", "<=", "5"),))
    for predicate, expected in (
        (Term("name", "x1"), ["", "a", "a", "", "", ""]),
        (Prefix("name", "x"), ["", "a", "a b", "b", "", "b"]),
        (Contains("name", "1"), ["", "a", "a", "a", "a", "a"]),
        (low, ["", "a", "a b", "b", "", ""]),
        (Not(low), ["", "", "", "a", "a", "a b"]),
    ):
        assert [await found(store, predicate, at=seq) for seq in range(6)] == expected


async def test_order_is_by_position(store: Store) -> None:
    """Matches come in the order in which their current versions were committed: an update moves to the end."""
    await write(store, put("a"), put("b"), put("c"))
    await write(store, put("a", 2))
    assert await found(store) == "b c a"
    assert await found(store, at=1) == "a b c"


async def test_limit_and_after(store: Store) -> None:
    """A page has at most ``limit`` matches, all from after the position; a limit of 0 gives none."""
    versions = await write(store, *[named(f"r{n}", "x") for n in range(7)])
    assert await store.search(X, limit=3) == versions[:3]
    assert await store.search(X, after=versions[2].position, limit=3) == versions[3:6]
    assert await store.search(X, after=versions[5].position, limit=3) == versions[6:]
    assert await store.search(X, after=versions[6].position, limit=3) == []
    assert await store.search(X, limit=0) == []
    assert await store.count(X) == 7


async def test_ties_within_a_commit(store: Store) -> None:
    """Resources of one commit share number and instant; their places still order them and split pages between them."""
    versions = await write(store, *[named(f"r{9 - n}", "x") for n in range(5)])
    pages = [await store.search(X, after=versions[0].position, limit=2)]
    pages.append(await store.search(X, after=pages[0][-1].position, limit=2))
    assert [[v.id for v in page] for page in pages] == [["r8", "r7"], ["r6", "r5"]]


async def test_paging_beside_a_writer(store: Store) -> None:
    """Pages at one seq give every match exactly once, while matches are changed, deleted and added."""
    await write(store, *[named(f"r{n:02}", "x") for n in range(40)])
    head = (await store.head()).seq
    expected = await store.search(X, limit=100)
    turn, written = asyncio.Event(), asyncio.Event()
    seen: list[Version] = []

    async def keep_writing() -> None:
        for number in range(40):
            change = gone(f"r{number:02}") if number % 3 == 0 else named(f"r{number:02}", "xy"[number % 2], value=2)
            await write(store, change, named(f"new{number}", "x"))
            turn.set()
        written.set()

    async def keep_paging() -> None:
        after = 0
        while page := await store.search(X, head, after=after, limit=3):
            seen.extend(page)
            after = page[-1].position
            turn.clear()
            if not written.is_set():  # else there is nobody left to wait for
                await asyncio.wait_for(turn.wait(), 30)

    await asyncio.gather(keep_writing(), keep_paging())
    assert seen == expected
    assert await store.count(X, head) == 40
    assert await store.count(X) != 40


async def test_count_of_no_page(store: Store) -> None:
    """The count is of all matches at the seq, whatever a page would hold."""
    for number in range(5):
        await write(store, named(f"r{number}", "x"))
    assert [await store.count(X, seq) for seq in range(6)] == [0, 1, 2, 3, 4, 5]
