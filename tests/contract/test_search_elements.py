"""Search by type, and by several rows of one and the same element."""

from __future__ import annotations

import pytest

from service.search.query import And, Bound, Contains, Not, Or, Prefix, Query, Range, Term, Together, Types
from service.search.rows import RangeRow, Row, TermRow
from service.store.base import Store
from tests.contract.making import found, put, write

pytestmark = pytest.mark.anyio


def low(value: str) -> Range:
    """Return the range whose low end is below a value."""
    return Range("v", (Bound("low", "<", value),))


async def test_types(store: Store) -> None:
    """``Types`` holds for resources of these types, whatever the query is of, and for none where it names none."""
    await write(store, put("a"), put("b", type_="Evidence"), put("c", type_="Citation"))
    assert await found(store, Types(("Group", "Citation")), types="") == "a c"
    assert await found(store, Not(Types(("Group",))), types="") == "b c"
    assert await found(store, Types(("Evidence", "Group")), types="Citation Group") == "a"
    assert await found(store, Types(("Evidence",)), types="Group") == ""
    assert await found(store, Types(()), types="") == ""
    assert await found(store, Or((Types(()), Types(("Group",)))), types="") == "a"


async def test_parts_of_one_element(store: Store) -> None:
    """All parts of ``Together`` are met by rows of one element; a row of another does not help."""
    first: list[Row] = [TermRow("c", "hr", part=1), RangeRow("v", "3", "3", part=1)]
    second: list[Row] = [TermRow("c", "or", part=2), RangeRow("v", "7", "7", part=2)]
    await write(store, put("both", rows=[*first, *second]), put("one", rows=first), put("none"))
    assert await found(store, Together((Term("c", "hr"), low("5")))) == "both one"
    assert await found(store, Together((Term("c", "or"), low("5")))) == ""
    assert await found(store, And((Term("c", "or"), low("5")))) == "both"
    assert await found(store, Together((Term("c", "or"), low("8")))) == "both"
    assert await found(store, Not(Together((Term("c", "hr"), low("5"))))) == "none"


async def test_the_same_values_in_other_elements(store: Store) -> None:
    """Rows that differ in their part alone are rows of their own."""
    rows: list[Row] = [TermRow("c", "x", "s", part=n) for n in (1, 2, 3)]
    rows += [RangeRow("v", "1", "2", part=n) for n in (2, 4)]
    await write(store, put("a", rows=rows), put("b", rows=[rows[0], rows[4]]))
    assert await found(store, Together((Term("c", "x", "s"), low("2")))) == "a"
    assert await found(store, And((Term("c", "x", "s"), low("2")))) == "a b"


async def test_alternatives_within_an_element(store: Store) -> None:
    """A part of ``Together`` may be alternatives, or several conditions, of which each is met within the element."""
    await write(
        store,
        put("a", rows=[TermRow("c", "x", part=1), TermRow("d", "y", "q", part=1)]),
        put("b", rows=[TermRow("c", "z", part=1), TermRow("d", "yes", part=2)]),
        put("c", rows=[TermRow("c", "z", part=5), TermRow("d", "no", part=5)]),
    )
    either = Or((Term("c", "x"), Term("c", "z")))
    assert await found(store, Together((either, Prefix("d", "y")))) == "a"
    assert await found(store, Together((either, Or((Prefix("d", "y"), Contains("d", "o")))))) == "a c"
    assert await found(store, Together((And((Term("c", "z"), Term("d", "no"))), either))) == "c"
    assert await found(store, Together((Or(()), either))) == ""
    assert await found(store, Together((Term("d", "y", "q"), And(())))) == "a"
    assert await found(store, Together((Term("d", "y", "r"),))) == ""


async def test_part_zero_is_no_element(store: Store) -> None:
    """Rows of part 0 belong to no element: ``Together`` does not hold for them; all other predicates do."""
    await write(
        store,
        put("plain", rows=[TermRow("c", "x"), TermRow("d", "y")]),
        put("element", rows=[TermRow("c", "x", part=1), TermRow("d", "y", part=1)]),
    )
    assert await found(store, Together((Term("c", "x"), Term("d", "y")))) == "element"
    assert await found(store, Together(())) == "element"
    assert await found(store, Term("c", "x")) == "plain element"


async def test_elements_of_the_past(store: Store) -> None:
    """At a seq, an element has the rows that it had then."""
    await write(store, put("a", 1, rows=[TermRow("c", "x", part=1), TermRow("d", "y", part=1)]))
    await write(store, put("a", 2, rows=[TermRow("c", "x", part=1), TermRow("d", "y", part=2)]))
    together = Together((Term("c", "x"), Term("d", "y")))
    assert [await found(store, together, at=seq) for seq in (0, 1, 2)] == ["", "a", ""]


async def test_many_alternatives(store: Store) -> None:
    """Alternatives by the thousand are alternatives like any other."""
    await write(store, *[put(f"r{n}", rows=[TermRow("c", str(n)), TermRow("d", str(n), "q")]) for n in range(20)])
    assert await found(store, Or(tuple(Term("c", str(n)) for n in range(18, 3000)))) == "r18 r19"
    assert await found(store, Or(tuple(Term("d", str(n), "q") for n in range(18, 700)))) == "r18 r19"
    query = Query(("Group",), Not(Or(tuple(Prefix("c", f"{n}") for n in range(1, 600)))))
    assert [version.id for version in await store.search(query, limit=5)] == ["r0"]
