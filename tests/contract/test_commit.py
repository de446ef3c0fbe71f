"""What a commit does to the versions of a resource, and that it does all of it or nothing."""

from __future__ import annotations

import pytest

from service.errors import TooLarge
from service.store.base import MAX_CHANGES, GuardFailed, Store, VersionIs
from tests.contract.making import found, gone, listed, named, put, value_of, write

pytestmark = pytest.mark.anyio


async def test_versions_count_from_one(store: Store) -> None:
    """The first version of a resource is 1 and each change of its content adds 1."""
    for number in (1, 2, 3):
        [committed] = await store.commit([put("a", number)])
        assert committed.version is not None
        assert committed.version.version == number
        assert committed.effect == ("created" if number == 1 else "updated")


async def test_resources_count_for_themselves(store: Store) -> None:
    """A version number belongs to a type and an id: the same id in another type is another resource."""
    await write(store, put("a", 1), put("b", 1))
    await write(store, put("a", 2))
    [other] = await write(store, put("a", 3, type_="Evidence"))
    assert other.version == 1
    assert value_of(await store.read("Group", "a")) == 2
    assert value_of(await store.read("Evidence", "a")) == 3


async def test_what_is_returned_is_what_is_read(store: Store) -> None:
    """The version that a commit returns is, field by field, the one that a read gives."""
    [version] = await write(store, put("a", method="POST"))
    assert version == await store.read("Group", "a")
    assert version.method == "POST"
    assert version.json is not None
    assert f'"versionId":"1","lastUpdated":"{version.last_updated}"'.encode() in version.json


async def test_equal_content_changes_nothing(store: Store) -> None:
    """A body that says what the current version says makes no version and takes no number."""
    [first] = await write(store, put("a"))
    head = await store.head()
    [again] = await store.commit([put("a")])
    assert again.effect == "unchanged"
    assert again.version == first
    assert await store.head() == head


async def test_equal_content_beside_a_change(store: Store) -> None:
    """In a commit that changes one resource, another with equal content keeps its version."""
    [first] = await write(store, put("a"))
    same, new = await store.commit([put("a"), put("b")])
    assert (same.effect, same.version) == ("unchanged", first)
    assert new.effect == "created"
    assert new.version is not None
    assert new.version.seq == first.seq + 1


async def test_content_may_come_back(store: Store) -> None:
    """Content is compared with the current version only: what an older version said is a change again."""
    await write(store, put("a", 1))
    await write(store, put("a", 2))
    [back] = await write(store, put("a", 1))
    assert back.version == 3


async def test_deletion_is_a_version(store: Store) -> None:
    """A deletion has a number and an instant of its own and no content; reading gives it back."""
    await write(store, put("a"))
    [committed] = await store.commit([gone("a")])
    assert committed.effect == "deleted"
    assert committed.version is not None
    assert (committed.version.version, committed.version.json, committed.version.method) == (2, None, "DELETE")
    assert await store.read("Group", "a") == committed.version
    assert await store.read_version("Group", "a", 2) == committed.version
    assert value_of(await store.read_version("Group", "a", 1)) == 1


async def test_deleted_resource_comes_back(store: Store) -> None:
    """Content after a deletion creates the resource anew; its numbers go on, even where the content is the old one."""
    await write(store, put("a"))
    await store.commit([gone("a")])
    [committed] = await store.commit([put("a")])
    assert committed.effect == "created"
    assert committed.version is not None
    assert committed.version.version == 3


async def test_deletion_of_nothing(store: Store) -> None:
    """Deleting what was never there changes nothing and gives no version."""
    [committed] = await store.commit([gone("a")])
    assert (committed.version, committed.effect) == (None, "unchanged")
    assert (await store.head()).seq == 0
    assert await store.read("Group", "a") is None


async def test_deletion_of_the_deleted(store: Store) -> None:
    """Deleting what is deleted changes nothing; the deletion stays the current version."""
    await write(store, put("a"))
    [first] = await store.commit([gone("a")])
    [second] = await store.commit([gone("a")])
    assert second.effect == "unchanged"
    assert second.version == first.version
    assert (await store.head()).seq == 2


async def test_resource_twice_in_a_commit(store: Store) -> None:
    """A commit that names a resource twice is a mistake of the caller: nothing is written."""
    with pytest.raises(ValueError, match="twice"):
        await store.commit([put("a", 1), put("b"), put("a", 2)])
    assert (await store.head()).seq == 0


async def test_too_many_changes(store: Store) -> None:
    """A commit cannot carry more changes than there are places in one, and is refused before anything is written."""
    with pytest.raises(TooLarge):
        await store.commit([put("a")] * (MAX_CHANGES + 1))
    assert (await store.head()).seq == 0


async def test_all_or_nothing(store: Store) -> None:
    """Where a guard fails, no change of the commit is kept: no version, no row, no number."""
    await write(store, named("a", "old"))
    with pytest.raises(GuardFailed):
        await store.commit([named("a", "new"), named("b", "new"), gone("c")], [VersionIs("Group", "a", 7)])
    assert (await store.head()).seq == 1
    assert await found(store) == "a"
    assert [version.position for version in await listed(store.tail(0))] == [1 << 20]


async def test_empty_commit(store: Store) -> None:
    """A commit without changes writes nothing and takes no number."""
    assert await store.commit([]) == []
    assert (await store.head()).seq == 0


async def test_outcomes_in_the_order_of_the_changes(store: Store) -> None:
    """The outcomes of a commit stand in the order of its changes, whatever became of each."""
    await write(store, put("a"), put("b"))
    committed = await store.commit([put("c"), put("a"), gone("b"), gone("z"), put("d")])
    assert [each.effect for each in committed] == ["created", "unchanged", "deleted", "unchanged", "created"]
    assert [each.version and each.version.id for each in committed] == ["c", "a", "b", None, "d"]


async def test_large_commit(store: Store) -> None:
    """A commit of a thousand resources is one commit, in the order given."""
    versions = await write(store, *[put(f"r{number}") for number in range(1000)])
    assert [version.position for version in versions] == [1 << 20 | place for place in range(1000)]
    assert [version.id for version in await listed(store.scan())] == [f"r{number}" for number in range(1000)]
