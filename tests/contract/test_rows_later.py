"""Index rows that come after their versions, and rows that go: search parameters are added and retired."""

from __future__ import annotations

import asyncio

import pytest

from service.search.query import Bound, Prefix, Query, Range, Sort, Term, Together, Word
from service.search.rows import RangeRow, Row, TermRow, WordsRow
from service.store.base import Store
from tests.contract.making import found, gone, listed, named, put, write

pytestmark = pytest.mark.anyio

ROWS: list[Row] = [
    TermRow("new", "x", "q"),
    RangeRow("range", "1", "2"),
    TermRow("c", "1", part=1),
    RangeRow("v", "1", "2", part=1),
    WordsRow("words", ("x", "y")),
]


async def test_rows_are_found(store: Store) -> None:
    """Rows that are added later are found like those that came with the version."""
    [a, b] = await write(store, named("a", "old"), named("b"))
    await store.add_rows([(a.position, ROWS), (b.position, [TermRow("new", "y")])])
    assert await found(store, Term("new", "x", "q")) == "a"
    assert await found(store, Prefix("new", "")) == "a b"
    assert await found(store, Range("range", (Bound("low", "<", "2"),))) == "a"
    assert await found(store, Together((Term("c", "1"), Range("v", ())))) == "a"
    assert await found(store, Word("words", "y")) == "a"
    assert await found(store, Term("name", "old")) == "a"
    versions = await store.search(Query(("Group",), sort=(Sort("value", "new", descending=True),)), limit=5)
    assert [version.id for version in versions] == ["b", "a"]


async def test_no_commit(store: Store) -> None:
    """Rows make no version and take no seq; the versions stay as they are."""
    [version] = await write(store, named("a"))
    head = await store.head()
    await store.add_rows([(version.position, ROWS)])
    await store.remove_rows(["new"])
    assert await store.head() == head
    assert await listed(store.tail(0)) == [version]


async def test_again_and_nowhere(store: Store) -> None:
    """Rows that are there already, and positions that no version has, change nothing."""
    [version] = await write(store, put("a", rows=ROWS))
    for _ in range(2):
        await store.add_rows([(version.position, [*ROWS, TermRow("c", "2", part=1)]), (version.position + 1, ROWS)])
    await store.add_rows([])
    assert await found(store, Term("new", "x")) == "a"
    assert await found(store, Together((Term("c", "1"), Term("c", "2")))) == "a"
    assert await store.count(Query((), Term("new", "x"))) == 1
    assert await store.count(Query((), Word("words", "x"))) == 1


async def test_rows_of_the_superseded(store: Store) -> None:
    """Rows of a version that has been superseded are seen at its seqs, and not now."""
    [first] = await write(store, put("a", 1))
    [second] = await write(store, put("a", 2))
    await store.commit([gone("a")])
    for version, text in ((first, "1"), (second, "2")):
        await store.add_rows([(version.position, [TermRow("new", text), WordsRow("words", (text,))])])
    for key, form in (("new", Term), ("words", Word)):
        assert [await found(store, form(key, "1"), at=seq) for seq in range(4)] == ["", "a", "", ""]
        assert [await found(store, form(key, "2"), at=seq) for seq in range(4)] == ["", "", "a", ""]


async def test_superseded_later(store: Store) -> None:
    """Rows that were added are superseded with their version."""
    [version] = await write(store, put("a", 1))
    await store.add_rows([(version.position, ROWS)])
    await write(store, put("a", 2))
    for asked in (Term("new", "x"), Word("words", "x")):
        assert await found(store, asked) == ""
        assert await found(store, asked, at=1) == "a"


async def test_remove_rows(store: Store) -> None:
    """All rows of the keys go, of current and of past versions; others stay, and so do keys that begin alike."""
    await write(store, put("a", 1, rows=ROWS))
    others: list[Row] = [TermRow("ne", "x"), TermRow("new2", "x"), RangeRow("ran", "1", "2"), WordsRow("word", ("x",))]
    await write(store, put("a", 2, rows=[*ROWS, *others]))
    await store.remove_rows(["new", "range", "never", "c", "words"])
    for seq in (1, 2):
        assert await found(store, Prefix("new", ""), at=seq) == ""
        assert await found(store, Range("range", ()), at=seq) == ""
        assert await found(store, Word("words", "x"), at=seq) == ""
        assert await found(store, Together((Prefix("c", ""),)), at=seq) == ""
        assert await found(store, Together((Range("v", ()),)), at=seq) == "a"
    for key in ("ne", "new2"):
        assert await found(store, Term(key, "x")) == "a"
    assert await found(store, Range("ran", ())) == await found(store, Word("word", "x")) == "a"


async def test_many_rows_beside_a_writer(store: Store) -> None:
    """Thousands of rows come and go in steps, while others write and find what they wrote."""
    versions = await write(store, *[put(f"r{n}") for n in range(1200)])
    adding = asyncio.create_task(
        store.add_rows([(version.position, [TermRow("new", "x"), TermRow("new", "y")]) for version in versions])
    )
    for number in range(20):
        await write(store, put(f"r{number}", 2, rows=[TermRow("new", "z")]))
    await adding
    assert await store.count(Query(("Group",), Term("new", "x"))) == 1180
    assert await store.count(Query(("Group",), Term("new", "x")), 1) == 1200
    await store.remove_rows(["new"])
    assert [await store.count(Query(("Group",), Prefix("new", "")), seq) for seq in (1, 21)] == [0, 0]
