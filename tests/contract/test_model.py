"""Any store answers as the model does, for logs, predicates, orders and seqs that nobody has thought of."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from service.search.query import Query
from service.store.base import Store
from tests.contract.generated import Operation, compare, questions, scripts

pytestmark = pytest.mark.anyio

EXAMPLES = 300


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=scripts, asked=questions)
async def test_a_store_answers_as_the_model(
    store: Store, script: list[list[Operation]], asked: list[tuple[Query, int, int]]
) -> None:
    """Search, count, pages, history, scan and tail give what the definitions of the protocol say, at any seq."""
    await compare(store, script, asked)
