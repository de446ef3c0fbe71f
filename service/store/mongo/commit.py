"""The writer: a task that commits in groups what has been asked for, in one of two ways.

With transactions a group is one native transaction with majority write concern, and any number of processes write:
claiming the head document first makes one of two conflicting groups fail at once and start again. Without, the order of
the same steps keeps every commit whole, and the lease keeps every other process out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from bson import Int64
from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from service.errors import RegistryError, TooLarge, Unavailable
from service.store.base import MAX_CHANGES, Change, Committed, Guard
from service.store.mongo.driver import Client, Database, Document, mapped
from service.store.mongo.group import Group, Job, Outcome
from service.store.mongo.lease import Lease, find_head, locked, undo
from service.store.mongo.schema import HEAD, registry_of, versions_of

GROUP_COMMITS: Final = 256
"""Commits that share one move of the head at the most, so that the first of them does not wait for ever."""
GROUP_BYTES: Final = 8 * 1024 * 1024
"""Bytes of resources after which a group takes no more commits: a transaction has a minute."""


class Writer:
    """Commits one group after the other; ``lease`` None: with transactions."""

    def __init__(self, client: Client, database: Database, *, lease: Lease | None, max_resource: int):
        self._client = client
        self._versions = versions_of(database)
        self._registry = registry_of(database)
        self._lease = lease
        self._max_resource = max_resource
        self._jobs: deque[Job] = deque()
        self._wake = asyncio.Event()
        self._closed = False
        self._settled = True
        self._task = asyncio.create_task(self._run())

    async def commit(self, changes: Sequence[Change], guards: Sequence[Guard]) -> list[Committed]:
        """Queue a commit and wait for it to be durable; see :meth:`service.store.base.Store.commit`."""
        if len(changes) > MAX_CHANGES:
            raise TooLarge(f"A commit carries {MAX_CHANGES} changes at the most; this one has {len(changes)}.")
        if len({(change.type, change.id) for change in changes}) != len(changes):
            raise ValueError("a resource occurs twice in one commit")
        self._check_sizes(changes)
        if self._closed:
            raise Unavailable("The store is closed.")
        job = Job(changes, guards, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._wake.set()
        # Shielded: a client that goes away does not undo what is being written for it.
        return await asyncio.shield(job.done)

    async def close(self) -> bool:
        """Finish what is queued and stop; tell whether everything in the log is settled."""
        self._closed = True
        self._wake.set()
        await self._task
        if not self._settled:
            with suppress(PyMongoError, RegistryError):
                await self._settle()
        return self._settled

    def _check_sizes(self, changes: Sequence[Change]) -> None:
        for change in changes:
            size = len(change.body.prefix) + len(change.body.suffix) if change.body else 0
            if size > self._max_resource:
                raise TooLarge(f"{change.type}/{change.id} has {size} bytes; a resource may have {self._max_resource}.")

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            while group := self._gather():
                outcomes = await self._outcomes(group)
                for job, outcome in zip(group, outcomes, strict=True):
                    if job.done.cancelled():
                        continue
                    if isinstance(outcome, RegistryError):
                        job.done.set_exception(outcome)
                    else:
                        job.done.set_result(outcome)
            if self._closed:
                return
            self._wake.clear()

    def _gather(self) -> list[Job]:
        group: list[Job] = []
        size = 0
        while self._jobs and len(group) < GROUP_COMMITS and size < GROUP_BYTES:
            job = self._jobs.popleft()
            size += job.size
            group.append(job)
        return group

    async def _outcomes(self, group: list[Job]) -> list[Outcome]:
        try:
            with mapped():
                return await (self._write_alone(group) if self._lease else self._write_together(group))
        except RegistryError as error:
            return [error] * len(group)
        except Exception as problem:  # noqa: BLE001  # whatever it is, those who wait must hear of it
            failure = Unavailable(f"The store cannot write: {problem!r}")
            failure.__cause__ = problem
            return [failure] * len(group)

    async def _write_together(self, group: list[Job]) -> list[Outcome]:
        async def attempt(session: AsyncClientSession) -> list[Outcome]:
            batch = Group(self._versions, await self._claim(session), session=session)
            outcomes = await batch.write(group)
            await self._move_head(batch, session)
            return outcomes

        async with self._client.start_session() as session:
            # Runs the attempt again after a transient error and the commit again while its result is unknown.
            return await session.with_transaction(
                attempt,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", j=True),
                read_preference=ReadPreference.PRIMARY,
            )

    async def _write_alone(self, group: list[Job]) -> list[Outcome]:
        if not self._settled:
            await self._settle()
        head = await self._claim(None)
        batch = Group(self._versions, head, session=None)
        self._settled = False
        try:
            outcomes = await batch.write(group)
            await self._move_head(batch, None, claims=head["claims"])
        except PyMongoError:
            # An answer that got lost is no failure: where the head has moved, all of it has happened.
            if await self._settle() != batch.seq or batch.seq == batch.start:
                raise
        self._settled = True
        return outcomes

    async def _claim(self, session: AsyncClientSession | None) -> Document:
        """Return the head, seen to be ours to move."""
        head = await self._registry.find_one_and_update(
            {"_id": HEAD, "holder": self._lease.holder if self._lease else None},
            {"$inc": {"claims": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if head is None:
            raise locked()
        return head

    async def _move_head(self, batch: Group, session: AsyncClientSession | None, **expected: int) -> None:
        """Compare and set: the third step."""
        if batch.seq == batch.start:
            return
        moved = await self._registry.update_one(
            {
                "_id": HEAD,
                "seq": Int64(batch.start),
                "holder": self._lease.holder if self._lease else None,
                **expected,
            },
            {"$set": {"seq": Int64(batch.seq), "instant": Int64(batch.instant)}},
            session=session,
        )
        if not moved.matched_count:
            raise locked()

    async def _settle(self) -> int:
        """Undo what lies beyond the head, and return where that is."""
        # The claim comes first: a move of the head that is still on its way can then no longer arrive.
        await self._claim(None)
        seq = int((await find_head(self._registry))["seq"])
        await undo(self._versions, seq)
        self._settled = True
        return seq
