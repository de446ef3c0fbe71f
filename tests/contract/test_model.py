"""Any store answers as the model does, for logs, predicates and seqs that nobody has thought of."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.search.query import And, Bound, Contains, Ids, Not, Or, Predicate, Prefix, Query, Range, Term, Updated
from service.search.rows import HIGHEST, LOWEST, RangeRow, Row, TermRow, sortable
from service.store.base import Change, HistoryQuery, Store
from tests.contract.making import gone, listed, put
from tests.contract.model import Model

pytestmark = pytest.mark.anyio

EXAMPLES = 300

Operation = tuple[int, str, tuple[Row, ...] | None]
"""A resource by its number, its type, and the rows that it is given (None: it is deleted)."""

_serial = itertools.count()

keys = st.sampled_from(["k", "key", "k.e"])
texts = st.sampled_from(
    [
        "",
        "a",
        "A",
        "á",
        "a\u0301",
        "ab",
        "aba",
        "b",
        "a%b",
        "a_b",
        "a.b",
        "a*",
        "\\",
        "\\a",
        "(",
        "[a]",
        "^a",
        "a$",
        " ",
    ]
)
odd_texts = st.sampled_from(["a\nb", "日本", "😀", "😀a", "\uff21", "a\uff21", "a b", "\x1f", "a\x1fs"])
qualifiers = st.sampled_from(["", "s", "S", "http://s|"])
ends = st.sampled_from(
    [LOWEST, HIGHEST, *(sortable(Decimal(n)) for n in ("-1e99", "-2", "-1.5", "0", "1e-9", "1", "1.5", "2", "1e99"))]
)
term_rows = st.builds(TermRow, keys, texts | odd_texts, qualifiers)
range_rows = st.builds(RangeRow, keys, ends, ends)
operations: st.SearchStrategy[Operation] = st.tuples(
    st.integers(0, 4),
    st.sampled_from(["A", "B"]),
    st.none() | st.lists(term_rows | range_rows, max_size=5).map(tuple),
)
commits = st.lists(operations, min_size=1, max_size=4, unique_by=lambda operation: operation[:2])
bounds = st.builds(Bound, st.sampled_from(["low", "high"]), st.sampled_from(["<", "<=", ">", ">="]), ends)
leaves: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Term, keys, texts | odd_texts, st.none() | qualifiers),
    st.builds(Prefix, keys, texts | odd_texts),
    st.builds(Contains, keys, texts | odd_texts),
    st.builds(Range, keys, st.lists(bounds, max_size=3).map(tuple)),
    st.builds(Ids, st.lists(st.sampled_from(["r0", "r1", "r2", "z"]), max_size=3).map(tuple)),
    st.builds(Updated, st.none() | st.integers(0, 1 << 42), st.none() | st.integers(0, 1 << 42)),
)


def combined(parts: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    """Return combinations of predicates."""
    several = st.lists(parts, max_size=3).map(tuple)
    return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, parts)


predicates = st.recursive(leaves, combined, max_leaves=6)
queries = st.tuples(st.sampled_from([("A",), ("B",), ("A", "B")]), predicates)


async def build(store: Store, script: list[list[Operation]], suffix: str, model: Model) -> None:
    """Commit a script and tell the model what was made of it."""
    for number, commit in enumerate(script):
        changes: list[Change] = []
        for resource, type_, rows in commit:
            id_, name = f"r{resource}", type_ + suffix
            changes.append(gone(id_, type_=name) if rows is None else put(id_, number, type_=name, rows=rows))
        for change, committed in zip(changes, await store.commit(changes), strict=True):
            if committed.effect != "unchanged":
                assert committed.version is not None
                model.add(change, committed.version)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    script=st.lists(commits, min_size=1, max_size=5),
    asked=st.lists(st.tuples(queries, st.integers(0, 6), st.integers(1, 4)), min_size=3, max_size=3),
)
async def test_a_store_answers_as_the_model(
    store: Store, script: list[list[Operation]], asked: list[tuple[tuple[tuple[str, ...], Predicate], int, int]]
) -> None:
    """Search, count, pages, history, scan and tail give what the definitions of the protocol say, at any seq."""
    suffix = str(next(_serial))  # examples share a store; each has types of its own
    start = (await store.head()).seq
    model = Model()
    await build(store, script, suffix, model)
    for (types, predicate), back, limit in asked:
        query = Query(tuple(type_ + suffix for type_ in types), predicate)
        seq = start + back
        expected = model.search(query, seq)
        assert await store.search(query, seq, limit=100) == expected
        assert await store.count(query, seq) == len(expected)
        after = expected[limit - 1].position if len(expected) >= limit else 0
        assert (
            await store.search(query, seq, after=after, limit=limit)
            == [version for version in expected if version.position > after][:limit]
        )
    newest = start + len(script)
    assert await listed(store.tail(start)) == [entry.version for entry in model.log]
    assert await listed(store.scan(since=start)) == model.search(Query(()), newest)
    for type_ in ("A", "B"):
        told = await store.history(HistoryQuery(type_ + suffix), limit=100)
        assert told == [entry.version for entry in reversed(model.log) if entry.version.type == type_ + suffix]
