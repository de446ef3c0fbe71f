"""The store protocol (``service/store/base.py``) on MongoDB."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Literal

from pymongo import ASCENDING, DESCENDING

from service.errors import Unavailable
from service.search.query import EVERYTHING, Query
from service.search.rows import Row
from service.store.base import MAX_RESOURCE_SIZE, Change, Committed, Guard, Head, HistoryQuery, Restored, Version
from service.store.mongo.commit import Writer
from service.store.mongo.documents import VERSION_FIELDS, decode
from service.store.mongo.driver import Client, Database, Document, connect, database_of, has_transactions, mapped
from service.store.mongo.find import Finder
from service.store.mongo.group import KEYS_AT_ONCE
from service.store.mongo.lease import LEASE_SECONDS, Lease, find_head
from service.store.mongo.schema import prepare, registry_of, versions_of
from service.store.mongo.translate import first_position, of_history, of_resources, visible, where

BATCH: Final = 200
"""Versions that a stream reads at once; between two batches it holds nothing open on the server."""


async def open_store(
    url: str,
    *,
    transactions: Literal["on", "off"] = "on",
    max_resource_size: int = MAX_RESOURCE_SIZE,
    lease_seconds: float = LEASE_SECONDS,
) -> MongoStore:
    """Open the registry in the database that the URL names (``trial_registry`` where it names none).

    ``transactions="off"`` is the single-writer mode: the database then belongs to this process alone. After a crash the
    next one waits for up to ``lease_seconds`` before it takes over.

    Raises :class:`Unavailable` where no server answers or the server has no transactions and the mode was not chosen,
    and :class:`service.errors.Locked` where another process has the database in single-writer mode.
    """
    client = connect(url, transactions=transactions == "on")
    try:
        with mapped():
            database = database_of(client)
            if transactions == "on" and not await has_transactions(client):
                raise Unavailable(
                    "This MongoDB server has no transactions, without which several processes cannot write safely."
                    " Either run it as a replica set (one node will do), or choose the single-writer mode with the"
                    " setting mongo_transactions=off; then only one process may use the database."
                )
            secret = await prepare(database)
            lease = Lease(database, seconds=lease_seconds)
            if transactions == "off":
                await lease.take()
            elif (await find_head(registry_of(database)))["holder"] is not None:
                await lease.take()  # from a process in the other mode, if it is dead
                await lease.release()
        return MongoStore(client, database, secret, lease if transactions == "off" else None, max_resource_size)
    except BaseException:
        await client.close()
        raise


class MongoStore:
    """A store in one MongoDB database; made by :func:`open_store`."""

    def __init__(self, client: Client, database: Database, secret: bytes, lease: Lease | None, max_resource_size: int):
        self._client = client
        self._registry = registry_of(database)
        self._versions = versions_of(database)
        self._secret = secret
        self._lease = lease
        self._writer = Writer(client, database, lease=lease, max_resource=max_resource_size)

    @property
    def secret(self) -> bytes:
        """Thirty-two random bytes, made with the store."""
        return self._secret

    async def head(self) -> Head:
        """Return the newest commit."""
        with mapped():
            head = await find_head(self._registry)
        return Head(int(head["seq"]), int(head["instant"]))

    async def commit(self, changes: Sequence[Change], guards: Sequence[Guard] = ()) -> list[Committed]:
        """Write all changes or none, as one commit."""
        return await self._writer.commit(changes, guards)

    async def restore(self, versions: Sequence[Restored]) -> int:
        """Write versions of another registry as they are there."""
        return await self._writer.restore(versions)

    async def add_rows(self, rows: Sequence[tuple[int, Sequence[Row]]]) -> None:
        """Add index rows to versions already written."""
        await self._writer.add_rows(rows)

    async def remove_rows(self, keys: Sequence[str]) -> None:
        """Remove all index rows under these keys."""
        await self._writer.remove_rows(keys)

    async def read(self, type_: str, id_: str, at: int | None = None) -> Version | None:
        """Return the version visible at a seq, or None."""
        return await self._find_one({"type": type_, "id": id_, **visible(await self._seq(at))})

    async def read_version(self, type_: str, id_: str, version: int) -> Version | None:
        """Return one version, or None."""
        # What lies beyond the head has not happened, even where it can be found already.
        bound = first_position(await self._seq(None) + 1)
        return await self._find_one({"type": type_, "id": id_, "version": version, "_id": {"$lt": bound}})

    async def read_many(self, keys: Sequence[tuple[str, str]], at: int | None = None) -> dict[tuple[str, str], Version]:
        """Return the visible versions of these resources."""
        seq = await self._seq(at)
        found: dict[tuple[str, str], Version] = {}
        for start in range(0, len(keys), KEYS_AT_ONCE):
            asked = {**of_resources(keys[start : start + KEYS_AT_ONCE]), **visible(seq)}
            found.update(((version.type, version.id), version) for version in await self._find(asked, ASCENDING))
        return found

    async def search(
        self, query: Query, at: int | None = None, *, after: int | None = None, limit: int
    ) -> list[Version]:
        """Return up to ``limit`` matches in the order of the query."""
        seq = await self._seq(at)
        with mapped():
            return await Finder(self._versions, seq).search(query, after, limit)

    async def count(self, query: Query, at: int | None = None, *, limit: int | None = None) -> int:
        """Return the number of matches, counted up to the limit."""
        seq = await self._seq(at)
        with mapped():
            return await Finder(self._versions, seq).count(query, limit)

    async def history(
        self, query: HistoryQuery, at: int | None = None, *, before: int | None = None, limit: int
    ) -> list[Version]:
        """Return up to ``limit`` versions, newest first."""
        document = of_history(query, await self._seq(at))
        if before is not None:
            document["_id"] = {"$lt": min(before, document["_id"]["$lt"])}
        return await self._find(document, DESCENDING, limit)

    async def history_count(self, query: HistoryQuery, at: int | None = None) -> int:
        """Return the number of versions."""
        document = of_history(query, await self._seq(at))
        with mapped():
            return await self._versions.count_documents(document)

    async def scan(self, types: Sequence[str] = (), *, since: int = 0, at: int | None = None) -> AsyncIterator[Version]:
        """Stream the current resources written after a seq."""
        async for version in self._stream(where(types, EVERYTHING, await self._seq(at)), since):
            yield version

    async def tail(self, after: int) -> AsyncIterator[Version]:
        """Stream every version after a seq."""
        async for version in self._stream(of_history(HistoryQuery(), await self._seq(None)), after):
            yield version

    async def health(self) -> None:
        """Return if the store can be read and written."""
        await self._writer.commit((), ())

    async def close(self) -> None:
        """Finish the commits under way and let go of the database."""
        settled = await self._writer.close()
        if self._lease is not None:
            await self._lease.release(clean=settled)
        await self._client.close()

    async def _seq(self, at: int | None) -> int:
        """Return the seq to read at: never beyond the head, where commits are under way."""
        head = (await self.head()).seq
        return head if at is None else min(at, head)

    async def _find_one(self, document: Document) -> Version | None:
        with mapped():
            found: Mapping[str, Any] | None = await self._versions.find_one(document, VERSION_FIELDS)
        return None if found is None else decode(found)

    async def _find(self, document: Document, direction: int, limit: int | None = None) -> list[Version]:
        if limit is not None and limit <= 0:  # to MongoDB, 0 is no limit
            return []
        with mapped():
            async with self._versions.find(document, VERSION_FIELDS).sort("_id", direction).limit(limit or 0) as cursor:
                return [decode(found) async for found in cursor]

    async def _stream(self, document: Document, after: int) -> AsyncIterator[Version]:
        bound = document["_id"]
        position = first_position(after + 1) - 1
        while batch := await self._find({**document, "_id": {"$gt": position, **bound}}, ASCENDING, BATCH):
            for version in batch:
                yield version
            position = batch[-1].position
