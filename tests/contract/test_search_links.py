"""Search through links: to what a query matches, and from it."""

from __future__ import annotations

import pytest

from service.search.query import And, Ids, Linked, Not, Or, Predicate, Query, ReverseLinked, Term
from service.search.rows import TermRow
from service.store.base import Change, GuardFailed, Matches, Store
from tests.contract.making import found, gone, named, put, write

pytestmark = pytest.mark.anyio


def result(id_: str, study: str, *names: str, value: object = 1) -> Change:
    """Return an Evidence that refers to a Group."""
    rows = [TermRow("study", f"Group/{study}"), *(TermRow("name", name) for name in names)]
    return put(id_, value, type_="Evidence", rows=rows)


def to(where: Predicate, *types: str) -> Linked:
    """Return the predicate of a reference to matches."""
    return Linked("study", Query(types or ("Group",), where))


def from_(where: Predicate, *types: str) -> ReverseLinked:
    """Return the predicate of being referred to by matches."""
    return ReverseLinked("study", Query(types or ("Evidence",), where))


async def test_linked(store: Store) -> None:
    """``Linked`` holds where one of the references is to a match."""
    await write(store, named("a", "x"), named("b", "y"), result("1", "a"), result("2", "b"), result("3", "nowhere"))
    await write(store, put("4", type_="Evidence", rows=[TermRow("study", f"Group/{id_}") for id_ in "ab"]))
    assert await found(store, to(Term("name", "x")), types="Evidence") == "1 4"
    assert await found(store, Not(to(Term("name", "x"))), types="Evidence") == "2 3"
    assert await found(store, to(Not(Term("name", "x"))), types="Evidence") == "2 4"
    assert await found(store, to(And(())), types="Evidence") == "1 2 4"
    assert await found(store, Linked("other", Query(("Group",))), types="Evidence") == ""


async def test_reverse_linked(store: Store) -> None:
    """``ReverseLinked`` holds for what a match refers to."""
    await write(store, named("a"), named("b"), named("c"), result("1", "a", "x"), result("2", "b", "y"))
    assert await found(store, from_(Term("name", "x"))) == "a"
    assert await found(store, Not(from_(Term("name", "x")))) == "b c"
    assert await found(store, from_(Not(Term("name", "x")))) == "b"
    assert await found(store, And((from_(Term("name", "x")), from_(Term("name", "y"))))) == ""
    assert await found(store, Or((from_(Term("name", "x")), Ids(("c",))))) == "a c"


async def test_names_of_their_own(store: Store) -> None:
    """With ``names``, a link is to what a match has under that key, whatever its type and id are."""
    await write(store, put("a", rows=[TermRow("called", "u"), TermRow("called", "u|1"), TermRow("name", "x")]))
    await write(store, put("b", rows=[TermRow("called", "u"), TermRow("name", "y")]), put("Group", rows=[]))
    links = {"1": ("u",), "2": ("u|1",), "3": ("Group/a", "v"), "4": ("v", "u")}
    rows = {id_: [TermRow("uses", value) for value in values] for id_, values in links.items()}
    await write(store, *(put(id_, type_="Evidence", rows=each) for id_, each in rows.items()))
    x, y = Query(("Group",), Term("name", "x")), Query(("Group",), Term("name", "y"))
    assert await found(store, Linked("uses", x, "called"), types="Evidence") == "1 2 4"
    assert await found(store, Linked("uses", y, "called"), types="Evidence") == "1 4"
    assert await found(store, Linked("uses", Query(("Citation",)), "called"), types="Evidence") == ""
    assert await found(store, Linked("uses", x, "nobody has"), types="Evidence") == ""
    assert await found(store, Not(Linked("uses", y, "called")), types="Evidence") == "2 3"
    second = Query(("Evidence",), Ids(("2",)))
    assert await found(store, ReverseLinked("uses", second, "called")) == "a"
    assert await found(store, ReverseLinked("uses", Query(("Evidence",)), "called")) == "a b"
    assert await found(store, ReverseLinked("uses", Query(("Evidence",), Ids(("3",))), "called")) == ""
    twice = Linked("uses", Query(("Group",), ReverseLinked("uses", second, "called")), "called")
    assert await found(store, twice, types="Evidence") == "1 2 4"


async def test_type_and_id_both_count(store: Store) -> None:
    """A reference is to a type and an id; the same id in another type, or a value that names no type, is another."""
    await write(store, put("a"), put("a", type_="Citation"), put("1", type_="Evidence", rows=[TermRow("study", "a")]))
    await write(store, put("2", type_="Evidence", rows=[TermRow("study", "Citation/a")]))
    assert await found(store, to(And(()), "Group", "Citation"), types="Evidence") == "2"
    assert await found(store, to(And(())), types="Evidence") == ""
    assert await found(store, from_(And(())), types="Group Citation") == "a"
    query = Query((), from_(And(())))
    assert [version.type for version in await store.search(query, limit=5)] == ["Citation"]


async def test_chains(store: Store) -> None:
    """Links follow links, in both directions, as deep as one likes and under ``Not``."""
    rows = [TermRow("part-of", "Group/root")]
    await write(store, named("root", "top"), put("mid", rows=rows), result("1", "mid", "x"), result("2", "root"))
    up = Linked("part-of", Query(("Group",), Term("name", "top")))
    assert await found(store, to(up), types="Evidence") == "1"
    assert await found(store, to(Not(up)), types="Evidence") == "2"
    assert await found(store, Not(to(Not(up))), types="Evidence") == "1"
    assert await found(store, ReverseLinked("part-of", Query((), from_(Term("name", "x"))))) == "root"
    assert await found(store, to(from_(Term("name", "x"))), types="Evidence") == "1"


@pytest.mark.parametrize("levels", [1, 4, 10, 30])
async def test_long_chain(store: Store, levels: int) -> None:
    """A chain has no length at which it stops working."""
    await write(store, *[put(f"r{n}", rows=[TermRow("next", f"Group/r{n + 1}")]) for n in range(levels + 1)])
    there: Predicate = Ids((f"r{levels}",))
    back: Predicate = Ids(("r0",))
    for _ in range(levels):
        there, back = Linked("next", Query(("Group",), there)), ReverseLinked("next", Query(("Group",), back))
    assert await found(store, there) == "r0"
    assert await found(store, back) == f"r{levels}"


async def test_links_at_a_seq(store: Store) -> None:
    """Both ends of a link are as they were at the seq: who refers, and what matches."""
    await write(store, named("a", "x"))
    await write(store, result("1", "a"))
    await write(store, named("a", "y"))
    await write(store, named("a", "x", value=2))
    await store.commit([gone("a")])
    await write(store, named("a", "x", value=3), named("b"))
    await write(store, result("1", "b"))
    told = [await found(store, to(Term("name", "x")), types="Evidence", at=seq) for seq in range(8)]
    assert told == ["", "", "1", "", "1", "", "1", ""]
    told = [await found(store, from_(And(())), at=seq) for seq in range(8)]
    assert told == ["", "", "a", "a", "a", "", "a", "b"]


async def test_link_to_what_is_deleted(store: Store) -> None:
    """A deletion is no match, and refers to nothing."""
    await write(store, named("a", "x"), result("1", "a"))
    await store.commit([gone("a")])
    assert await found(store, to(And(())), types="Evidence") == ""
    await write(store, named("a", "x"))
    await store.commit([gone("1", type_="Evidence")])
    assert await found(store, from_(And(()))) == ""


async def test_links_to_many(store: Store) -> None:
    """What a link leads to, or comes from, may be more than a store would list; pages of it are whole."""
    many = 2200
    await write(store, *[named(f"g{n}", "xy"[n % 2]) for n in range(many)])
    await write(store, *[result(f"e{n}", f"g{n}", "uvw"[n % 3]) for n in range(many)])
    query = Query(("Evidence",), to(Term("name", "x")))
    assert await store.count(query) == many // 2
    assert await store.count(query, limit=7) == 7
    first = await store.search(query, limit=40)
    assert [version.id for version in first] == [f"e{n}" for n in range(0, 80, 2)]
    second = await store.search(query, after=first[-1].position, limit=3)
    assert [version.id for version in second] == ["e80", "e82", "e84"]
    neither = Query(("Group",), Not(Or((from_(Not(Term("name", "u"))), Term("name", "y")))))
    assert [version.id for version in await store.search(neither, limit=3)] == ["g0", "g6", "g12"]
    assert await store.count(neither) == len(range(0, many, 6))


async def test_links_in_a_guard(store: Store) -> None:
    """A guard may follow links; it sees what the commits before it, in the same group too, have written."""
    guard = Matches(Query(("Evidence",), to(Term("name", "x"))), frozenset({"Evidence/1"}))
    with pytest.raises(GuardFailed):
        await store.commit([put("never")], [guard])
    await write(store, named("a", "x"), result("1", "a"))
    await store.commit([named("a", "y")], [guard])
    with pytest.raises(GuardFailed):
        await store.commit([put("never")], [guard])
