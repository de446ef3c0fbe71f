"""Single-writer mode: the order of the steps keeps commits whole, and the lease keeps other processes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from bson import Int64
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import AutoReconnect

from service.errors import Locked, Unavailable
from service.search.query import Query, Term
from service.store.base import Head, Matches
from service.store.mongo import MongoStore, open_store
from tests.contract.making import found, gone, listed, named, put, value_of, write

pytestmark = pytest.mark.anyio

LEASE_SECONDS = 1.0


Open = Callable[[], Awaitable[MongoStore]]


@pytest.fixture
async def open_alone(mongo_database: str, anyio_backend: str) -> AsyncIterator[Open]:  # noqa: ARG001
    """What opens the database in single-writer mode, any number of times."""
    async with AsyncExitStack() as stack:

        async def open_one() -> MongoStore:
            store = await open_store(mongo_database, transactions="off", lease_seconds=LEASE_SECONDS)
            stack.push_async_callback(store.close)
            return store

        yield open_one


@pytest.fixture
async def store(open_alone: Open) -> MongoStore:
    """A store in single-writer mode."""
    return await open_alone()


async def die(store: MongoStore) -> None:
    """Let a store end as a killed process does: it stays the holder, and gives no further sign of life."""
    lease = store._lease
    assert lease is not None
    await lease.release(clean=False)
    await store._client.close()
    await store._writer.close()


async def test_second_process_is_refused(store: MongoStore, open_alone: Open) -> None:
    """While one process has the database, another is told so and changes nothing; later it may open it."""
    await write(store, put("a"))
    with pytest.raises(Locked, match="single-writer mode"):
        await open_alone()
    await write(store, put("b"))
    await store.close()
    second = await open_alone()
    assert await found(second) == "a b"


async def test_one_of_two_that_start_together(open_alone: Open) -> None:
    """Of two processes that start at the same moment one gets the database."""
    outcomes = await asyncio.gather(*(open_alone() for _ in range(2)), return_exceptions=True)
    stores = [outcome for outcome in outcomes if isinstance(outcome, MongoStore)]
    assert [type(outcome) for outcome in outcomes if outcome not in stores] == [Locked]


async def test_the_holder_outlives_its_lease(store: MongoStore, open_alone: Open) -> None:
    """A process that lives keeps the database for as long as it wants, however little it writes."""
    await asyncio.sleep(1.5 * LEASE_SECONDS)
    with pytest.raises(Locked):
        await open_alone()
    await write(store, put("a"))


async def test_the_dead_are_succeeded(open_alone: Open) -> None:
    """A database whose holder has died is taken over once its lease has run out, not before."""
    first = await open_alone()
    await write(first, put("a"))
    await die(first)
    loop = asyncio.get_running_loop()
    start = loop.time()
    second = await open_alone()
    assert loop.time() - start >= LEASE_SECONDS
    assert await found(second) == "a"


async def test_the_succeeded_cannot_write(open_alone: Open) -> None:
    """A process that was taken for dead and wakes up again is refused, and nothing that it wants is written."""
    first = await open_alone()
    await write(first, put("a"))
    assert first._lease is not None
    await first._lease.release(clean=False)
    second = await open_alone()
    with pytest.raises(Locked):
        await first.commit([put("b")])
    with pytest.raises(Locked):
        await first.health()
    await write(second, put("c"))
    assert await found(second) == "a c"
    await first.close()
    await write(second, put("d"))
    assert (await second.head()).seq == 3


async def left_half_done(url: str) -> None:
    """Put beyond the head what a process leaves that dies between superseding and moving the head."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        versions = client.get_default_database()["version"]
        current = await versions.find_one({"type": "Group", "id": "a", "version": 1})
        assert current is not None
        changes: list[dict[str, Any]] = [{"version": 2}, {"id": "new"}]
        for place, changed in enumerate(changes):
            await versions.insert_one({**current, "_id": Int64(2 << 20 | place), "seq": Int64(2), **changed})
        ended = {"until": Int64(2), "ended": Int64(current["instant"] + 5)}
        await versions.update_one({"_id": current["_id"]}, {"$set": ended})


async def test_what_lies_beyond_the_head_has_not_happened(store: MongoStore, mongo_database: str) -> None:
    """No read shows anything of a commit before the head has moved, whatever seq is asked for."""
    await write(store, named("a", "x"))
    await left_half_done(mongo_database)
    for at in (None, 1, 2, 3):
        assert value_of(await store.read("Group", "a", at)) == 1
        assert await store.read("Group", "new", at) is None
        assert await found(store, at=at) == "a"
        assert len(await listed(store.scan(at=at))) == 1
    assert await store.read_version("Group", "a", 2) is None
    assert len(await listed(store.tail(0))) == 1


async def test_start_undoes_what_was_left(open_alone: Open, mongo_database: str) -> None:
    """A start takes back what lies beyond the head: versions go, what they superseded is current again."""
    first = await open_alone()
    await write(first, named("a", "x"))
    log = await listed(first.tail(0))
    await left_half_done(mongo_database)
    await die(first)
    second = await open_alone()
    assert await listed(second.tail(0)) == log
    assert (await second.head()).seq == 1
    [version] = await write(second, named("a", "y"))
    assert (version.seq, version.version) == (2, 2)
    assert await found(second) == "a"
    assert await second.read("Group", "new") is None


STEPS = ["insert_many", "bulk_write", "update_one"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
async def test_connection_lost_at_any_step(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch, step: str, done: bool
) -> None:
    """A commit whose connection breaks at a step is made as a whole or not at all, and the caller is told which."""
    await write(store, named("a", "x"), named("b", "x"))
    real = getattr(AsyncCollection, step)
    left = [True]

    async def broken(self: AsyncCollection[Any], query: Any, *args: Any, **options: Any) -> Any:
        moves_head = step != "update_one" or "seq" in query
        if not (left and moves_head):
            return await real(self, query, *args, **options)
        left.clear()
        if done:
            await real(self, query, *args, **options)
        raise AutoReconnect("scripted")

    monkeypatch.setattr(AsyncCollection, step, broken)
    change = [named("a", "y"), gone("b"), named("c", "y")]
    if step == "update_one" and done:  # all had happened; only the answer was lost
        committed = await store.commit(change)
        assert [each.effect for each in committed] == ["updated", "deleted", "created"]
        assert await found(store) == "a c"
    else:
        with pytest.raises(Unavailable) as failure:
            await store.commit(change)
        assert isinstance(failure.value.__cause__, AutoReconnect)
        assert await found(store) == "a b"
        assert len(await listed(store.tail(0))) == 2
    assert not left
    before = (await store.head()).seq
    [version] = await write(store, named("a", "z"))
    assert version.seq == before + 1
    log = await listed(store.tail(0))
    assert sorted({each.seq for each in log}) == list(range(1, version.seq + 1))
    assert await store.read("Group", "a") == version


async def test_failure_that_cannot_be_undone_yet(store: MongoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server stays away, what was begun is undone before the next commit."""
    await write(store, put("a", 1))
    real = AsyncCollection.find_one_and_update
    calls = 0

    async def broken(*_: Any, **__: Any) -> Any:
        raise AutoReconnect("scripted")

    async def claim(self: AsyncCollection[Any], *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return await (broken() if calls == 2 else real(self, *args, **options))

    with monkeypatch.context() as patch:
        patch.setattr(AsyncCollection, "bulk_write", broken)
        patch.setattr(AsyncCollection, "find_one_and_update", claim)
        with pytest.raises(Unavailable):
            await store.commit([put("a", 2), put("b")])
    assert await found(store) == "a"
    [version] = await write(store, put("a", 3))
    assert (version.seq, version.version) == (2, 2)
    assert [each.id for each in await listed(store.tail(0))] == ["a", "a"]


async def test_foreign_writes_stop_the_whole_group(store: MongoStore, mongo_database: str) -> None:
    """Where a version has been changed behind the store's back, no commit of the group is made, and each is told."""
    await write(store, named("a", "x"))
    async with AsyncMongoClient[dict[str, Any]](mongo_database) as client:
        await client.get_default_database()["version"].update_one({"id": "a"}, {"$set": {"until": Int64(9)}})
    nothing = Matches(Query(("Group",), Term("name", "z")))
    outcomes = await asyncio.gather(
        store.commit([put("b")]),
        store.commit([named("a", "y")]),
        store.commit([put("c")], [nothing]),
        store.commit([put("d")]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 4
    assert (await store.head()).seq == 1
    [version] = await write(store, put("e"))
    assert version.seq == 2
    assert await found(store) == "a e"


async def test_clocks_that_go_back(store: MongoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set back does not take the instants of the log with it."""
    [first] = await write(store, put("a", 1))
    monkeypatch.setattr("service.store.mongo.group.now", lambda: 0.0)
    [second] = await write(store, put("a", 2))
    assert second.instant == first.instant
    assert await store.head() == Head(2, first.instant)


async def test_no_sign_of_life_is_lost_to_an_error(store: MongoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign of life that could not be given is followed by the next; the lease is not given up for it."""
    real = AsyncCollection.update_one
    failures: list[str] = []

    async def broken(self: AsyncCollection[Any], query: Any, change: Any, **options: Any) -> Any:
        if "beat" in change.get("$inc", {}) and len(failures) < 2:
            failures.append("once")
            raise AutoReconnect("scripted")
        return await real(self, query, change, **options)

    monkeypatch.setattr(AsyncCollection, "update_one", broken)
    before = await store._registry.find_one({"_id": "head"})
    await asyncio.sleep(LEASE_SECONDS)
    after = await store._registry.find_one({"_id": "head"})
    assert len(failures) == 2
    assert before is not None
    assert after is not None
    assert after["beat"] > before["beat"]


async def test_taking_over_from_one_that_has_just_let_go(open_alone: Open) -> None:
    """A start that waits for a holder to end gets the database as soon as it has."""
    first = await open_alone()
    assert first._lease is not None
    await first._lease.release(clean=False)
    waiting = asyncio.ensure_future(open_alone())
    await asyncio.sleep(LEASE_SECONDS / 4)
    await first._lease._let_go()
    second = await asyncio.wait_for(waiting, LEASE_SECONDS / 2)
    assert await second.count(Query(())) == 0
    await second.close()
