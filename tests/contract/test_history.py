"""History: what happened to a resource, to a type, or to all, newest first."""

from __future__ import annotations

import asyncio

import pytest

from service.store.base import HistoryQuery, Store, Version
from tests.contract.making import gone, put, write

pytestmark = pytest.mark.anyio

ALL = HistoryQuery()


async def told(store: Store, query: HistoryQuery = ALL, at: int | None = None) -> list[str]:
    """Return ``id/version`` of a history; the count must say the same."""
    versions = await store.history(query, at, limit=1000)
    assert await store.history_count(query, at) == len(versions)
    return names(versions)


def names(versions: list[Version]) -> list[str]:
    """Return ``id/version`` of each."""
    return [f"{version.id}/{version.version}" for version in versions]


async def spaced(store: Store) -> list[Version]:
    """Commit four versions whose instants all differ: a/1, b/1, a/2, b/2 (a deletion)."""
    versions: list[Version] = []
    for change in (put("a", 1), put("b", 1), put("a", 2), gone("b")):
        [committed] = await store.commit([change])
        assert committed.version is not None
        versions.append(committed.version)
        await asyncio.sleep(0.005)
    assert len({version.instant for version in versions}) == 4
    return versions


async def test_levels(store: Store) -> None:
    """A history is that of one resource, of one type or of the registry, with superseded versions and deletions."""
    await spaced(store)
    await write(store, put("a", type_="Evidence"))
    assert await told(store, HistoryQuery("Group", "a")) == ["a/2", "a/1"]
    assert await told(store, HistoryQuery("Group", "b")) == ["b/2", "b/1"]
    assert await told(store, HistoryQuery("Group")) == ["b/2", "a/2", "b/1", "a/1"]
    assert await told(store) == ["a/1", "b/2", "a/2", "b/1", "a/1"]
    assert await told(store, HistoryQuery("Group", "z")) == []


async def test_versions_are_whole(store: Store) -> None:
    """The versions of a history are those that were committed, content and all; a deletion has none."""
    versions = await spaced(store)
    assert await store.history(ALL, limit=10) == versions[::-1]
    assert versions[3].json is None


async def test_order_within_a_commit(store: Store) -> None:
    """Versions of one commit come in the reverse of their places."""
    await write(store, put("x"), put("a"), put("m"))
    assert await told(store) == ["m/1", "a/1", "x/1"]


async def test_since_and_before(store: Store) -> None:
    """``since`` takes in the instant that it names, ``before`` leaves it out."""
    first, second, third, fourth = (version.instant for version in await spaced(store))
    assert await told(store, HistoryQuery(since=second)) == ["b/2", "a/2", "b/1"]
    assert await told(store, HistoryQuery(since=second + 1)) == ["b/2", "a/2"]
    assert await told(store, HistoryQuery(before=third)) == ["b/1", "a/1"]
    assert await told(store, HistoryQuery(before=third + 1)) == ["a/2", "b/1", "a/1"]
    assert await told(store, HistoryQuery("Group", "a", since=first + 1, before=fourth)) == ["a/2"]
    assert await told(store, HistoryQuery(since=fourth + 1)) == []


async def test_current_from(store: Store) -> None:
    """``current_from`` leaves out what had been superseded before the instant, and nothing else."""
    _, second, third, fourth = (version.instant for version in await spaced(store))
    everything = ["b/2", "a/2", "b/1", "a/1"]
    assert await told(store, HistoryQuery(current_from=second)) == everything
    assert await told(store, HistoryQuery(current_from=third)) == everything
    assert await told(store, HistoryQuery(current_from=third + 1)) == ["b/2", "a/2", "b/1"]
    assert await told(store, HistoryQuery(current_from=fourth + 1)) == ["b/2", "a/2"]
    assert await told(store, HistoryQuery(current_from=third + 1, before=third)) == ["b/1"]


async def test_history_at_a_seq(store: Store) -> None:
    """A history at a seq is the one that was told then, also of what was current."""
    versions = await spaced(store)
    assert await told(store, at=0) == []
    assert await told(store, at=2) == ["b/1", "a/1"]
    late = HistoryQuery(current_from=versions[3].instant + 1000)
    assert await told(store, late, at=2) == ["b/1", "a/1"]
    assert await told(store, late, at=3) == ["a/2", "b/1"]
    assert await told(store, late) == ["b/2", "a/2"]


async def test_pages(store: Store) -> None:
    """A history is read in pages from before a position on; at one seq new versions do not shift them."""
    for number in range(7):
        await write(store, put("a", number), put("b", number))
    head = (await store.head()).seq
    expected = names(await store.history(ALL, limit=100))
    assert len(expected) == 14
    seen: list[str] = []
    before: int | None = None
    while page := await store.history(ALL, head, before=before, limit=3):
        seen += names(page)
        before = page[-1].position
        await write(store, put("a", f"later {len(seen)}"))
    assert seen == expected
    assert await store.history(ALL, limit=0) == []


async def test_unchanged_leaves_no_trace(store: Store) -> None:
    """What changed nothing, and what was refused, is in no history."""
    await write(store, put("a"))
    await store.commit([put("a"), gone("z")])
    assert await told(store) == ["a/1"]
