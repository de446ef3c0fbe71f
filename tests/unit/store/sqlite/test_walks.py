"""The plans of a large registry, brought about in small ones: nothing is small, and batches are of a few entries."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from service.search.query import And, Or, Prefix, Query, Range, Sort, Term
from service.search.rows import Row
from service.store.sqlite import SqliteStore, find, open_store, reach, walk
from tests.contract.generated import (
    SUFFIX,
    Operation,
    bounds,
    compare,
    questions,
    range_rows,
    scripts,
    term_rows,
    texts,
)

pytestmark = pytest.mark.anyio


def questions_of(key: str) -> st.SearchStrategy[list[tuple[Query, int, int]]]:
    """Queries that bound the key of their sort, each with a seq to ask at, and the size of a page."""
    of_key = st.one_of(
        st.builds(Term, st.just(key), texts),
        st.builds(Prefix, st.just(key), texts),
        st.builds(Range, st.just(key), st.lists(bounds, min_size=1, max_size=2).map(tuple)),
    )
    several = st.lists(of_key, min_size=1, max_size=2).map(tuple)
    query = st.builds(
        Query,
        st.just((f"A{SUFFIX}",)),
        of_key | st.builds(And, several) | st.builds(Or, several),
        st.tuples(st.builds(Sort, st.sampled_from(["value", "low", "high"]), st.just(key), st.booleans())),
    )
    return st.lists(st.tuples(query, st.integers(0, 4), st.integers(1, 3)), min_size=4, max_size=4)


def scripts_of(key: str) -> st.SearchStrategy[list[list[Operation]]]:
    """Commits of resources that have rows of one key."""
    row = (term_rows | range_rows).map(lambda row: replace(row, key=key))
    rows: st.SearchStrategy[tuple[Row, ...]] = st.lists(row, max_size=4).map(tuple)
    commit = st.lists(
        st.tuples(st.integers(0, 4), st.just("A"), st.none() | rows),
        min_size=2,
        max_size=4,
        unique_by=lambda operation: operation[0],
    )
    return st.lists(commit, min_size=1, max_size=4)


bounded = st.sampled_from(["k", "k$0"]).flatmap(lambda key: st.tuples(scripts_of(key), questions_of(key)))
"""Scripts and questions of one key, be it that of a component, of which there are no reaches."""


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
    monkeypatch.setattr(reach, "LABEL", {1: 1, 2: 12}[sample])
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


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(generated=bounded)
async def test_bounds_on_the_key_of_the_sort(
    store: SqliteStore, generated: tuple[list[list[Operation]], list[tuple[Query, int, int]]]
) -> None:
    """A walk that begins at a bound of the search gives what a walk from the beginning gives."""
    await compare(store, *generated)
