"""The writer: a task that commits in groups what has been asked for, in one of two ways.

With transactions a group is one native transaction with majority write concern, and any number of processes write:
claiming the head document first makes one of two conflicting groups fail at once and start again. Without, the order of
the same steps keeps every commit whole, and the lease keeps every other process out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar

from bson import Int64
from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from service.errors import RegistryError, TooLarge, Unavailable
from service.search.rows import Row
from service.store.base import MAX_CHANGES, Change, Committed, Guard, Restored
from service.store.mongo import reindex
from service.store.mongo.driver import Client, Collection, Database, Document, mapped
from service.store.mongo.group import Group, Job, Outcome
from service.store.mongo.lease import Lease, find_head, locked, undo
from service.store.mongo.schema import HEAD, registry_of, versions_of

GROUP_COMMITS: Final = 256
"""Commits that share one move of the head at the most, so that the first of them does not wait for ever."""
GROUP_BYTES: Final = 8 * 1024 * 1024
"""Bytes of resources after which a group takes no more commits: a transaction has a minute."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Restoration:
    """Versions of another registry, and how many of them are new once they are written."""

    versions: Sequence[Restored]
    done: asyncio.Future[int]


@dataclass(frozen=True, slots=True)
class Chore:
    """Work on index rows, which is no commit; it returns how much it found to do."""

    work: Callable[[Collection, AsyncClientSession | None], Awaitable[int]]
    done: asyncio.Future[int]


class Writer:
    """Commits one group after the other; ``lease`` None: with transactions."""

    def __init__(self, client: Client, database: Database, *, lease: Lease | None, max_resource: int):
        self._client = client
        self._versions = versions_of(database)
        self._registry = registry_of(database)
        self._lease = lease
        self._max_resource = max_resource
        self._jobs: deque[Job | Restoration | Chore] = deque()
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
        job = Job(changes, guards, asyncio.get_running_loop().create_future())
        self._put(job)
        # Shielded: a client that goes away does not undo what is being written for it.
        return await asyncio.shield(job.done)

    async def restore(self, versions: Sequence[Restored]) -> int:
        """Queue versions of another registry; see :meth:`service.store.base.Store.restore`."""
        if any(one.instant > other.instant for one, other in pairwise(versions)):
            raise ValueError("the versions are not in the order of their instants")
        self._check_sizes([restored.change for restored in versions])
        job = Restoration(versions, asyncio.get_running_loop().create_future())
        self._put(job)
        return await asyncio.shield(job.done)

    async def add_rows(self, rows: Sequence[tuple[int, Sequence[Row]]]) -> None:
        """Queue rows for versions already written, step by step."""
        for start in range(0, len(rows), reindex.AT_ONCE):
            step = rows[start : start + reindex.AT_ONCE]
            await self._do(lambda versions, session, step=step: reindex.add(versions, step, session))  # type: ignore[misc]

    async def remove_rows(self, keys: Sequence[str]) -> None:
        """Remove what is under these keys, step by step."""
        for key in keys:
            while await self._do(lambda versions, session, key=key: reindex.remove(versions, key, session)):  # type: ignore[misc]
                pass

    async def _do(self, work: Callable[[Collection, AsyncClientSession | None], Awaitable[int]]) -> int:
        chore = Chore(work, asyncio.get_running_loop().create_future())
        self._put(chore)
        return await asyncio.shield(chore.done)

    def _put(self, job: Job | Restoration | Chore) -> None:
        if self._closed:
            raise Unavailable("The store is closed.")
        self._jobs.append(job)
        self._wake.set()

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
            while self._jobs:
                first = self._jobs[0]
                if isinstance(first, Chore):
                    self._jobs.popleft()
                    await self._tidy(first)
                    continue
                if isinstance(first, Restoration):
                    self._jobs.popleft()
                    versions = first.versions
                    _settle(first.done, await self._written(lambda group, versions=versions: group.restore(versions)))  # type: ignore[misc]
                    continue
                group = self._gather()
                for job, outcome in zip(group, await self._outcomes(group), strict=True):
                    _settle(job.done, outcome)
            if self._closed:
                return
            self._wake.clear()

    def _gather(self) -> list[Job]:
        group: list[Job] = []
        size = 0
        while self._jobs and len(group) < GROUP_COMMITS and size < GROUP_BYTES:
            job = self._jobs[0]
            if not isinstance(job, Job):
                break
            self._jobs.popleft()
            size += job.size
            group.append(job)
        return group

    async def _outcomes(self, group: list[Job]) -> list[Outcome]:
        outcomes = await self._written(lambda batch: batch.write(group))
        return [outcomes] * len(group) if isinstance(outcomes, RegistryError) else outcomes

    async def _written(self, write: Callable[[Group], Awaitable[T]]) -> T | RegistryError:
        return await _attempted(self._write_alone(write) if self._lease else self._write_together(write))

    async def _tidy(self, chore: Chore) -> None:
        async def attempt(session: AsyncClientSession | None) -> int:
            await self._claim(session)  # nobody else writes the same documents meanwhile
            return await chore.work(self._versions, session)

        _settle(chore.done, await _attempted(attempt(None) if self._lease else self._in_transaction(attempt)))

    async def _write_together(self, write: Callable[[Group], Awaitable[T]]) -> T:
        async def attempt(session: AsyncClientSession) -> T:
            batch = Group(self._versions, await self._claim(session), session=session)
            outcomes = await write(batch)
            await self._move_head(batch, session)
            return outcomes

        return await self._in_transaction(attempt)

    async def _in_transaction(self, attempt: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
        async with self._client.start_session() as session:
            # Runs the attempt again after a transient error and the commit again while its result is unknown.
            return await session.with_transaction(
                attempt,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", j=True),
                read_preference=ReadPreference.PRIMARY,
            )

    async def _write_alone(self, write: Callable[[Group], Awaitable[T]]) -> T:
        if not self._settled:
            await self._settle()
        head = await self._claim(None)
        batch = Group(self._versions, head, session=None)
        self._settled = False
        try:
            outcomes = await write(batch)
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


async def _attempted(work: Awaitable[T]) -> T | RegistryError:
    """Return what became of some work, its errors as errors of the store."""
    try:
        with mapped():
            return await work
    except RegistryError as error:
        return error
    except Exception as problem:  # noqa: BLE001  # whatever it is, those who wait must hear of it
        failure = Unavailable(f"The store cannot write: {problem!r}")
        failure.__cause__ = problem
        return failure


def _settle(done: asyncio.Future[T], outcome: T | RegistryError) -> None:
    if done.cancelled():
        return
    if isinstance(outcome, RegistryError):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
