"""Streams: the whole of a snapshot, and the log from a number on."""

from __future__ import annotations

import asyncio

import pytest

from service.store.base import Store, Version
from tests.contract.making import gone, listed, put, value_of, write

pytestmark = pytest.mark.anyio


async def test_scan(store: Store) -> None:
    """A scan gives the current resources, without superseded versions and deletions, by position."""
    await write(store, put("a", 1), put("b", 1), put("c", 1))
    await store.commit([put("a", 2), gone("b")])
    assert [(v.id, v.version) for v in await listed(store.scan())] == [("c", 1), ("a", 2)]
    assert [v.id for v in await listed(store.scan(at=1))] == ["a", "b", "c"]
    assert await listed(store.scan(at=0)) == []


async def test_scan_of_types(store: Store) -> None:
    """A scan is of the types named, in one order of positions, or of all."""
    await write(store, put("g"), put("e", type_="Evidence"), put("c", type_="Citation"), put("h"))
    assert [v.id for v in await listed(store.scan(["Group"]))] == ["g", "h"]
    assert [v.id for v in await listed(store.scan(["Evidence", "Group"]))] == ["g", "e", "h"]
    assert [v.id for v in await listed(store.scan())] == ["g", "e", "c", "h"]
    assert await listed(store.scan(["Patient"])) == []


async def test_scan_since(store: Store) -> None:
    """``since`` leaves out what that commit and those before it wrote."""
    await write(store, put("a", 1), put("b", 1))
    await write(store, put("a", 2))
    await write(store, put("c", 1))
    assert [v.id for v in await listed(store.scan(since=1))] == ["a", "c"]
    assert [v.id for v in await listed(store.scan(since=1, at=2))] == ["a"]
    assert await listed(store.scan(since=3)) == []


async def test_scan_is_a_snapshot(store: Store) -> None:
    """A scan gives every resource as it was at its seq, once, however much is written while it is read."""
    await write(store, *[put(f"r{n}", 0) for n in range(1100)])
    seen: list[Version] = []
    stream = store.scan()
    async for version in stream:
        seen.append(version)
        if len(seen) % 50 == 1:
            number = len(seen)
            await store.commit([put(f"r{1099 - number}", number), gone(f"r{number}"), put(f"new{number}")])
    assert [v.id for v in seen] == [f"r{n}" for n in range(1100)]
    assert {value_of(v) for v in seen} == {0}


async def test_scan_starts_when_it_is_first_read(store: Store) -> None:
    """Without a seq a scan is of the head at some moment between its making and its first result, and of no other."""
    await write(store, put("a"))
    stream = store.scan()
    first = await anext(stream)
    await write(store, put("b"))
    assert [first.id, *[v.id async for v in stream]] == ["a"]


async def test_tail(store: Store) -> None:
    """The tail gives every version after a seq in the order of the log: superseded ones and deletions too."""
    await write(store, put("a", 1), put("b", 1))
    await write(store, put("a", 2))
    await store.commit([gone("a")])
    log = [(v.seq, v.id, v.version, v.json is None) for v in await listed(store.tail(0))]
    assert log == [(1, "a", 1, False), (1, "b", 1, False), (2, "a", 2, False), (3, "a", 3, True)]
    assert [v.seq for v in await listed(store.tail(1))] == [2, 3]
    assert await listed(store.tail(3)) == []
    assert await listed(store.tail(99)) == []


async def test_tail_ends_at_the_head(store: Store) -> None:
    """The tail ends with the newest commit at the time of the call; what is written meanwhile comes with the next."""
    await write(store, *[put(f"r{n}") for n in range(700)])
    seen: list[Version] = []
    async for version in store.tail(0):
        seen.append(version)
        if len(seen) % 100 == 1:
            await write(store, put("later", len(seen)))
    assert [v.id for v in seen] == [f"r{n}" for n in range(700)]
    assert len(await listed(store.tail(seen[-1].seq))) == 7


async def test_following_the_log_beside_writers(store: Store) -> None:
    """Whoever reads on from the last seq that he has seen meets every version once and in order."""
    seen: list[Version] = []

    async def write_some(name: str) -> None:
        for number in range(25):
            await write(store, put(f"{name}1", number), put(f"{name}2", number))

    async def follow() -> None:
        while len(seen) < 200:
            seen.extend(await listed(store.tail(seen[-1].seq if seen else 0)))
            await asyncio.sleep(0)

    await asyncio.wait_for(asyncio.gather(*(write_some(name) for name in "abcd"), follow()), 60)
    assert [v.position for v in seen] == [seq << 20 | place for seq in range(1, 101) for place in (0, 1)]


async def test_a_stream_may_be_left(store: Store) -> None:
    """A stream that is not read to its end holds nothing up: commits and reads go on."""
    await write(store, *[put(f"r{n}") for n in range(600)])
    stream = store.scan()
    await anext(stream)
    await write(store, put("r0", 2))
    assert value_of(await store.read("Group", "r0")) == 2
    assert hasattr(stream, "aclose")
    await stream.aclose()
