"""The numbers and instants of the log."""

from __future__ import annotations

import asyncio

import pytest

from service.store.base import SEQ_BITS, Head, Store
from tests.contract.making import listed, named, put, write

pytestmark = pytest.mark.anyio


async def test_empty_registry(store: Store) -> None:
    """An empty registry has a head of zeros, and every read finds nothing."""
    assert await store.head() == Head(0, 0)
    assert await listed(store.scan()) == []
    assert await listed(store.tail(0)) == []


async def test_position(store: Store) -> None:
    """A position is the number of the commit and the place in it; unchanged resources take no place."""
    await write(store, put("a"))
    outcomes = await store.commit([put("b"), put("a"), put("c")])
    positions = [each.version.position for each in outcomes if each.version]
    assert positions == [2 << SEQ_BITS, 1 << SEQ_BITS, 2 << SEQ_BITS | 1]


async def test_head_is_the_newest_commit(store: Store) -> None:
    """The head has the number and the instant of the newest commit as soon as that has returned."""
    for number in range(3):
        [version] = await write(store, put("a", number))
        assert await store.head() == Head(version.seq, version.instant)
        assert version.seq == number + 1


async def test_numbers_are_consecutive_under_concurrency(store: Store) -> None:
    """A hundred commits at once take a hundred consecutive numbers, each its own."""
    committed = await asyncio.gather(*(write(store, put(f"a{n}"), put(f"b{n}")) for n in range(100)))
    assert sorted(versions[0].seq for versions in committed) == list(range(1, 101))
    for first, second in committed:
        assert second.position == first.position + 1


async def test_commits_of_one_caller_keep_their_order(store: Store) -> None:
    """Commits are written in the order in which they were asked for."""
    committed = await asyncio.gather(*(write(store, put("a", number)) for number in range(50)))
    assert [versions[0].version for versions in committed] == list(range(1, 51))


async def test_instants_never_go_back(store: Store) -> None:
    """In the order of the log instants never go back, and all versions of one commit have the same."""
    await asyncio.gather(*(write(store, put(f"a{n}"), put(f"b{n}")) for n in range(50)))
    await write(store, put("last"))
    log = await listed(store.tail(0))
    assert [v.instant for v in log] == sorted(v.instant for v in log)
    assert len({(v.seq, v.instant) for v in log}) == len({v.seq for v in log}) == 51


async def test_a_commit_is_seen_whole(store: Store) -> None:
    """A reader beside a writer sees each commit whole or not at all, at any moment."""
    done = False

    async def keep_writing() -> None:
        nonlocal done
        for number in range(40):
            await write(store, named("a", f"n{number}", value=number), named("b", f"n{number}", value=number))
        done = True

    async def keep_reading() -> int:
        seen = 0
        while not done:
            both = await store.read_many([("Group", "a"), ("Group", "b")])
            assert len({version.seq for version in both.values()}) <= 1
            assert len(both) in (0, 2)
            seen += 1
        return seen

    _, seen = await asyncio.gather(keep_writing(), keep_reading())
    assert seen > 0
