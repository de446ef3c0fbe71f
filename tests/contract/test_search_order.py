"""The order of matches: by values, in both directions, and the pages of it."""

from __future__ import annotations

import asyncio

import pytest

from service.search.query import EVERYTHING, Bound, Or, Predicate, Prefix, Query, Range, Sort, Term
from service.search.rows import RangeRow, Row, TermRow
from service.store.base import Store, Version
from tests.contract.making import gone, named, put, write

pytestmark = pytest.mark.anyio

UP, DOWN = Sort("value", "name"), Sort("value", "name", descending=True)


async def ordered(store: Store, *sorts: Sort, where: Predicate = EVERYTHING, at: int | None = None) -> str:
    """Return the ids of all Groups in an order; pages of any size must come to the same."""
    query = Query(("Group",), where, sorts)
    versions = await store.search(query, at, limit=100)
    for size in (1, 2, 3):
        pages: list[Version] = []
        while page := await store.search(query, at, after=pages[-1].position if pages else None, limit=size):
            pages += page
        assert pages == versions
    return " ".join(version.id for version in versions)


async def test_by_value(store: Store) -> None:
    """A sort by value is by the least value, descending by the greatest; what has none comes last either way."""
    await write(store, named("none"), named("mn", "m", "n"), named("az", "a", "z"), named("b", "b"))
    assert await ordered(store, UP) == "az b mn none"
    assert await ordered(store, DOWN) == "az mn b none"


async def test_by_the_ends_of_ranges(store: Store) -> None:
    """A sort by range is by one of the ends: by the low ends, or by the high ones."""
    await write(
        store,
        put("wide", rows=[RangeRow("d", "1", "9")]),
        put("late", rows=[RangeRow("d", "5", "6")]),
        put("two", rows=[RangeRow("d", "3", "4"), RangeRow("d", "7", "8")]),
        put("other", rows=[RangeRow("e", "0", "0")]),
    )
    assert await ordered(store, Sort("low", "d")) == "wide two late other"
    assert await ordered(store, Sort("low", "d", descending=True)) == "two late wide other"
    assert await ordered(store, Sort("high", "d")) == "two late wide other"
    assert await ordered(store, Sort("high", "d", descending=True)) == "wide two late other"


async def test_bounds_on_the_sorted_key(store: Store) -> None:
    """Where the search bounds the key of the sort, the order is still by the least value, not by the least match."""
    after = Range("d", (Bound("low", ">=", "5"),))
    reaches = Range("d", (Bound("high", ">", "5"),))
    before = Range("d", (Bound("low", "<", "5"),))
    await write(
        store,
        put("late", rows=[RangeRow("d", "6", "7")]),
        put("early", rows=[RangeRow("d", "1", "2")]),
        put("long", rows=[RangeRow("d", "2", "9")]),
        put("twice", rows=[RangeRow("d", "0", "1"), RangeRow("d", "5", "6")]),
        put("back", rows=[RangeRow("d", "8", "3")]),
        put("none"),
    )
    low, high = Sort("low", "d"), Sort("high", "d", descending=True)
    assert await ordered(store, low, where=after) == "twice late back"
    assert await ordered(store, low, where=reaches) == "twice long late"
    assert await ordered(store, low, where=Or((after, reaches))) == "twice long late back"
    assert await ordered(store, high, where=before) == "long twice early"
    assert await ordered(store, high, where=Range("d", (Bound("high", "<=", "3"),))) == "twice back early"
    terms = {"az": ("a", "z"), "m": ("m",), "my": ("m", "y"), "z": ("z",), "b": ("b",)}
    await write(store, *[put(id_, rows=[TermRow("t", value) for value in values]) for id_, values in terms.items()])
    up, down = Sort("value", "t"), Sort("value", "t", descending=True)
    assert await ordered(store, up, where=Prefix("t", "z")) == "az z"
    assert await ordered(store, up, where=Or((Term("t", "z"), Term("t", "y")))) == "az my z"
    assert await ordered(store, down, where=Or((Prefix("t", "a"), Term("t", "m")))) == "az my m"
    # What is added later counts as well.
    [added] = await write(store, put("added", rows=[TermRow("t", "y")]))
    await store.add_rows([(added.position, [TermRow("t", "c"), RangeRow("d", "0", "9")])])
    assert await ordered(store, up, where=Prefix("t", "y")) == "added my"
    assert await ordered(store, low, where=after) == "twice late back"
    assert await ordered(store, low, where=reaches) == "twice added long late"


async def test_by_id_and_instant(store: Store) -> None:
    """What every version has needs no key: its id, and its instant."""
    await write(store, put("b"))
    await asyncio.sleep(0.01)
    await write(store, put("c"), put("a"))
    assert await ordered(store, Sort("id")) == "a b c"
    assert await ordered(store, Sort("id", descending=True)) == "c b a"
    assert await ordered(store, Sort("instant")) == "b c a"
    assert await ordered(store, Sort("instant", descending=True)) == "c a b"


async def test_newest_commits_first(store: Store) -> None:
    """Descending by instant, the commits come newest first, and the resources of one as they were written."""
    for number in range(4):
        await write(store, *[named(f"{number}{letter}", "x") for letter in "cab"])
        await asyncio.sleep(0.005)
    expected = " ".join(f"{number}{letter}" for number in (3, 2, 1, 0) for letter in "cab")
    assert await ordered(store, Sort("instant", descending=True), where=Term("name", "x")) == expected
    by_id = " ".join(f"{number}{letter}" for number in (3, 2, 1, 0) for letter in "abc")
    assert await ordered(store, Sort("instant", descending=True), Sort("id")) == by_id


async def test_ties(store: Store) -> None:
    """Equal values, and missing ones, are in the order of positions, in either direction."""
    await write(store, *[named(id_, "x") for id_ in "cab"], *[named(id_) for id_ in "fed"])
    await write(store, named("c", "x", value=2))
    assert await ordered(store, UP) == "a b c f e d"
    assert await ordered(store, DOWN) == "a b c f e d"


async def test_several_keys(store: Store) -> None:
    """The first sort decides, where it leaves equal the second, and so on; each has its own direction."""
    for number, (name, low) in enumerate((("x", "2"), ("y", "1"), ("x", "1"), ("y", ""), ("", "1"), ("", ""))):
        rows = [TermRow("name", name)] if name else []
        await write(store, put(f"r{number}", rows=[*rows, *([RangeRow("d", low, low)] if low else [])]))
    up, down = Sort("low", "d"), Sort("low", "d", descending=True)
    assert await ordered(store, UP, up) == "r2 r0 r1 r3 r4 r5"
    assert await ordered(store, UP, down) == "r0 r2 r1 r3 r4 r5"
    assert await ordered(store, DOWN, up) == "r1 r3 r2 r0 r4 r5"
    assert await ordered(store, up, DOWN) == "r1 r2 r4 r0 r3 r5"
    assert await ordered(store, Sort("value", "nobody"), DOWN, Sort("id", descending=True)) == "r3 r1 r2 r0 r5 r4"


async def test_text_by_code_points(store: Store) -> None:
    """Values are compared by code points: no language, no case, no sign that means something to a database."""
    names = ["", " ", "$a", "A", "Z", "a", "a.b", "ab", "é", "日", "😀"]
    await write(store, *[named(f"r{n}", name) for n, name in reversed(list(enumerate(names)))])
    expected = [f"r{n}" for n in range(len(names))]
    assert await ordered(store, UP) == " ".join(expected)
    assert await ordered(store, DOWN) == " ".join(reversed(expected))


async def test_keys_that_begin_alike(store: Store) -> None:
    """A sort by a key is by the rows of that key, not of one whose name begins with it or has it in it."""
    rows = {"a": ("k", "2"), "b": ("k.e", "1"), "c": ("key", "0"), "d": ("k", "1")}
    await write(store, *[put(id_, rows=[TermRow(*row), RangeRow(*row, "9")]) for id_, row in rows.items()])
    for sort in (Sort("value", "k"), Sort("low", "k")):
        assert await ordered(store, sort) == "d a b c"


async def test_order_at_a_seq(store: Store) -> None:
    """At a seq, resources are in the order of the values that they had then, deletions left out."""
    await write(store, named("a", "1"), named("b", "2"))
    await write(store, named("a", "3"), named("c"))
    await store.commit([gone("b")])
    assert [await ordered(store, UP, at=seq) for seq in range(4)] == ["", "a b", "b a c", "a c"]
    assert [await ordered(store, DOWN, at=seq) for seq in range(4)] == ["", "b a", "a b c", "a c"]


async def test_order_of_few_among_many(store: Store) -> None:
    """An order is of the matches alone."""
    await write(store, *[named(f"r{n:03}", str(n), "x" if n % 50 == 0 else "y") for n in range(200)])
    sort = Sort("value", "name")
    assert await ordered(store, sort, where=Term("name", "x")) == "r000 r100 r150 r050"


async def test_pages_beside_a_writer(store: Store) -> None:
    """Sorted pages at one seq give every match exactly once, while others change what it is sorted by."""
    await write(store, *[named(f"r{n:02}", str(n % 7), "x") for n in range(40)])
    query = Query(("Group",), Term("name", "x"), (DOWN, Sort("id", descending=True)))
    head = (await store.head()).seq
    expected = await store.search(query, limit=100)
    seen: list[Version] = []
    for number in range(40):
        page = await store.search(query, head, after=seen[-1].position if seen else None, limit=3)
        seen += page
        change = gone(f"r{number:02}") if number % 3 == 0 else named(f"r{number:02}", "9", "x", value=2)
        await write(store, change, named(f"new{number}", "5", "x"))
    assert seen == expected


async def test_large_order(store: Store) -> None:
    """Thousands with the same value, or each with its own, are paged alike."""
    many = 2500
    rows: list[list[Row]] = [
        [TermRow("name", "xyz"[n % 3]), RangeRow("d", f"{n * 7919 % many:05}", "9")] for n in range(many)
    ]
    await write(store, *[put(f"r{n:04}", rows=row) for n, row in enumerate(rows)], named("last"))
    same = Query(("Group",), EVERYTHING, (DOWN,))
    expected = [f"r{n:04}" for name in (2, 1, 0) for n in range(name, many, 3)] + ["last"]
    versions = await store.search(same, limit=3000)
    assert [version.id for version in versions] == expected
    for place in (1, 832, 833, 2499):
        after = versions[place - 1].position
        assert await store.search(same, after=after, limit=4) == versions[place : place + 4]
    two = Query(("Group",), EVERYTHING, (DOWN, Sort("low", "d")))
    versions = await store.search(two, limit=3000)
    keys = sorted(range(many), key=lambda n: (-(n % 3), n * 7919 % many))
    assert [version.id for version in versions] == [*(f"r{n:04}" for n in keys), "last"]
    assert await store.search(two, after=versions[1500].position, limit=5) == versions[1501:1506]
