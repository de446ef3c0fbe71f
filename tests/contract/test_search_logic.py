"""Search by ranges, by what a store knows of every version, and by combinations."""

from __future__ import annotations

from decimal import Decimal

import pytest

from service.search.query import EVERYTHING, And, Bound, Ids, Not, Or, Query, Range, Term, Together, Updated
from service.search.rows import HIGHEST, LOWEST, RangeRow, TermRow, sortable
from service.store.base import Store
from tests.contract.making import found, gone, named, put, write

pytestmark = pytest.mark.anyio

NUMBERS = ["-1e400", "-1000", "-2.5", "-2.49", "-0.001", "-1e-300", "0", "1e-300", "0.001", "2.4999", "2.5", "1e400"]


async def test_numbers_in_order(store: Store) -> None:
    """Numbers compare as numbers, be they negative, tiny or beyond what a float holds."""
    rows = [[RangeRow("n", sortable(Decimal(number)), sortable(Decimal(number)))] for number in NUMBERS]
    await write(store, *[put(f"r{place}", rows=row) for place, row in enumerate(rows)])
    for place, number in enumerate(NUMBERS):
        value = sortable(Decimal(number))
        below = " ".join(f"r{each}" for each in range(place))
        above = " ".join(f"r{each}" for each in range(place + 1, len(NUMBERS)))
        assert await found(store, Range("n", (Bound("low", "<", value),))) == below
        assert await found(store, Range("n", (Bound("high", ">", value),))) == above
        assert await found(store, Range("n", (Bound("low", ">=", value), Bound("high", "<=", value)))) == f"r{place}"
        assert await found(store, Range("n", (Bound("low", "<=", value),))) == f"{below} r{place}".strip()


async def test_open_ends(store: Store) -> None:
    """A range with an open end lies below, or above, every number."""
    one = sortable(1)
    await write(
        store,
        put("from", rows=[RangeRow("n", one, HIGHEST)]),
        put("to", rows=[RangeRow("n", LOWEST, one)]),
        put("any", rows=[RangeRow("n", LOWEST, HIGHEST)]),
    )
    huge, tiny = sortable(Decimal("1e9999")), sortable(Decimal("-1e9999"))
    assert await found(store, Range("n", (Bound("high", ">", huge),))) == "from any"
    assert await found(store, Range("n", (Bound("low", "<", tiny),))) == "to any"
    assert await found(store, Range("n", (Bound("low", ">", LOWEST),))) == "from"


async def test_one_row_meets_all_bounds(store: Store) -> None:
    """Bounds are met by one and the same range; two ranges that meet one each are no match."""
    await write(
        store,
        put("two", rows=[RangeRow("d", "1", "2"), RangeRow("d", "8", "9")]),
        put("one", rows=[RangeRow("d", "4", "5")]),
    )
    inside = (Bound("low", ">=", "3"), Bound("high", "<", "6"))
    assert await found(store, Range("d", inside)) == "one"
    assert await found(store, And(tuple(Range("d", (bound,)) for bound in inside))) == "two one"
    assert await found(store, Range("e", inside)) == ""


async def test_bounds_on_the_same_end(store: Store) -> None:
    """Several bounds on one end must all be met, in whatever order they come."""
    await write(store, *[put(f"r{n}", rows=[RangeRow("d", str(n), "9")]) for n in range(1, 8)])
    for first, second in (("2", "4"), ("4", "2")):
        assert await found(store, Range("d", (Bound("low", ">", first), Bound("low", ">", second)))) == "r5 r6 r7"
        assert await found(store, Range("d", (Bound("low", "<", first), Bound("low", "<", second)))) == "r1"
        assert await found(store, Range("d", (Bound("low", "<=", first), Bound("low", "<=", second)))) == "r1 r2"
    window = (Bound("low", ">=", "3"), Bound("low", ">", "2"), Bound("low", "<", "6"), Bound("low", "<=", "5"))
    assert await found(store, Range("d", window)) == "r3 r4 r5"
    assert await found(store, Range("d", (Bound("low", "<", "2"), Bound("low", "<=", "4")))) == "r1"
    assert await found(store, Range("d", (Bound("low", "<", "4"), Bound("low", "<=", "2")))) == "r1 r2"


async def test_range_without_bounds(store: Store) -> None:
    """A range without bounds is met by every row of its key: it asks whether there is one."""
    await write(store, put("a", rows=[RangeRow("d", "1", "2")]), put("b", rows=[RangeRow("e", "1", "2")]), put("c"))
    assert await found(store, Range("d", ())) == "a"
    assert await found(store, Not(Range("d", ()))) == "b c"


async def test_and_or_not(store: Store) -> None:
    """``And``, ``Or`` and ``Not`` are those of logic, at any depth."""
    x, y = Term("name", "x"), Term("name", "y")
    await write(store, named("none"), named("x", "x"), named("y", "y"), named("both", "x", "y"))
    assert await found(store, And((x, y))) == "both"
    assert await found(store, Or((x, y))) == "x y both"
    assert await found(store, Not(x)) == "none y"
    assert await found(store, Not(And((x, y)))) == "none x y"
    assert await found(store, Not(Or((x, y)))) == "none"
    assert await found(store, Not(Not(x))) == "x both"
    assert await found(store, And((Or((x, y)), Not(And((x, y)))))) == "x y"
    assert await found(store, Or((And((x, Not(y))), And((Not(x), Not(y)))))) == "none x"


async def test_empty_and_empty_or(store: Store) -> None:
    """``And`` without parts is always true, ``Or`` without parts never, and ``Not`` turns them around."""
    await write(store, put("a"), put("b"))
    assert await found(store, EVERYTHING) == "a b"
    assert await found(store, Or(())) == ""
    assert await found(store, Not(And(()))) == ""
    assert await found(store, Not(Or(()))) == "a b"
    assert await found(store, And((And(()), Ids(("b",)), Not(Or(()))))) == "b"
    assert await found(store, Or((Or(()), Ids(("b",))))) == "b"


async def test_count_of_alternatives_of_several_conditions(store: Store) -> None:
    """What meets one condition of an alternative, but not all of it, is not counted."""
    rows = {k + l: [TermRow("k", k, part=1), TermRow("l", l, part=1)] for k in "ac" for l in "bd"}  # noqa: E741
    await write(store, *[put(id_, rows=each) for id_, each in rows.items()])
    for both in (And, Together):
        where = Or((both((Term("k", "a"), Term("l", "b"))), both((Term("k", "c"), Term("l", "d")))))
        assert await found(store, where) == "ab cd"
        assert await store.count(Query(("Group",), where)) == 2


async def test_deep_tree(store: Store) -> None:
    """A tree of many alternatives and levels is answered like a small one."""
    await write(store, *[named(f"r{n}", f"n{n}") for n in range(60)])
    many = Or(tuple(Term("name", f"n{n}") for n in range(0, 60, 2)))
    assert len((await found(store, many)).split()) == 30
    nested: And | Or | Not | Term = Term("name", "n7")
    for level in range(20):
        nested = Or((Not(Not(nested)), And((nested,)))) if level < 2 else Not(Not(And((nested,))))
    assert await found(store, nested) == "r7"


async def test_many_terms(store: Store) -> None:
    """Thousands of alternatives, with and without a qualifier and under several keys, are one question among others."""
    rows = [TermRow("code", "c7777", "s"), TermRow("other", "o1")]
    b, c = [TermRow("code", "c7777", "t")], [TermRow("code", "zzz", "s")]
    await write(store, put("a", rows=rows), put("b", rows=b), put("c", rows=c))
    many = [Term("code", f"c{number}", "s") for number in range(10_000)]
    assert await found(store, Or(tuple(many))) == "a"
    assert await found(store, Not(Or(tuple(many)))) == "b c"
    assert await found(store, Or((*many, Term("code", "c7777", "t")))) == "a b"
    assert await found(store, Or((*many, Term("code", "zzz")))) == "a c"
    assert await found(store, And((Or(tuple(many)), Or((Term("other", "o1"), Term("other", "o2")))))) == "a"
    assert await found(store, Or(tuple(many[:7777]))) == ""


async def test_ids(store: Store) -> None:
    """``Ids`` finds resources by id, of the types asked for; none finds none."""
    await write(store, put("a"), put("b"), put("a", type_="Evidence"))
    assert await found(store, Ids(("a", "z"))) == "a"
    assert await found(store, Ids(())) == ""
    assert await found(store, Not(Ids(("a",)))) == "b"
    assert await found(store, Ids(("a",)), types="Group Evidence") == "a a"


async def test_updated(store: Store) -> None:
    """``Updated`` bounds the version's instant: from ``since`` on, and before ``before``."""
    [version] = await write(store, put("a"))
    now = version.instant
    for window, expected in (
        (Updated(), "a"),
        (Updated(since=now), "a"),
        (Updated(since=now + 1), ""),
        (Updated(before=now), ""),
        (Updated(before=now + 1), "a"),
        (Updated(now, now + 1), "a"),
        (Updated(now + 1, now), ""),
    ):
        assert await found(store, window) == expected
    assert await found(store, Not(Updated(since=now + 1))) == "a"


async def test_types(store: Store) -> None:
    """A query asks for one type, for several or, naming none, for all; matches come by position."""
    await write(store, named("g", "x"), named("e", "x", type_="Evidence"), named("c", "x", type_="Citation"))
    assert await found(store, Term("name", "x"), types="Evidence") == "e"
    assert await found(store, Term("name", "x"), types="Citation Group") == "g c"
    assert await found(store, Term("name", "x"), types="") == "g e c"
    assert await found(store, types="Nothing") == ""


async def test_superseded_and_deleted_never_match(store: Store) -> None:
    """A search finds current content only: not what a version said before, nor anything of the deleted."""
    x = Term("name", "x")
    await write(store, named("a", "x"), named("b", "x"), named("c", "x"))
    await store.commit([named("a", "y"), gone("b")])
    assert await found(store, x) == "c"
    assert await found(store) == "c a"
    assert await found(store, Not(x)) == "a"
    assert await found(store, Not(Term("name", "nowhere"))) == "c a"
    assert await found(store, Ids(("b",))) == ""
    await write(store, named("b", "z"))
    assert await found(store, x) == "c"
    assert await store.count(Query(())) == 3
