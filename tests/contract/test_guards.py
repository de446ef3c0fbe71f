"""Guards: conditions that hold at the very moment of the commit, or else nothing is written."""

from __future__ import annotations

import asyncio

import pytest

from service.search.query import Query, Term
from service.store.base import Committed, Guard, GuardFailed, Matches, Store, VersionIs
from tests.contract.making import found, gone, named, put, value_of, write

pytestmark = pytest.mark.anyio

NAMED_X = Query(("Group",), Term("name", "x"))


async def refused(store: Store, *guards: Guard) -> Guard:
    """Return the guard that a commit fails by; nothing of the commit may be there afterwards."""
    before = await store.head()
    with pytest.raises(GuardFailed) as failure:
        await store.commit([put("never")], guards)
    assert await store.head() == before
    assert await store.read("Group", "never") is None
    return failure.value.guard


async def test_version_is(store: Store) -> None:
    """``VersionIs`` holds for the number of the current version and for no other."""
    await write(store, put("a", 1))
    await write(store, put("a", 2))
    for number in (1, 3, None):
        await refused(store, VersionIs("Group", "a", number))
    await store.commit([put("a", 3)], [VersionIs("Group", "a", 2)])
    assert value_of(await store.read("Group", "a")) == 3


async def test_version_is_none(store: Store) -> None:
    """``VersionIs`` with None holds where there never was a version and where the current one is a deletion."""
    await store.commit([put("a")], [VersionIs("Group", "a", None)])
    await refused(store, VersionIs("Group", "a", None))
    await store.commit([gone("a")])
    await refused(store, VersionIs("Group", "a", 2))
    await store.commit([put("a")], [VersionIs("Group", "a", None)])
    assert value_of(await store.read("Group", "a")) == 1


async def test_version_of_what_is_not_there(store: Store) -> None:
    """A number never holds for a resource that was never there."""
    await refused(store, VersionIs("Group", "nowhere", 1))


async def test_matches_none(store: Store) -> None:
    """``Matches`` without expected resources holds as long as nothing matches."""
    guard = Matches(NAMED_X)
    await store.commit([named("a", "x")], [guard])
    assert await refused(store, guard) == guard
    await store.commit([gone("a")])
    await store.commit([named("b", "x")], [guard])
    assert await found(store) == "b"


async def test_matches_one(store: Store) -> None:
    """``Matches`` holds where exactly the expected resource matches: not none, not another, not one more."""
    guard = Matches(NAMED_X, frozenset({"Group/a"}))
    await refused(store, guard)
    await write(store, named("b", "x"))
    await refused(store, guard)
    await write(store, named("a", "x"))
    await refused(store, guard)
    await write(store, named("b", "y"))
    await store.commit([named("a", "x", value=2)], [guard])
    assert value_of(await store.read("Group", "a")) == 2


async def test_matches_many(store: Store) -> None:
    """``Matches`` with several holds for exactly that set, whatever types it has."""
    query = Query((), Term("name", "x"))
    guard = Matches(query, frozenset({"Group/a", "Evidence/a"}))
    await write(store, named("a", "x"), named("a", "x", type_="Evidence"), named("c", "y"))
    await store.commit([put("d")], [guard])
    await write(store, named("c", "x"))
    await refused(store, guard)


async def test_all_guards_must_hold(store: Store) -> None:
    """Of several guards each must hold; the error names the one that did not."""
    await write(store, put("a"))
    good, bad = VersionIs("Group", "a", 1), Matches(Query(("Group",)))
    assert await refused(store, good, bad) == bad
    assert await refused(store, bad, good) == bad


async def test_guards_without_changes(store: Store) -> None:
    """Guards are evaluated for a commit that changes nothing as well."""
    await write(store, put("a"))
    with pytest.raises(GuardFailed):
        await store.commit([], [VersionIs("Group", "a", 9)])
    assert await store.commit([], [VersionIs("Group", "a", 1)]) == []


async def test_concurrent_conditional_creates(store: Store) -> None:
    """Of fifty conditional creates with the same criteria, one creates and the others see that it has."""
    outcomes = await asyncio.gather(
        *(store.commit([named(f"r{number}", "x")], [Matches(NAMED_X)]) for number in range(50)),
        return_exceptions=True,
    )
    winners = [outcome for outcome in outcomes if isinstance(outcome, list)]
    assert len(winners) == 1
    assert sum(isinstance(outcome, GuardFailed) for outcome in outcomes) == 49
    assert len(await store.search(NAMED_X, limit=50)) == 1
    assert (await store.head()).seq == 1


async def test_concurrent_updates_of_one_version(store: Store) -> None:
    """Of fifty updates that all start from the same version, one is made: no update is lost unseen."""
    await write(store, put("a", 0))
    outcomes = await asyncio.gather(
        *(store.commit([put("a", number + 1)], [VersionIs("Group", "a", 1)]) for number in range(50)),
        return_exceptions=True,
    )
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, list)]
    current = await store.read("Group", "a")
    assert current is not None
    assert current.version == 2
    assert winner == [Committed(current, "updated")]


async def test_guards_see_the_commits_before_in_the_same_group(store: Store) -> None:
    """Commits asked for at the same moment are evaluated one after the other, each against all before it."""
    outcomes = await asyncio.gather(
        store.commit([named("a", "x")]),
        store.commit([named("b", "x")], [Matches(NAMED_X, frozenset({"Group/a"}))]),
        store.commit([named("a", "y")], [VersionIs("Group", "a", 1)]),
        store.commit([put("c")], [Matches(NAMED_X, frozenset({"Group/b"}))]),
        store.commit([put("never")], [VersionIs("Group", "a", 1)]),
        store.commit([gone("b")], [VersionIs("Group", "b", 1)]),
        store.commit([named("d", "x")], [Matches(NAMED_X), VersionIs("Group", "b", None)]),
        return_exceptions=True,
    )
    assert [isinstance(outcome, list) for outcome in outcomes] == [True, True, True, True, False, True, True]
    assert await found(store) == "a c d"
    assert await found(store, Term("name", "x")) == "d"


async def test_failure_in_a_group_is_its_own(store: Store) -> None:
    """A commit that fails takes none of those written with it along, and leaves no gap in the numbers."""
    outcomes = await asyncio.gather(
        *(
            store.commit([put(f"r{number}")], [VersionIs("Group", "none", 1)] if number % 3 == 0 else [])
            for number in range(30)
        ),
        return_exceptions=True,
    )
    assert [isinstance(outcome, GuardFailed) for outcome in outcomes] == [number % 3 == 0 for number in range(30)]
    assert (await store.head()).seq == 20
    assert len((await found(store)).split()) == 20
