"""Which index answers: asked of the server, where it explains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from service.search.query import And, Bound, Predicate, Prefix, Range, Term, Together
from service.search.rows import RangeRow, Row, TermRow
from service.store.mongo.translate import where
from tests.contract.making import put
from tests.support import mongo
from tests.support.stores import open_at

pytestmark = [pytest.mark.anyio, pytest.mark.needs("explain")]

LOW = Range("v", (Bound("low", "<", "0010"),))
PREDICATES: dict[str, Predicate] = {
    "term": Term("name", "n7"),
    "qualified term": Term("name", "n7", "q"),
    "prefix": Prefix("name", "n7"),
    "range": LOW,
    "several": And((Term("kind", "k"), LOW)),
    "element": Together((Term("name", "n7"), LOW)),
}


@pytest.mark.parametrize("predicate", PREDICATES.values(), ids=PREDICATES)
async def test_no_collection_scan(predicate: Predicate, mongo_server: mongo.Server, mongo_database: str) -> None:
    """Every predicate of rows is answered by an index, and what it examines is near what it finds."""
    store = await open_at("mongo" if mongo_server.mode == "on" else "mongo-single-writer", mongo_database)
    try:
        rows: list[list[Row]] = [
            [TermRow("kind", "k"), TermRow("name", f"n{n}", "q", 1), RangeRow("v", f"{n:04}", "9", 1)]
            for n in range(999)
        ]
        await store.commit([put(f"r{n}", rows=row) for n, row in enumerate(rows)])
    finally:
        await store.close()
    async with AsyncMongoClient[dict[str, Any]](mongo_database) as client:
        found = client.get_default_database()["version"].find(where(("Group",), predicate, 1))
        plan = await found.explain()
    stages = set(_stages(plan["queryPlanner"]["winningPlan"]))
    assert "IXSCAN" in stages
    assert "COLLSCAN" not in stages
    assert plan["executionStats"]["totalDocsExamined"] <= 200


def _stages(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        if isinstance(stage := plan.get("stage"), str):
            yield stage
        for member in plan.values():
            yield from _stages(member)
    elif isinstance(plan, list):
        for item in plan:
            yield from _stages(item)
