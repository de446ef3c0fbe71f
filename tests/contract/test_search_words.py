"""Search by words: each is found whole and as it is, alone and in combinations, now and then."""

from __future__ import annotations

import pytest

from service.search.query import And, Not, Or, Query, Word
from service.search.rows import TermRow, WordsRow
from service.store.base import Store
from tests.contract.making import found, gone, put, write

pytestmark = pytest.mark.anyio

LONG = "a" * 40_000


def words(*several: str, key: str = "words") -> list[WordsRow]:
    """Return a row with these words."""
    return [WordsRow(key, several)]


async def test_word(store: Store) -> None:
    """A word is found whole, under its key and no other; the empty one is a word too."""
    await write(store, put("a", rows=words("x", "y")), put("b", rows=words("x", key="word")), put("c", rows=words("")))
    assert await found(store, Word("words", "x")) == "a"
    assert await found(store, Word("word", "x")) == "b"
    assert await found(store, Word("words", "")) == "c"
    assert await found(store, Word("words", "z")) == await found(store, Word("never", "x")) == ""


ODD = ["a", "A", "á", "a\u0301", "a b", "b", "a_b", '"', "'", "*", "1", "日本", "😀", "\x1f", "a\x1f", LONG, LONG + "a"]


@pytest.mark.parametrize("word", ODD)
async def test_code_points_decide(store: Store, word: str) -> None:
    """A store folds nothing, splits nothing and cuts nothing: words that differ are different words."""
    await write(store, *[put(f"r{number}", rows=words(other, "and")) for number, other in enumerate(ODD)])
    assert await found(store, Word("words", word)) == f"r{ODD.index(word)}"


async def test_combinations(store: Store) -> None:
    """Words combine as other predicates do, in one row or over several, and with their absence."""
    rows = {"a": words("x", "y"), "b": [*words("x"), *words("z")], "c": words("y")}
    await write(store, *[put(id_, rows=each) for id_, each in rows.items()])
    x, y, z = (Word("words", word) for word in "xyz")
    assert await found(store, And((x, y))) == "a"
    assert await found(store, And((x, z))) == "b"
    assert await found(store, Or((y, z))) == "a b c"
    assert await found(store, Not(x)) == "c"
    assert await found(store, And((Not(y), x))) == "b"


async def test_past_and_present(store: Store) -> None:
    """A word is seen from the seq of its version to that of the next, with or without content."""
    await write(store, put("a", 1, rows=words("x", "y")), put("b", 1, rows=words("x")))
    await write(store, put("a", 2, rows=words("y", "z")))
    await write(store, gone("a"))
    await write(store, put("a", 4, rows=words("x")))
    assert [await found(store, Word("words", "x"), at=seq) for seq in range(5)] == ["", "a b", "b", "b", "b a"]
    assert [await found(store, Word("words", "y"), at=seq) for seq in range(5)] == ["", "a", "a", "", ""]
    assert await found(store, Word("words", "x")) == "b a"


async def test_pages(store: Store) -> None:
    """More matches than are collected come in pages, each once, in the order in which they were written."""
    await write(store, *[put(f"r{n}", rows=[*words("x", "ab"[n % 2]), TermRow("k", "v")]) for n in range(2500)])
    query = Query(("Group",), And((Word("words", "x"), Word("words", "a"))))
    first = await store.search(query, limit=1000)
    rest = await store.search(query, after=first[-1].position, limit=1000)
    assert [version.id for version in (*first, *rest)] == [f"r{n}" for n in range(0, 2500, 2)]
    assert await store.count(query) == 1250
    assert await store.count(query, limit=10) == 10
