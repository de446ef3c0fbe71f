"""Several processes on one registry, here as several handles: each sees at once what another has committed."""

from __future__ import annotations

import asyncio

import pytest

from service.search.query import Query, Term
from service.store.base import GuardFailed, Matches, VersionIs
from tests.contract.making import found, gone, listed, named, put, value_of, write
from tests.support.stores import Place

# A server without transactions is for one process at a time; that it refuses a second one is tested with its store.
pytestmark = [pytest.mark.anyio, pytest.mark.needs("transactions")]


async def test_each_sees_the_other_at_once(lasting: Place) -> None:
    """What one handle has committed the other reads, finds and counts with its very next call."""
    one, two = await lasting.open(), await lasting.open()
    for number in range(5):
        [version] = await write(one, named("a", f"n{number}", value=number))
        assert await two.read("Group", "a") == version
        assert await found(two, Term("name", f"n{number}")) == "a"
        [version] = await write(two, named("b", f"n{number}", value=number))
        assert await one.head() == await two.head()
        assert await one.read("Group", "b") == version
    await two.commit([gone("a")])
    assert await found(one) == "b"


async def test_the_secret_is_shared(lasting: Place) -> None:
    """All handles have the same secret, also those opened at the same moment."""
    stores = await asyncio.gather(*(lasting.open() for _ in range(3)))
    assert len({store.secret for store in stores}) == 1


async def test_both_commit(lasting: Place) -> None:
    """Two handles that commit at the same time share one sequence without gaps, and lose nothing."""
    stores = [await lasting.open(), await lasting.open()]
    await asyncio.gather(
        *(write(store, put(f"s{n}r{number}")) for n, store in enumerate(stores) for number in range(30))
    )
    log = await listed(stores[0].tail(0))
    assert [version.seq for version in log] == list(range(1, 61))
    assert [version.instant for version in log] == sorted(version.instant for version in log)
    assert len({version.id for version in log}) == 60


async def test_one_conditional_create_wins(lasting: Place) -> None:
    """Of conditional creates with the same criteria from two handles, one creates."""
    stores = [await lasting.open(), await lasting.open()]
    query = Query(("Group",), Term("name", "x"))
    outcomes = await asyncio.gather(
        *(stores[n % 2].commit([named(f"r{n}", "x")], [Matches(query)]) for n in range(20)), return_exceptions=True
    )
    assert sum(isinstance(outcome, GuardFailed) for outcome in outcomes) == 19
    assert await stores[0].count(query) == 1


async def test_no_update_is_lost(lasting: Place) -> None:
    """Two handles that each count a number up, from the version that they have read, together count every step."""
    stores = [await lasting.open(), await lasting.open()]
    await write(stores[0], put("a", 0))

    async def count_up(n: int) -> None:
        done = 0
        while done < 15:
            current = await stores[n].read("Group", "a")
            value = value_of(current)
            assert current is not None
            assert isinstance(value, int)
            try:
                await stores[n].commit([put("a", value + 1)], [VersionIs("Group", "a", current.version)])
            except GuardFailed:
                continue
            done += 1

    await asyncio.gather(count_up(0), count_up(1))
    assert value_of(await stores[0].read("Group", "a")) == 30
