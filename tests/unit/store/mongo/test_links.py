"""Links that lead to more than is listed, brought about in small registries: nothing is short, batches are small."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings

from service.search.query import Query
from service.store.base import Store
from service.store.mongo import find
from tests.contract.generated import Operation, compare, questions, scripts
from tests.support import mongo
from tests.support.stores import open_at

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[(-1, 1), (1, 2)], ids=["one by one", "mixed"])
async def small(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, mongo_server: mongo.Server, mongo_database: str
) -> AsyncIterator[Store]:
    """A store with limits that a handful of resources pass."""
    short, batch = request.param
    monkeypatch.setattr(find, "SHORT", short)
    monkeypatch.setattr(find, "BATCH", batch)
    kind = "mongo" if mongo_server.mode == "on" else "mongo-single-writer"
    opened = await open_at(kind, mongo_database)
    yield opened
    await opened.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=scripts, asked=questions)
async def test_batches_answer_as_the_model(
    small: Store, script: list[list[Operation]], asked: list[tuple[Query, int, int]]
) -> None:
    """However much a link leads to, the matches and their order are the same."""
    await compare(small, script, asked)
