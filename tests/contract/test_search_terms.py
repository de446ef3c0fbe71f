"""Search by term rows: text is compared by its exact code points, and no character is a wildcard."""

from __future__ import annotations

import pytest

from service.search.query import Contains, Not, Or, Prefix, Range, Term, Together
from service.search.rows import RangeRow, TermRow
from service.store.base import Store
from tests.contract.making import found, named, put, write

pytestmark = pytest.mark.anyio


async def test_term(store: Store) -> None:
    """A term is found by its whole value under its key, and under no other key."""
    await write(store, named("a", "x"), put("b", rows=[TermRow("other", "x")]), named("c", "xx"))
    assert await found(store, Term("name", "x")) == "a"
    assert await found(store, Term("other", "x")) == "b"
    assert await found(store, Term("nam", "x")) == ""
    assert await found(store, Term("name", "")) == ""


async def test_qualifier(store: Store) -> None:
    """A qualifier narrows a term; None asks for any and the empty one for rows without."""
    rows = {"a": TermRow("code", "x", "s1"), "b": TermRow("code", "x", "s2"), "c": TermRow("code", "x")}
    await write(store, *[put(id_, rows=[row]) for id_, row in rows.items()])
    assert await found(store, Term("code", "x")) == "a b c"
    assert await found(store, Term("code", "x", "s1")) == "a"
    assert await found(store, Term("code", "x", "")) == "c"
    assert await found(store, Term("code", "x", "s")) == ""


async def test_value_and_qualifier_of_one_row(store: Store) -> None:
    """Value and qualifier must be met by one and the same row."""
    await write(store, put("a", rows=[TermRow("code", "x", "s1"), TermRow("code", "y", "s2")]))
    assert await found(store, Term("code", "x", "s2")) == ""
    assert await found(store, Term("code", "y", "s2")) == "a"


async def test_alternatives_with_qualifiers(store: Store) -> None:
    """Of several terms each has its own qualifier; one without asks for any, the same value of another key for none."""
    await write(
        store,
        put("xs", rows=[TermRow("code", "x", "s", part=1)]),
        put("yt", rows=[TermRow("code", "y", "t", part=1), TermRow("other", "x", "t", part=1)]),
        put("xt", rows=[TermRow("code", "x", "t", part=1)]),
        put("y", rows=[TermRow("code", "y")]),
        put("z", rows=[TermRow("code", "z", "😀")]),
    )
    crossed = (Term("code", "x", "s"), Term("code", "y", "t"))
    assert await found(store, Or(crossed)) == "xs yt"
    assert await found(store, Not(Or(crossed))) == "xt y z"
    assert await found(store, Together((Or(crossed), Or((Term("other", "x"), Term("other", "x", "s")))))) == "yt"
    assert await found(store, Or((*crossed, Term("code", "y")))) == "xs yt y"
    assert await found(store, Or((Term("code", "y", ""), Term("code", "z", "😀"), Term("other", "z", "😀")))) == "y z"
    many = tuple(Term("code", f"c{number}", "s") for number in range(300))
    assert await found(store, Or((*many, *crossed))) == "xs yt"


async def test_parts_of_a_row_do_not_run_together(store: Store) -> None:
    """Where key, value and qualifier meet is never in doubt, whatever characters they have."""
    rows = [("k", "a\x1fb", ""), ("k", "a", "b"), ("k\\", "a", ""), ("k", "\\a", "c"), ("k", "a|b", "")]
    await write(store, *[put(f"r{n}", rows=[TermRow(*row)]) for n, row in enumerate(rows)])
    for number, (key, value, qualifier) in enumerate(rows):
        assert await found(store, Term(key, value, qualifier)) == f"r{number}"
    assert await found(store, Term("k", "a", "b\x1f")) == ""


@pytest.mark.parametrize("text", ["a", "A", "á", "a\u0301", "ａ", "ß", "ss", "İ", "😀", "a b", "a\nb", "日本"])
async def test_code_points_decide(store: Store, text: str) -> None:
    """Text that differs in case, accent or normal form is different text to a store."""
    others = ["a", "A", "á", "a\u0301", "ａ", "ß", "ss", "İ", "i", "😀", "😁", "a b", "a\nb", "日本"]
    await write(store, *[named(f"r{number}", f"<{other}>") for number, other in enumerate(others)])
    expected = f"r{others.index(text)}"
    assert await found(store, Term("name", f"<{text}>")) == expected
    assert await found(store, Prefix("name", f"<{text}>")) == expected
    assert await found(store, Contains("name", f"{text}>")) == expected


async def test_prefix(store: Store) -> None:
    """A prefix finds every value that begins with it; the empty prefix finds every row of the key."""
    await write(store, named("a", "lung"), named("b", "lung cancer"), named("c", "lun"), named("d", "a lung"))
    assert await found(store, Prefix("name", "lung")) == "a b"
    assert await found(store, Prefix("name", "")) == "a b c d"
    assert await found(store, Prefix("nam", "")) == ""


@pytest.mark.parametrize("next_", ["\U0010ffff", "\uffff", "\uff5e", "😀", "~", "\u007f", " ", "\x1f"])
async def test_prefix_before_any_character(store: Store, next_: str) -> None:
    """Whatever character follows a prefix, the value begins with it: there is no last one."""
    await write(store, named("a", f"ab{next_}z"), named("b", f"ac{next_}"))
    assert await found(store, Prefix("name", "ab")) == "a"
    assert await found(store, Prefix("name", f"ab{next_}")) == "a"


async def test_contains(store: Store) -> None:
    """A text within a value is found at its beginning, in its middle, at its end and across lines."""
    await write(store, named("a", "lung"), named("b", "the lung\nof"), named("c", "of lung"), named("d", "lun g"))
    assert await found(store, Contains("name", "lung")) == "a b c"
    assert await found(store, Contains("name", "lung\nof")) == "b"
    assert await found(store, Contains("name", "")) == "a b c d"
    assert await found(store, Contains("name", "name")) == ""
    assert await found(store, Contains("nam", "lung")) == ""


async def test_at_the_end(store: Store) -> None:
    """A text at the end of a value is found there and nowhere else, a line break at the very end included."""
    await write(store, named("a", "lung"), named("b", "the lung\n"), named("c", "of lung"), named("d", "lung of"))
    assert await found(store, Contains("name", "lung", at_end=True)) == "a c"
    assert await found(store, Contains("name", "lung\n", at_end=True)) == "b"
    assert await found(store, Contains("name", "the of lung", at_end=True)) == ""
    assert await found(store, Contains("name", "", at_end=True)) == "a b c d"


@pytest.mark.parametrize("sign", list("%_.*\\([{)]}|+?^$-#&~/'\"`<>=!:;,@ \t\n\r"))
async def test_no_character_is_special(store: Store, sign: str) -> None:
    """What means something to SQL, to a regular expression or to JSON means itself in a search, and as a key too."""
    await write(store, named("a", f"x{sign}y"), named("b", "xzy"), put("c", rows=[TermRow(f"k{sign}", "v")]))
    for predicate in (
        Term("name", f"x{sign}y"),
        Prefix("name", f"x{sign}"),
        Contains("name", sign),
        Contains("name", f"x{sign}y"),
    ):
        assert await found(store, predicate) == "a"
    for predicate in (Term(f"k{sign}", "v"), Prefix(f"k{sign}", "v"), Contains(f"k{sign}", "v")):
        assert await found(store, predicate) == "c"
    assert await found(store, Term(f"k{sign}{sign}", "v")) == ""


async def test_pattern_at_the_end_of_a_text(store: Store) -> None:
    """A lone escape character at the end of a text is nothing but that character."""
    await write(store, named("a", "x\\"), named("b", "x\\\\"), named("c", "x"))
    assert await found(store, Contains("name", "\\")) == "a b"
    assert await found(store, Prefix("name", "x\\\\")) == "b"
    assert await found(store, Contains("name", "\\Q")) == ""


async def test_long_values(store: Store) -> None:
    """Values of ten thousand characters are kept whole and found by each of their ends."""
    start, end = "s" * 5000, "e" * 5000
    await write(store, named("a", start + end), named("b", start + end[:-1] + "f"))
    assert await found(store, Term("name", start + end)) == "a"
    assert await found(store, Prefix("name", start)) == "a b"
    assert await found(store, Prefix("name", start + end)) == "a"
    assert await found(store, Contains("name", "e" * 4999 + "f")) == "b"
    assert await found(store, Term("name", start)) == ""


async def test_equal_rows(store: Store) -> None:
    """A row given twice counts once, and a resource that matches by several rows is one match."""
    await write(store, put("a", rows=[TermRow("k", "v", "q"), TermRow("k", "v", "q"), TermRow("k", "v", "r")]))
    await write(store, put("b", rows=[RangeRow("n", "1", "2"), RangeRow("n", "1", "2"), RangeRow("n", "1", "3")]))
    assert await found(store, Term("k", "v")) == "a"
    assert await found(store, Prefix("k", "")) == "a"
    assert await found(store, Range("n", ())) == "b"


async def test_missing_and_empty(store: Store) -> None:
    """A row with an empty value is there; a resource without a row of the key is not found by any of its values."""
    await write(store, named("a", ""), put("b"), named("c", "x"))
    assert await found(store, Term("name", "")) == "a"
    assert await found(store, Term("name", "", "")) == "a"
    assert await found(store, Prefix("name", "")) == "a c"
    assert await found(store, Not(Prefix("name", ""))) == "b"
