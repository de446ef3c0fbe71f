"""Logs and queries that nobody has thought of, and the comparison of a store with the model on them."""

from __future__ import annotations

import itertools
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from service.search.query import (
    And,
    Bound,
    Contains,
    Ids,
    Linked,
    Not,
    Or,
    Predicate,
    Prefix,
    Query,
    Range,
    ReverseLinked,
    Sort,
    Term,
    Together,
    Types,
    Updated,
    Word,
)
from service.search.rows import HIGHEST, LOWEST, RangeRow, Row, TermRow, WordsRow, sortable
from service.store.base import Change, HistoryQuery, Store
from tests.contract.making import gone, listed, put
from tests.contract.model import Model

Operation = tuple[int, str, tuple[Row, ...] | None]
"""A resource by its number, its type, and the rows that it is given (None: it is deleted)."""

SUFFIX = "\0"
"""Stands for the serial number of the example in whatever has a type in it."""

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
odd_texts = st.sampled_from(["a\nb", "日本", "😀", "😀a", "\u0250", "a\u0250", "a b", "\x1f", "a\x1fs"])
qualifiers = st.sampled_from(["", "s", "S", "http://s|"])
ends = st.sampled_from(
    [LOWEST, HIGHEST, *(sortable(Decimal(n)) for n in ("-1e99", "-2", "-1.5", "0", "1e-9", "1", "1.5", "2", "1e99"))]
)
word_keys = st.sampled_from(["words", "word"])
words = st.sampled_from(["", "a", "b", "ab", "10", "éa", "a_b", "A", "a b", "日本", '"', "http://s|", "a" * 300])
parts = st.sampled_from([0, 0, 1, 2])
targets = st.tuples(st.sampled_from(["A", "B"]), st.integers(0, 4))
"""What a link refers to; the examples' types have names of their own, so the reference is written by ``build``."""
term_rows = st.builds(TermRow, keys, texts | odd_texts, qualifiers, parts)
words_rows = st.builds(WordsRow, word_keys, st.lists(words, min_size=1, max_size=4).map(tuple))
range_rows = st.builds(RangeRow, keys, ends, ends, parts)
link_rows = targets.map(lambda target: TermRow("link", f"{target[0]}{SUFFIX}/r{target[1]}"))
operations: st.SearchStrategy[Operation] = st.tuples(
    st.integers(0, 4),
    st.sampled_from(["A", "B"]),
    st.none() | st.lists(term_rows | range_rows | link_rows | words_rows, max_size=6).map(tuple),
)
commits = st.lists(operations, min_size=1, max_size=4, unique_by=lambda operation: operation[:2])
bounds = st.builds(Bound, st.sampled_from(["low", "high"]), st.sampled_from(["<", "<=", ">", ">="]), ends)
of_rows: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Term, keys, texts | odd_texts, st.none() | qualifiers),
    st.builds(Prefix, keys, texts | odd_texts),
    st.builds(Contains, keys, texts | odd_texts, st.booleans()),
    st.builds(Range, keys, st.lists(bounds, max_size=3).map(tuple)),
)
alternatives = of_rows | st.builds(Or, st.lists(of_rows, max_size=3).map(tuple)) | st.builds(And, st.tuples(of_rows))
types = st.lists(st.sampled_from(["A\0", "B\0", "C\0"]), max_size=2).map(tuple)
leaves: st.SearchStrategy[Predicate] = st.one_of(
    of_rows,
    st.builds(Word, word_keys, words),
    st.builds(Together, st.lists(alternatives, max_size=3).map(tuple)),
    st.builds(Types, types),
    st.builds(Ids, st.lists(st.sampled_from(["r0", "r1", "r2", "z"]), max_size=3).map(tuple)),
    st.builds(Updated, st.none() | st.integers(0, 1 << 42), st.none() | st.integers(0, 1 << 42)),
)


def combined(parts: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    """Return combinations of predicates."""
    several = st.lists(parts, max_size=3).map(tuple)
    inner = st.builds(Query, st.sampled_from([(f"A{SUFFIX}",), (f"B{SUFFIX}",), (f"A{SUFFIX}", f"B{SUFFIX}")]), parts)
    return (
        st.builds(And, several)
        | st.builds(Or, several)
        | st.builds(Not, parts)
        | st.builds(Linked, st.just("link"), inner)
        | st.builds(ReverseLinked, st.just("link"), inner)
        | st.builds(Linked, keys, inner, keys)
        | st.builds(ReverseLinked, keys, inner, keys)
    )


predicates = st.recursive(leaves, combined, max_leaves=6)
sorts = st.lists(
    st.builds(Sort, st.sampled_from(["value", "low", "high", "id", "instant"]), keys, st.booleans()), max_size=3
).map(tuple)
queries = st.builds(
    Query, st.sampled_from([(f"A{SUFFIX}",), (f"B{SUFFIX}",), (f"A{SUFFIX}", f"B{SUFFIX}")]), predicates, sorts
)


def named(value: Any, suffix: str) -> Any:
    """Return a query or predicate, or a row, with the types of this example."""
    if isinstance(value, str):
        return value.replace(SUFFIX, suffix)
    if isinstance(value, tuple):
        return tuple(named(each, suffix) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: named(getattr(value, each.name), suffix) for each in fields(value)})
    return value


async def build(store: Store, script: list[list[Operation]], suffix: str, model: Model) -> None:
    """Commit a script and tell the model what was made of it."""
    for number, commit in enumerate(script):
        changes: list[Change] = []
        for resource, type_, rows in commit:
            id_, name = f"r{resource}", type_ + suffix
            changes.append(
                gone(id_, type_=name) if rows is None else put(id_, number, type_=name, rows=named(rows, suffix))
            )
        for change, committed in zip(changes, await store.commit(changes), strict=True):
            if committed.effect != "unchanged":
                assert committed.version is not None
                model.add(change, committed.version)


scripts = st.lists(commits, min_size=1, max_size=5)
questions = st.lists(st.tuples(queries, st.integers(0, 6), st.integers(1, 4)), min_size=3, max_size=3)
"""Queries, each with a seq of the script to ask at, and the size of a page."""


async def compare(store: Store, script: list[list[Operation]], asked: list[tuple[Query, int, int]]) -> None:
    """Write a log, and check whatever a store tells of it."""
    suffix = str(next(_serial))  # examples share a store; each has types of its own
    start = (await store.head()).seq
    model = Model()
    await build(store, script, suffix, model)
    for form, back, limit in asked:
        query: Query = named(form, suffix)
        seq = start + back
        expected = model.search(query, seq)
        assert await store.search(query, seq, limit=100) == expected
        assert await store.count(query, seq) == len(expected)
        assert await store.count(query, seq, limit=limit) == min(limit, len(expected))
        for page in range(0, len(expected), limit):
            after = expected[page - 1].position if page else None
            assert await store.search(query, seq, after=after, limit=limit) == expected[page : page + limit]
    newest = start + len(script)
    assert await listed(store.tail(start)) == [entry.version for entry in model.log]
    assert await listed(store.scan(since=start)) == model.search(Query(()), newest)
    for type_ in ("A", "B"):
        told = await store.history(HistoryQuery(type_ + suffix), limit=100)
        assert told == [entry.version for entry in reversed(model.log) if entry.version.type == type_ + suffix]
