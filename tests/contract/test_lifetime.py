"""Opening, closing, limits and health."""

from __future__ import annotations

import asyncio

import pytest

from service.errors import TooLarge, Unavailable
from service.search.query import Query, Term
from service.store.base import MAX_RESOURCE_SIZE, Matches, Store
from tests.contract.making import found, listed, named, put, value_of, write
from tests.support.stores import Place

pytestmark = pytest.mark.anyio


async def test_everything_is_there_after_reopening(lasting: Place) -> None:
    """What has been committed is there when the store is opened again: versions, rows, head and numbers."""
    store = await lasting.open()
    await write(store, named("a", "x"), named("b", "y"))
    await write(store, named("a", "z"))
    head, log = await store.head(), await listed(store.tail(0))
    await store.close()
    store = await lasting.open()
    assert await store.head() == head
    assert await listed(store.tail(0)) == log
    assert await found(store, Term("name", "z")) == "a"
    assert await found(store, Term("name", "x"), at=1) == "a"
    [version] = await write(store, put("a", 9))
    assert (version.version, version.seq) == (3, 3)
    assert version.instant >= head.instant


async def test_secret(lasting: Place) -> None:
    """The secret has thirty-two bytes and is the same each time the store is opened."""
    store = await lasting.open()
    secret = store.secret
    await store.close()
    assert len(secret) == 32
    assert (await lasting.open()).secret == secret


async def test_secret_is_of_this_store(store: Store) -> None:
    """The secret is made at random, not once for all stores."""
    assert len(store.secret) == 32
    assert len(set(store.secret)) > 8


async def test_closing_finishes_commits_under_way(lasting: Place) -> None:
    """Commits asked for before the store is closed are made, and those who wait for them are told so."""
    store = await lasting.open()
    commits = [asyncio.ensure_future(write(store, put(f"r{number}"))) for number in range(100)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*commits)
    store = await lasting.open()
    assert len(await listed(store.scan())) == 100
    assert (await store.head()).seq == 100


async def test_closed(store: Store) -> None:
    """A closed store takes no commit and says so; closing it again does nothing."""
    await store.close()
    with pytest.raises(Unavailable):
        await store.commit([put("a")])
    await store.close()


async def test_caller_that_goes_away(store: Store) -> None:
    """A commit whose caller no longer waits is made all the same, and holds nobody else up."""
    commit = asyncio.ensure_future(write(store, put("a")))
    await asyncio.sleep(0)
    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit
    await write(store, put("b"))
    assert value_of(await store.read("Group", "a")) == 1


async def test_resource_over_the_limit(store: Store) -> None:
    """A resource over the limit is refused with all of its commit; what is just below it is kept."""
    too_long = put("b", "x" * MAX_RESOURCE_SIZE)
    with pytest.raises(TooLarge):
        await store.commit([put("a"), too_long])
    assert (await store.head()).seq == 0
    assert await found(store) == ""
    [version] = await write(store, put("c", "x" * (MAX_RESOURCE_SIZE - 1000)))
    assert await store.read("Group", "c") == version


async def test_limit_as_set(place: Place) -> None:
    """The limit can be set lower; it counts the bytes of the resource, whatever the request was."""
    store = await place.open(max_resource_size=2000)
    outcomes = await asyncio.gather(
        store.commit([put("a", "é" * 900)]),
        store.commit([put("b", "é" * 1000)]),
        store.commit([put("c", "e" * 1000)], [Matches(Query(("Group",)), frozenset({"Group/a"}))]),
        return_exceptions=True,
    )
    assert [isinstance(outcome, TooLarge) for outcome in outcomes] == [False, True, False]
    assert await found(store) == "a c"


async def test_health(store: Store) -> None:
    """A store that works is healthy, and looking does not write into the log; a closed one is not."""
    await store.health()
    await write(store, put("a"))
    await store.health()
    assert (await store.head()).seq == 1
    await store.close()
    with pytest.raises(Unavailable):
        await store.health()
