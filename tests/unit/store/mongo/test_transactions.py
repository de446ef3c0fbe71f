"""With transactions: what the driver really sends for a commit, and what becomes of each kind of failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from service.errors import Locked, Unavailable
from service.search.query import Query, Term
from service.store.base import GuardFailed, Head, HistoryQuery, Matches
from service.store.mongo import MongoStore, open_store
from tests.contract.making import put
from tests.unit.store.mongo.fake_server import Answer, Document, FakeServer, cut, refused, transient

pytestmark = pytest.mark.anyio

GUARD = Matches(Query(("Group",), Term("name", "x")))
COMMIT = ["findAndModify", "find", "find", "insert", "update", "commitTransaction"]
"""Claim the head, read the current versions, evaluate the guard, insert, move the head, commit."""


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[FakeServer]:  # noqa: ARG001
    """A primary with transactions."""
    async with FakeServer().running() as server:
        yield server


@pytest.fixture
async def store(server: FakeServer) -> AsyncIterator[MongoStore]:
    """A store on it, with what was sent to open it forgotten."""
    store = await open_store(server.url)
    server.commands.clear()
    yield store
    await store.close()


async def commit(store: MongoStore) -> None:
    """Commit one resource under a guard."""
    [committed] = await store.commit([put("a")], [GUARD])
    assert committed.effect == "created"


def transactions(commands: list[Document]) -> list[int]:
    """Return the number of the transaction that each command belongs to."""
    return [int(command["txnNumber"]) for command in commands]


async def test_everything_is_in_the_transaction(server: FakeServer, store: MongoStore) -> None:
    """Every operation of a commit carries one session and one transaction, of which the first begins a snapshot."""
    await commit(store)
    assert server.names() == COMMIT
    first, *others = server.commands
    assert first["startTransaction"] is True
    assert first["readConcern"]["level"] == "snapshot"
    for command in server.commands:
        assert command["autocommit"] is False
        assert command["lsid"] == first["lsid"]
        assert command["txnNumber"] == first["txnNumber"]
    assert not any("startTransaction" in command for command in others)


async def test_durability(server: FakeServer, store: MongoStore) -> None:
    """The transaction is committed with majority and journal, and no operation within it says anything else."""
    await commit(store)
    assert server.commands[-1]["writeConcern"] == {"w": "majority", "j": True}
    assert not any("writeConcern" in command for command in server.commands[:-1])


async def test_the_head_moves_by_compare_and_set(server: FakeServer, store: MongoStore) -> None:
    """The head is set to the new number only where it still has the old one and nobody holds the database."""
    await commit(store)
    [update] = server.commands[4]["updates"]
    assert {"_id": "head", "seq": 0, "holder": None}.items() <= update["q"].items()
    assert update["u"]["$set"]["seq"] == 1
    assert (await store.head()).seq == 1


@pytest.mark.parametrize("place", range(5), ids=COMMIT[:5])
async def test_a_transient_error_repeats_the_whole_commit(server: FakeServer, store: MongoStore, place: int) -> None:
    """Wherever a transient error strikes, the transaction is aborted and everything is done anew, guards included."""
    answers: list[Answer | None] = [None] if COMMIT[:place].count(COMMIT[place]) else []
    server.script[COMMIT[place]] = [*answers, transient()]
    await commit(store)
    assert server.names() == [*COMMIT[: place + 1], "abortTransaction", *COMMIT]
    numbers = transactions(server.commands)
    assert len(set(numbers[: place + 2])) == 1
    assert set(numbers[place + 2 :]) == {numbers[0] + 1}


async def test_a_lost_connection_repeats_the_whole_commit(server: FakeServer, store: MongoStore) -> None:
    """A connection that breaks in the middle is a transient error as well."""
    server.script["insert"] = [cut]
    await commit(store)
    assert server.names()[-len(COMMIT) :] == COMMIT
    assert (await store.head()).seq == 1


async def test_guards_are_evaluated_anew(server: FakeServer, store: MongoStore) -> None:
    """A guard that held before a transient error may fail after it, and then nothing is written."""
    match = {"cursor": {"id": 0, "ns": "x.y", "firstBatch": [{"_id": 1, "type": "Group", "id": "b"}]}, "ok": 1.0}
    server.script["insert"] = [transient()]
    server.script["find"] = [None, None, None, lambda _: match]
    with pytest.raises(GuardFailed):
        await store.commit([put("a")], [GUARD])
    assert server.names().count("insert") == 1
    assert (await store.head()).seq == 0


async def test_an_unknown_result_is_asked_for_again(server: FakeServer, store: MongoStore) -> None:
    """Where the answer to the commit gets lost, the same transaction is committed again until there is an answer."""
    server.script["commitTransaction"] = [cut, cut, refused(91), None]
    await commit(store)
    assert server.names() == [*COMMIT, *["commitTransaction"] * (len(server.commands) - len(COMMIT))]
    assert len(server.commands) > len(COMMIT) + 2
    assert len(set(transactions(server.commands))) == 1
    assert server.commands[-1]["writeConcern"]["w"] == "majority"
    assert (await store.head()).seq == 1


async def test_an_unknown_result_that_was_a_failure(server: FakeServer, store: MongoStore) -> None:
    """Where the second answer is that there is no such transaction, the whole commit is made again."""
    server.script["commitTransaction"] = [cut, transient(251)]
    await commit(store)
    assert server.names()[-len(COMMIT) :] == COMMIT
    assert len(set(transactions(server.commands))) == 2
    assert (await store.head()).seq == 1


async def test_an_error_for_good(server: FakeServer, store: MongoStore) -> None:
    """An error that is not transient is told to the caller, with the driver's as its cause; the next commit is made."""
    server.script["insert"] = [refused(13)]
    with pytest.raises(Unavailable) as failure:
        await store.commit([put("a")])
    assert type(failure.value.__cause__).__module__ == "pymongo.errors"
    assert "abortTransaction" in server.names()
    assert (await store.head()).seq == 0
    await commit(store)


async def test_a_group_is_one_transaction(server: FakeServer, store: MongoStore) -> None:
    """Commits asked for at once share a transaction and a move of the head, and have a number each."""
    outcomes = await asyncio.gather(*(store.commit([put(f"r{number}")]) for number in range(50)))
    assert server.names() == ["findAndModify", "find", "insert", "update", "commitTransaction"]
    versions = [outcome[0].version for outcome in outcomes]
    assert [version.seq for version in versions if version] == list(range(1, 51))
    assert len(server.commands[2]["documents"]) == 50
    assert (await store.head()).seq == 50


async def test_reads_are_of_what_the_majority_has(server: FakeServer, store: MongoStore) -> None:
    """Reads ask for what a majority holds and so can never be rolled back."""
    assert await store.head() == Head(0, 0)
    await store.read("Group", "a")
    assert {command["readConcern"]["level"] for command in server.commands} == {"majority"}


@pytest.mark.parametrize("what", ["head", "read", "search", "count", "history", "scan", "tail"])
async def test_errors_of_reads(server: FakeServer, store: MongoStore, what: str) -> None:
    """Whatever the driver raises in a read becomes ``Unavailable``, with the driver's error as its cause."""
    server.script["find"] = [refused(13)]
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "head": store.head,
        "read": lambda: store.read("Group", "a"),
        "search": lambda: store.search(Query(()), limit=1),
        "count": lambda: store.count(Query(())),
        "history": lambda: store.history_count(HistoryQuery()),
        "scan": lambda: anext(store.scan()),
        "tail": lambda: anext(store.tail(0)),
    }
    with pytest.raises(Unavailable) as failure:
        await calls[what]()
    assert type(failure.value.__cause__).__module__ == "pymongo.errors"


async def test_server_without_transactions() -> None:
    """A server without transactions is refused, with both ways out in the message, before anything is written."""
    async with FakeServer(replicated=False).running() as server:
        with pytest.raises(Unavailable, match=r"replica set.*mongo_transactions=off"):
            await open_store(server.url)
        assert server.commands == []


async def test_database_held_by_one_process() -> None:
    """A database that a living process has in single-writer mode is refused to one that has transactions as well."""
    async with FakeServer().running() as server:
        server.head["holder"] = "someone"

        def alive(_: Document) -> Document:
            server.head["beat"] += 1
            return {"cursor": {"id": 0, "ns": "x.y", "firstBatch": [dict(server.head)]}, "ok": 1.0}

        server.script["find"] = [None, *[alive] * 9]
        with pytest.raises(Locked):
            await open_store(server.url)


async def test_database_left_by_a_dead_process() -> None:
    """Where that process is dead, what it left is undone and the database is free for all."""
    async with FakeServer().running() as server:
        server.head["holder"] = "someone"
        store = await open_store(server.url)
        await store.close()
    claim, free = (command["updates"][0] for command in server.commands if _is_update(command))
    assert claim["q"] == {name: server.head[name] for name in ("_id", "holder", "beat", "claims")}
    assert free["u"] == {"$set": {"holder": None}}
    assert server.names().count("delete") == 1


def _is_update(command: Document) -> bool:
    return "update" in command and not command["updates"][0].get("upsert")


async def test_commit_while_one_process_holds_the_database(server: FakeServer, store: MongoStore) -> None:
    """Once a process has taken the database for itself, every commit of another is refused and changes nothing."""
    server.script["findAndModify"] = [lambda _: {"value": None, "ok": 1.0}]
    with pytest.raises(Locked):
        await store.commit([put("a")])
    assert server.names() == ["findAndModify", "abortTransaction"]
    assert server.commands[0]["query"] == {"_id": "head", "holder": None}


async def test_no_server() -> None:
    """Where no server answers, opening says so."""
    with pytest.raises(Unavailable):
        await open_store("mongodb://%2Fnowhere%2Fmongodb.sock/?serverSelectionTimeoutMS=100")


@pytest.mark.parametrize("url", ["mongodb://", "http://localhost/", "mongodb://localhost:port/"])
async def test_bad_url(url: str) -> None:
    """A URL that is none is told as what it is."""
    with pytest.raises(Unavailable):
        await open_store(url)
