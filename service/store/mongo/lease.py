"""The single-writer mode: who holds it, how it is taken over from the dead, and what they left is undone.

Signs of life are counted and not dated, so that no two clocks need to agree: a holder whose count stands still for the
length of its lease, on the clock of whoever waits, is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from typing import Final

from bson import Int64
from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from service.errors import Locked, Unavailable
from service.store.mongo.documents import NEVER
from service.store.mongo.driver import Collection, Database, Document
from service.store.mongo.schema import HEAD, registry_of, versions_of
from service.store.mongo.translate import first_position

LEASE_SECONDS: Final = 10.0
"""Silence after which a holder is taken for dead: how long a restart after a crash waits."""
_BEATS: Final = 5
"""Signs of life per lease."""
_CHUNK: Final = 1000

_log: Final = logging.getLogger(__name__)


def locked() -> Locked:
    """Return the error of a second process."""
    return Locked(
        "Another process has this database open in single-writer mode (mongo_transactions=off), which is for one"
        " process at a time. Stop it, or run MongoDB as a replica set, where any number of processes may write."
    )


class Lease:
    """The right to be the only process that has the database open; kept up by a task of its own."""

    def __init__(self, database: Database, *, seconds: float = LEASE_SECONDS):
        self._registry = registry_of(database)
        self._versions = versions_of(database)
        self._seconds = seconds
        self._beating: asyncio.Task[None] | None = None
        self.holder: Final = secrets.token_hex(8)

    async def take(self) -> None:
        """Become the holder and undo what a dead one left half done.

        Raises :class:`Locked` where the holder is alive, or someone else was faster.
        """
        head = await find_head(self._registry)
        expected: Document = {"_id": HEAD, "holder": None}
        if head["holder"] is not None and await self._is_dead(head):
            expected = {name: head[name] for name in ("_id", "holder", "beat", "claims")}
        taken = await self._registry.update_one(
            expected, {"$set": {"holder": self.holder, "lease": self._seconds}, "$inc": {"claims": 1}}
        )
        if not taken.matched_count:
            raise locked()
        await undo(self._versions, (await find_head(self._registry))["seq"])
        self._beating = asyncio.create_task(self._beat())

    async def release(self, *, clean: bool = True) -> None:
        """Stop; where something is left to be undone (not ``clean``), keep the name on it for the next to see."""
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None
            if clean:
                await self._let_go()

    async def _let_go(self) -> None:
        try:
            await self._registry.update_one({"_id": HEAD, "holder": self.holder}, {"$set": {"holder": None}})
        except PyMongoError as problem:
            _log.warning("The single-writer mode could not be left, so the next start waits for a while: %s", problem)

    async def _is_dead(self, head: Document) -> bool:
        """Watch the holder for the length of its lease; false where it has let go meanwhile."""
        signs = ("holder", "beat", "claims")
        deadline = time.monotonic() + head["lease"]
        while (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(left, head["lease"] / (2 * _BEATS)))
            now = await find_head(self._registry)
            if now["holder"] is None:
                return False
            if any(now[sign] != head[sign] for sign in signs):
                raise locked()
        return True

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / _BEATS)
            try:
                beaten = await self._registry.update_one({"_id": HEAD, "holder": self.holder}, {"$inc": {"beat": 1}})
            except PyMongoError as problem:
                _log.warning("MongoDB does not take the sign of life of its single writer: %s", problem)
                continue
            if not beaten.matched_count:
                _log.error("Another process has taken over the database; this one can no longer write.")
                return


async def find_head(registry: Collection) -> Document:
    """Return the head document."""
    head = await registry.find_one({"_id": HEAD})
    if head is None:
        raise Unavailable("The database is no longer a registry: it has lost its head document.")
    return head


async def undo(versions: Collection, seq: int) -> None:
    """Take back whatever lies beyond a seq, as if it had never begun; may be interrupted and repeated.

    A version is superseded only once its successor is there, so the successors tell what is to be set free; they go
    last.
    """
    beyond = {"_id": {"$gte": first_position(seq + 1)}}
    steps: list[UpdateOne] = []
    async with versions.find(beyond, {"type": 1, "id": 1, "version": 1}) as cursor:
        async for document in cursor:
            steps.append(_set_free(document, seq))
            if len(steps) == _CHUNK:
                await versions.bulk_write(steps, ordered=False)
                steps.clear()
    if steps:
        await versions.bulk_write(steps, ordered=False)
    await versions.delete_many(beyond)


def _set_free(successor: Document, seq: int) -> UpdateOne:
    return UpdateOne(
        {
            "type": successor["type"],
            "id": successor["id"],
            "_id": {"$lt": first_position(seq + 1)},
            "until": {"$gt": Int64(seq), "$lt": NEVER},
        },
        {"$set": {"until": NEVER, "ended": NEVER}},
    )
