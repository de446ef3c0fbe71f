"""Versions of another registry, written as they are there."""

from __future__ import annotations

import pytest

from service.errors import TooLarge
from service.search.query import Term
from service.store.base import Change, HistoryQuery, NotRestorable, Restored, Store, Version
from tests.contract.making import found, gone, listed, named, put, value_of, write
from tests.support.stores import Place

pytestmark = pytest.mark.anyio

DAY = 86_400_000
START = 1_600_000_000_000


def restored(change: Change, version: int, day: int) -> Restored:
    """Return a version of a day long ago."""
    return Restored(change, version, START + day * DAY)


def told(versions: list[Version]) -> list[tuple[str, int, int, int]]:
    """Return id, number, seq and day of versions."""
    return [(each.id, each.version, each.seq, (each.instant - START) // DAY) for each in versions]


LIFE = [
    restored(named("a", "old"), 1, 0),
    restored(named("b", "other"), 1, 0),
    restored(named("a", "new"), 2, 1),
    restored(gone("b"), 2, 2),
    restored(named("b", "back", value=9), 3, 2),
]


async def test_versions_are_as_they_were(store: Store) -> None:
    """Numbers, instants, methods and bytes are kept; an instant has a seq, and a resource is in a seq once."""
    assert await store.restore(LIFE) == 5
    log = await listed(store.tail(0))
    assert told(log) == [("a", 1, 1, 0), ("b", 1, 1, 0), ("a", 2, 2, 1), ("b", 2, 3, 2), ("b", 3, 4, 2)]
    for each, version in zip(LIFE, log, strict=True):
        body = each.change.body
        assert version.json == (body.render(each.version, version.last_updated) if body else None)
        assert version.method == each.change.method
    head = await store.head()
    assert (head.seq, head.instant) == (4, START + 2 * DAY)
    assert await listed(store.scan()) == [log[2], log[4]]


async def test_past_is_the_past(store: Store) -> None:
    """Each seq answers as the other registry did: reads, searches and history."""
    await store.restore(LIFE)
    assert await found(store, Term("name", "old"), at=1) == "a"
    assert await found(store, Term("name", "old")) == ""
    assert await found(store, at=3) == "a"
    assert await found(store) == "a b"
    assert value_of(await store.read("Group", "b")) == 9
    assert value_of(await store.read("Group", "b", 2)) == 1
    since = await store.history(HistoryQuery("Group", since=START + DAY), limit=9)
    assert told(since) == [("b", 3, 4, 2), ("b", 2, 3, 2), ("a", 2, 2, 1)]


async def test_life_goes_on(store: Store) -> None:
    """What is written afterwards has the next number, the next seq and a later instant; equal content is no change."""
    await store.restore(LIFE)
    [same] = await store.commit([named("a", "new")])
    assert (same.effect, same.version and same.version.version) == ("unchanged", 2)
    [version] = await write(store, put("a", 7))
    assert (version.version, version.seq) == (3, 5)
    assert version.instant > START + 2 * DAY
    assert await found(store, Term("name", "new")) == ""


async def test_again(store: Store) -> None:
    """What is there already is left as it is, so that an interrupted restoration begins anew and loses nothing."""
    assert await store.restore(LIFE[:3]) == 3
    assert await store.restore(LIFE) == 2
    assert await store.restore(LIFE) == 0
    assert await store.restore([]) == 0
    assert [each.version for each in await listed(store.tail(0))] == [1, 1, 2, 2, 3]
    assert (await store.head()).seq == 4


async def test_gaps(store: Store) -> None:
    """Where only current versions come, their numbers have gaps; the next change still counts on."""
    assert await store.restore([restored(put("a", 1), 4, 0)]) == 1
    assert await store.restore([restored(put("a", 2), 9, 1)]) == 1
    assert await store.read_version("Group", "a", 5) is None
    assert value_of(await store.read("Group", "a", 1)) == 1
    [version] = await write(store, put("a", 3))
    assert version.version == 10


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(restored(put("a", 5), 4, 3), id="other content"),
        pytest.param(restored(put("a", 1), 4, 4), id="other instant"),
        pytest.param(restored(put("a", 1), 3, 3), id="number below the current one"),
        pytest.param(restored(put("x", 1), 1, 2), id="instant before the head"),
    ],
)
async def test_refused_as_a_whole(store: Store, refused: Restored) -> None:
    """What cannot be what it was there is refused with all that came along; nothing is written."""
    await store.restore([restored(put("a", 1), 4, 3)])
    head, new = await store.head(), restored(named("new", "n"), 1, max(3, (refused.instant - START) // DAY))
    with pytest.raises(NotRestorable) as error:
        await store.restore(sorted([new, refused], key=lambda each: each.instant))
    assert refused.name in str(error.value)
    assert await store.head() == head
    assert await found(store) == "a"
    assert await store.restore([new]) == 1
    assert await found(store, Term("name", "n")) == "new"


async def test_order(store: Store) -> None:
    """Versions that are not in the order of their instants are a mistake of the caller."""
    with pytest.raises(ValueError, match="order"):
        await store.restore([restored(put("a"), 1, 1), restored(put("b"), 1, 0)])


async def test_too_large(place: Place) -> None:
    """A resource over the limit is refused as in any commit, before anything is written."""
    store = await place.open(max_resource_size=2000)
    with pytest.raises(TooLarge):
        await store.restore([restored(put("a"), 1, 0), restored(put("b", "x" * 2000), 1, 0)])
    assert (await store.head()).seq == 0


async def test_beside_commits(store: Store) -> None:
    """A restoration takes its turn among commits; all of them are in the log."""
    await store.restore(LIFE)
    [first] = await write(store, put("c"))
    later = Restored(put("d"), 3, first.instant + DAY)
    assert await store.restore([later]) == 1
    [second] = await write(store, put("e"))
    assert second.instant == later.instant
    assert [each.id for each in await listed(store.tail(4))] == ["c", "d", "e"]
