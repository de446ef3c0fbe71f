"""Reading resources by their names, now and as they were."""

from __future__ import annotations

import pytest

from service.store.base import Store
from tests.contract.making import gone, put, value_of, write

pytestmark = pytest.mark.anyio


async def test_read_at_any_seq(store: Store) -> None:
    """A read at a seq gives the version that was current once that commit was made, for ever."""
    await write(store, put("a", 1))
    await write(store, put("b", 1))
    await write(store, put("a", 2))
    await store.commit([gone("a")])
    await write(store, put("a", 3))
    assert await store.read("Group", "a", 0) is None
    assert [value_of(await store.read("Group", "a", seq)) for seq in (1, 2, 3)] == [1, 1, 2]
    deleted = await store.read("Group", "a", 4)
    assert deleted is not None
    assert (deleted.version, deleted.json) == (3, None)
    assert value_of(await store.read("Group", "a", 5)) == 3
    assert value_of(await store.read("Group", "a")) == 3


async def test_read_beyond_the_head(store: Store) -> None:
    """A read at a seq that no commit has yet gives what the head gives."""
    [version] = await write(store, put("a"))
    assert await store.read("Group", "a", 1000) == version


async def test_read_of_nothing(store: Store) -> None:
    """What was never there is None by every read; ids and types are compared to the letter."""
    await write(store, put("a"))
    assert await store.read("Group", "b") is None
    assert await store.read("Group", "A") is None
    assert await store.read("group", "a") is None
    assert await store.read_version("Group", "b", 1) is None


async def test_read_version(store: Store) -> None:
    """Each version stays readable by its number; numbers that were never given are None."""
    await write(store, put("a", 1))
    await write(store, put("a", 2))
    assert [value_of(await store.read_version("Group", "a", number)) for number in (1, 2)] == [1, 2]
    assert await store.read_version("Group", "a", 0) is None
    assert await store.read_version("Group", "a", 3) is None


async def test_read_many(store: Store) -> None:
    """Many resources are read at once, of several types, deletions included, those not there left out."""
    await write(store, put("a", 1), put("b", 2), put("a", 3, type_="Evidence"))
    await store.commit([gone("b")])
    keys = [("Group", "a"), ("Group", "b"), ("Evidence", "a"), ("Evidence", "b"), ("Group", "z"), ("Group", "a")]
    found = await store.read_many(keys)
    assert set(found) == {("Group", "a"), ("Group", "b"), ("Evidence", "a")}
    assert found["Group", "b"].json is None
    assert value_of(found["Evidence", "a"]) == 3
    assert found["Group", "a"] == await store.read("Group", "a")


async def test_read_many_in_the_past(store: Store) -> None:
    """Many resources are read as they were at a seq."""
    await write(store, put("a", 1))
    await write(store, put("a", 2), put("b", 2))
    assert {key: value_of(v) for key, v in (await store.read_many([("Group", "a"), ("Group", "b")], 1)).items()} == {
        ("Group", "a"): 1
    }
    assert await store.read_many([("Group", "a")], 0) == {}


async def test_read_many_of_none_and_of_thousands(store: Store) -> None:
    """The number of keys has no bound: none gives nothing, and thousands are found in one call."""
    assert await store.read_many([]) == {}
    await write(store, *[put(f"r{number}") for number in range(1500)])
    keys = [("Group", f"r{number}") for number in range(6000)]
    assert len(await store.read_many(keys)) == 1500
