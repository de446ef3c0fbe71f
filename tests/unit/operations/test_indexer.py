"""Indexing in the background, over a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.compose import build_engine
from service.errors import Unavailable
from service.fhir.json import dumps
from service.interactions.definitions import Whole
from service.interactions.engine import Engine
from service.interactions.prepare import parse_resource, prepare
from service.interactions.search import search
from service.interactions.update import update
from service.operations.indexer import Indexer, index_whole
from service.settings import Settings
from service.store import sqlite

pytestmark = pytest.mark.anyio

ALIAS: dict[str, Any] = {
    "resourceType": "SearchParameter",
    "id": "alias",
    "url": "https://example.org/alias",
    "name": "Alias",
    "status": "active",
    "description": "A name of a group.",
    "code": "alias",
    "base": ["Group"],
    "type": "string",
    "expression": "Group.name",
    "processingMode": "normal",
}


def group(id_: str) -> bytes:
    """Return a group with a name."""
    return dumps({"resourceType": "Group", "id": id_, "type": "person", "membership": "definitional", "name": "Berlin"})


@pytest.fixture
async def engine(anyio_backend: str) -> AsyncIterator[Engine]:  # noqa: ARG001
    """An engine over an empty store."""
    store = await sqlite.open_store(None)
    yield build_engine(store, Settings())
    await store.close()


async def found(engine: Engine) -> list[str]:
    """Return the groups that are found by the parameter."""
    page = await search(engine, "Group", [("alias", "berlin")])
    return [version.id for version in page.versions]


async def ready(engine: Engine) -> None:
    """Wait until everything is indexed."""
    for _ in range(500):
        if engine.parameters.idle:
            return
        await asyncio.sleep(0.01)
    raise AssertionError


async def test_a_write_that_began_before(engine: Engine) -> None:
    """What was prepared without the parameter and committed after everything else was indexed is indexed too."""
    Indexer(engine.parameters)
    await engine.parameters.refresh()
    with engine.parameters.writing():
        prepared = await prepare(engine, parse_resource(engine, group("late"), "Group"), "late", "PUT")
        await update(engine, "SearchParameter", "alias", dumps(ALIAS))
        await asyncio.sleep(0.1)
        assert [custom.ready for custom in engine.parameters.customs.values()] == [False]
        await engine.parameters.commit([prepared.change], (), ())
    await ready(engine)
    assert await found(engine) == ["late"]


async def test_an_interruption(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store does not answer, indexing goes on with the next refresh, and nothing is missing."""
    Indexer(engine.parameters)
    await update(engine, "Group", "a", group("a"))

    async def fails(rows: object) -> None:
        raise Unavailable(f"The store does not answer: {rows}.")

    with monkeypatch.context() as patched:
        patched.setattr(engine.store, "add_rows", fails)
        await update(engine, "SearchParameter", "alias", dumps(ALIAS))
        await asyncio.sleep(0.1)
        assert not engine.parameters.idle
    await engine.parameters.refresh(now=True)
    await ready(engine)
    assert await found(engine) == ["a"]


async def test_the_rows_of_everything(engine: Engine) -> None:
    """index_whole() adds every row again, of past versions too, and says how far it is."""
    await update(engine, "Group", "a", group("a"))
    await update(engine, "SearchParameter", "alias", dumps(ALIAS))
    seen: list[tuple[int, int]] = []
    whole = Whole(())
    await index_whole(engine.parameters, whole, lambda: seen.append((whole.done, whole.total)))
    assert seen == [(0, 2), (2, 2)]
    assert await found(engine) == ["a"]
    assert engine.parameters.idle


async def test_following_ends(engine: Engine) -> None:
    """A process that stops leaves no task behind; what it had begun is begun anew by the next."""
    before = asyncio.all_tasks()
    async with Indexer(engine.parameters).following():
        await update(engine, "SearchParameter", "alias", dumps(ALIAS))
    assert asyncio.all_tasks() == before
    following = build_engine(engine.store, Settings())
    async with Indexer(following.parameters).following():
        await ready(following)
        assert await found(following) == []


async def test_two_at_once(engine: Engine) -> None:
    """Two processes that index the same come to the same, and neither waits for the other for ever."""
    other = build_engine(engine.store, Settings())
    Indexer(engine.parameters)
    Indexer(other.parameters)
    await other.parameters.refresh(now=True)
    await update(engine, "SearchParameter", "alias", dumps(ALIAS))  # the first commit of all
    await update(other, "Group", "a", group("a"))
    await other.parameters.refresh(now=True)
    await ready(engine)
    await ready(other)
    assert await found(engine) == await found(other) == ["a"]
