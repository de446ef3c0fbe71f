"""The plans of a large registry, brought about in small ones: nothing is small, and batches are of a few entries."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings

from service.search.query import Query
from service.store.sqlite import SqliteStore, find, open_store, walk
from tests.contract.generated import Operation, compare, questions, scripts

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[(-1, 2, 1), (-1, 4, 2), (3, 3, 2)], ids=["walks of 1", "walks of 2", "mixed"])
async def store(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    anyio_backend: str,  # noqa: ARG001
) -> AsyncIterator[SqliteStore]:
    """A store with limits that a handful of resources pass."""
    small, big, sample = request.param
    monkeypatch.setattr(find, "SMALL", small)
    monkeypatch.setattr(find, "BIG", big)
    monkeypatch.setattr(walk, "BIG", big)
    monkeypatch.setattr(find, "SAMPLE", sample)
    opened = await open_store(None)
    yield opened
    await opened.close()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=scripts, asked=questions)
async def test_walks_answer_as_the_model(
    store: SqliteStore, script: list[list[Operation]], asked: list[tuple[Query, int, int]]
) -> None:
    """Whichever index a search is driven by, it gives the same matches in the same order."""
    await compare(store, script, asked)
