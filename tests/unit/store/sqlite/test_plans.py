"""What a search reads: its plans have no full scan, and its work grows with the page and not with the registry."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from service.search.query import (
    EVERYTHING,
    And,
    Bound,
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
from service.search.rows import RangeRow, Row, TermRow, WordsRow
from service.store.base import Change
from service.store.sqlite import SqliteStore, open_store
from tests.contract.making import put

pytestmark = pytest.mark.anyio

PER_STUDY = 15
PAGE = 20
SIZES = (1_000, 30_000)
SPREAD = 7919
"""A prime: what is a multiple of it, modulo the size, has no order."""


def instant(number: int) -> str:
    """Return a text as long as those of instants, of which the first hundred thousand are in order."""
    return f"350000000161{number:06}"


ENDS_AFTER = Or(
    (
        Range("period", (Bound("high", ">", instant(60_100)),)),
        Range("period", (Bound("low", ">=", instant(60_000)), Bound("high", "<=", instant(60_100)))),
    )
)
IN_BETWEEN = And((ENDS_AFTER, Range("period", (Bound("low", "<", instant(75_000)),))))
OF_STUDY = Query(("Group",), Term("phase", "3"))
QUERIES: dict[str, Query] = {
    "everything": Query(("Evidence",)),
    "all types": Query(()),
    "two types": Query((), Types(("Evidence", "Group"))),
    "id": Query(("Evidence",), Ids(("e500",))),
    "id of all types": Query((), Ids(("e500",))),
    "identifier": Query(("Evidence",), Term("identifier", "n500")),
    "status": Query(("Evidence",), Term("status", "active")),
    "two states": Query(("Evidence",), Or((Term("status", "active"), Term("status", "retired")))),
    "outcome and status": Query(("Evidence",), And((Term("status", "retired"), Term("outcome", "o5")))),
    "not": Query(("Evidence",), Not(Term("status", "retired"))),
    "title": Query(("Evidence",), Prefix("title", "title 0005")),
    "a day": Query(("Evidence",), Range("date", (Bound("low", ">=", "050000"), Bound("high", "<=", "050100")))),
    "since": Query(("Evidence",), Range("date", (Bound("high", ">", "050000"),))),
    "updated": Query(("Evidence",), Updated(since=1)),
    "element": Query(
        ("Evidence",), Together((Term("part-code", "hr"), Range("part-value", (Bound("low", "<", "02"),))))
    ),
    "chain to one": Query(("Evidence",), Linked("study", Query(("Group",), Term("identifier", "s30")))),
    "chain to many": Query(("Evidence",), Linked("study", OF_STUDY)),
    "reverse chain": Query(("Group",), ReverseLinked("study", Query(("Evidence",), Term("outcome", "o5")))),
    "by a name to one": Query(
        ("Evidence",), Linked("uses", Query(("Group",), Term("identifier", "s30")), "identifier")
    ),
    "by a name to many": Query(("Evidence",), Linked("uses", OF_STUDY, "identifier")),
    "by a name, reverse": Query(
        ("Group",), ReverseLinked("uses", Query(("Evidence",), Term("outcome", "o5")), "identifier")
    ),
    "not linked": Query(("Evidence",), Not(Linked("study", OF_STUDY))),
    "newest first": Query(("Evidence",), sort=(Sort("low", "date", descending=True),)),
    "by title": Query(("Evidence",), Term("status", "active"), (Sort("value", "title"),)),
    "by status and date": Query(("Evidence",), sort=(Sort("value", "status"), Sort("low", "date", descending=True))),
    "last updated first": Query(("Evidence",), sort=(Sort("instant", descending=True),)),
    "by id": Query(("Evidence",), sort=(Sort("id"),)),
    "interval by date": Query(("Evidence",), IN_BETWEEN, (Sort("low", "period"),)),
    "interval by date, latest first": Query(("Evidence",), IN_BETWEEN, (Sort("high", "period", descending=True),)),
    "status and interval by date": Query(
        ("Evidence",), And((Term("status", "retired"), IN_BETWEEN)), (Sort("low", "period"),)
    ),
    "interval": Query(("Evidence",), IN_BETWEEN),
    "authors": Query(("Evidence",), Prefix("author", instant(60_000)[:14])),
    "authors by name": Query(("Evidence",), Prefix("author", instant(60_000)[:14]), (Sort("value", "author"),)),
    "authors by name, last first": Query(
        ("Evidence",), Prefix("author", instant(30_000)[:14]), (Sort("value", "author", descending=True),)
    ),
    "word": Query(("Evidence",), Word("content", "leukemia")),
    "rare word": Query(("Evidence",), And((Word("content", "leukemia"), Word("content", "n500")))),
    "either word by title": Query(
        ("Evidence",), Or((Word("content", "leukemia"), Word("content", "w3"))), (Sort("value", "title"),)
    ),
}


def registry(size: int) -> Iterator[Change]:
    """Yield studies with their results, of which there are ``size``."""
    for number in range(size):
        if number % PER_STUDY == 0:
            study = number // PER_STUDY
            rows: list[Row] = [TermRow("phase", str(study % 4)), TermRow("identifier", f"s{study}")]
            yield put(f"s{study}", rows=rows)
        mixed = number * SPREAD % size
        date = f"{mixed * 100_000 // size:06}"
        rows = [
            TermRow("study", f"Group/s{number // PER_STUDY}"),
            TermRow("uses", f"s{number // PER_STUDY}"),
            TermRow("identifier", f"n{number}"),
            TermRow("status", "retired" if mixed % 5 == 0 else "active"),
            TermRow("outcome", f"o{number % 10}"),
            TermRow("title", f"title {mixed:06}"),
            RangeRow("date", date, date),
            *long_and_short(mixed * 100_000 // size, number),
            WordsRow("content", ("leukemia", f"w{number % 10}", f"n{number}")),
            *(TermRow("part-code", code, part=place) for place, code in enumerate(("hr", "or"), 1)),
            *(RangeRow("part-value", f"{mixed * place % 100:02}", "99", part=place) for place in (1, 2)),
        ]
        yield put(f"e{number}", type_="Evidence", rows=rows)


def long_and_short(start: int, number: int) -> Iterator[Row]:
    """Yield a period and two authors; one in a thousand reaches far."""
    far = 40_000 if number % 1000 == 0 else 0
    yield RangeRow("period", instant(start), instant(start + 100 + far))
    yield TermRow("author", instant(start))
    yield TermRow("author", instant(start + 3 + far))


async def filled(size: int) -> SqliteStore:
    """Return a store with a registry."""
    store = await open_store(None)
    changes = list(registry(size))
    for start in range(0, len(changes), 4000):
        await store.commit(changes[start : start + 4000])
    return store


@pytest.fixture(scope="module")
async def stores(anyio_backend: str) -> AsyncIterator[dict[int, SqliteStore]]:  # noqa: ARG001
    """A small registry and a large one."""
    opened = {size: await filled(size) for size in SIZES}
    yield opened
    for store in opened.values():
        await store.close()


@contextmanager
def readers(store: SqliteStore) -> Iterator[list[sqlite3.Connection]]:
    """Lend the idle readers of a store, to be given handlers."""
    lent = [store._idle.get() for _ in range(store._idle.qsize())]
    for each in lent:
        store._idle.put(each)
    try:
        yield lent
    finally:
        for each in lent:
            each.set_progress_handler(None, 0)
            each.set_trace_callback(None)


async def work(store: SqliteStore, query: Query, *, at: int | None = None, count: int | None = None) -> int:
    """Return how many hundreds of steps SQLite's machine takes for a first page, or for a count."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    with readers(store) as connections:
        for connection in connections:
            connection.set_progress_handler(step, 100)
        if count is None:
            assert await store.search(query, at, limit=PAGE)
        else:
            assert await store.count(query, at, limit=count) == count
    return steps


@pytest.mark.parametrize("name", QUERIES)
async def test_no_full_scan(stores: dict[int, SqliteStore], name: str) -> None:
    """No statement of a search scans a table, or an index from end to end; pages and past seqs included."""
    store = stores[SIZES[0]]
    query, statements = QUERIES[name], list[str]()
    head = (await store.head()).seq
    with readers(store) as connections:
        for connection in connections:
            connection.set_trace_callback(statements.append)
        for at in (None, head - 1):
            page = await store.search(query, at, limit=PAGE)
            await store.search(query, at, after=page[-1].position if page else None, limit=PAGE)
            await store.count(query, at, limit=PAGE)
    with readers(store) as connections:
        for statement in statements:
            if statement.startswith(("SELECT", "WITH")) and " FROM head" not in statement:
                plan = [row[3] for row in connections[0].execute(f"EXPLAIN QUERY PLAN {statement}")]
                scans = [
                    line for line in plan if re.match(r"SCAN (version|term|span|reach|words|target|v\d*|t\d+)\b", line)
                ]
                assert not scans, statement


@pytest.mark.parametrize("name", QUERIES)
async def test_work_does_not_grow_with_the_registry(stores: dict[int, SqliteStore], name: str) -> None:
    """With thirty times the resources a first page costs less than twice the work, and what a plan costs."""
    small, large = [await work(stores[size], QUERIES[name]) for size in SIZES]
    # The constant is what looking at the most candidates that are ever collected costs.
    assert large < 2 * small + 1500, f"{name}: {small} and {large}"


@pytest.mark.parametrize(
    "name", ["status", "two states", "not", "chain to many", "all types", "interval", "authors", "word"]
)
async def test_work_of_a_count_ends_at_its_limit(stores: dict[int, SqliteStore], name: str) -> None:
    """Counting up to a limit costs as much as the limit, however many there are."""
    small, large = [await work(stores[size], QUERIES[name], count=100) for size in SIZES]
    assert large < 2 * small + 1500, f"{name}: {small} and {large}"


@pytest.mark.parametrize("name", ["status", "two states", "title", "authors", "word"])
async def test_a_count_of_one_condition_reads_indexes_only(stores: dict[int, SqliteStore], name: str) -> None:
    """What the rows of an index tell by themselves is counted without the versions and their other rows."""
    statements: list[str] = []
    with readers(stores[SIZES[1]]) as connections:
        for connection in connections:
            connection.set_trace_callback(statements.append)
        await stores[SIZES[1]].count(QUERIES[name], limit=100)
    with readers(stores[SIZES[1]]) as connections:
        for statement in (each for each in statements if each.startswith("SELECT count")):
            plan = [row[3] for row in connections[0].execute(f"EXPLAIN QUERY PLAN {statement}")]
            assert not [line for line in plan if "PRIMARY KEY" in line], statement


async def test_many_codes_with_systems_cost_as_much_as_without(stores: dict[int, SqliteStore]) -> None:
    """Alternatives of thousands of terms, as a value set has, are one look into an index, qualified or not."""
    plain = tuple(Term("identifier", f"n{number}") for number in range(400, 3100))
    qualified = tuple(Term(term.key, term.value, "") if number % 3 else term for number, term in enumerate(plain))
    for where in (EVERYTHING, Term("status", "active")):
        for store in stores.values():
            least, most = [
                await work(store, Query(("Evidence",), And((Or(terms), where)))) for terms in (plain, qualified)
            ]
            assert most < 3 * least + 300


@pytest.mark.parametrize("name", ["status", "newest first", "chain to many", "everything"])
async def test_work_of_a_page_while_others_write(name: str) -> None:
    """At the seq of a page link, a little behind the head, a page costs little more than at the head."""
    store = await filled(3000)
    try:
        head = (await store.head()).seq
        now = await work(store, QUERIES[name])
        await store.commit([put(f"e{number}", 2, type_="Evidence") for number in range(100)])
        assert await work(store, QUERIES[name], at=head) < 2 * now + 1500
    finally:
        await store.close()


async def test_what_is_past_costs_nothing_now() -> None:
    """A search of the present never meets a superseded row, however many there are."""
    store = await filled(300)
    wanted: Predicate = Term("status", "active")
    try:
        query = Query(("Evidence",), wanted, (Sort("value", "title"),))
        before = await work(store, query)
        for version in range(30):
            await store.commit(
                [
                    put(f"e{number}", version, type_="Evidence", rows=[TermRow("status", "active")])
                    for number in range(9)
                ]
            )
        assert await work(store, query) < 1.5 * before + 10
        assert await work(store, Query(("Evidence",), EVERYTHING)) < 60
    finally:
        await store.close()
