"""A group of commits: each has its own seq, all move the head together.

What the group needs to know of current versions is read once; what it writes is sent when a guard has to see it, or at
the end. Nothing of a commit is kept before all its guards have held, so one that fails leaves no trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import time as now
from typing import Final

from bson import Int64
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from service.errors import RegistryError, TooLarge, Unavailable
from service.store.base import (
    SEQ_BITS,
    Change,
    Committed,
    Effect,
    Guard,
    GuardFailed,
    Matches,
    NotRestorable,
    Restored,
    Version,
    VersionIs,
    instant_text,
)
from service.store.mongo.documents import NEVER, VERSION_FIELDS, decode, encode
from service.store.mongo.driver import Collection, Document
from service.store.mongo.find import Finder
from service.store.mongo.translate import of_resources, visible
from service.store.restoring import Places

Key = tuple[str, str]

KEYS_AT_ONCE: Final = 5000
"""Resources that one command asks for, well below the size of a command."""


@dataclass(frozen=True, slots=True)
class Job:
    """A commit that waits for its outcome."""

    changes: Sequence[Change]
    guards: Sequence[Guard]
    done: asyncio.Future[list[Committed]]

    @property
    def size(self) -> int:
        """Bytes of its resources."""
        return sum(len(change.body.prefix) + len(change.body.suffix) for change in self.changes if change.body)

    @property
    def keys(self) -> Iterable[Key]:
        """The resources whose current version it asks for."""
        yield from ((change.type, change.id) for change in self.changes)
        yield from ((guard.type, guard.id) for guard in self.guards if isinstance(guard, VersionIs))


Outcome = list[Committed] | RegistryError


@dataclass(frozen=True, slots=True)
class _Current:
    position: int
    version: int
    digest: bytes | None
    live: bool


@dataclass(frozen=True, slots=True)
class _Step:
    replaced: _Current | None
    change: Change
    version: Version
    document: RawBSONDocument


class Group:
    """The versions of a group on their way into the log, beyond ``head``."""

    def __init__(self, versions: Collection, head: Document, *, session: AsyncClientSession | None):
        self.start: Final = int(head["seq"])
        self.seq = self.start
        self.instant = int(head["instant"])
        self._versions = versions
        self._session = session
        self._current: dict[Key, _Current] = {}
        self._inserts: list[RawBSONDocument] = []
        self._superseded: list[UpdateOne] = []

    async def write(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Do the first two of the three steps: insert, then supersede; the head is the caller's."""
        await self._load(dict.fromkeys(key for job in jobs for key in job.keys))
        outcomes: list[Outcome] = []
        for job in jobs:
            try:
                outcomes.append(await self._add(job))
            except (GuardFailed, TooLarge) as refusal:  # this commit's own; anything else is the whole group's
                outcomes.append(refusal)
        await self._flush()
        return outcomes

    async def restore(self, versions: Sequence[Restored]) -> int:
        """Do the same for versions of another registry; return how many are new, see :meth:`Store.restore`."""
        await self._load(dict.fromkeys((each.change.type, each.change.id) for each in versions))
        there = await self._there([each for each in versions if (each.change.type, each.change.id) in self._current])
        places = Places(self.seq, self.instant)
        for each in versions:
            change = each.change
            content = each.instant, change.body.digest if change.body else None
            name = change.type, change.id, each.version
            if name in there:
                if there[name] != content:
                    raise NotRestorable.other_content(each)
                continue
            current = self._current.get((change.type, change.id))
            if current is not None and current.version > each.version:
                raise NotRestorable.superseded(each, current.version)
            self._take(_step(change, current, each.version, places.take(each), each.instant))
            there[name] = content
        await self._flush()
        self.seq, self.instant = places.seq, places.instant
        return places.taken

    async def _there(self, versions: Sequence[Restored]) -> dict[tuple[str, str, int], tuple[int, bytes | None]]:
        """Return instant and digest of those versions that there are already."""
        found: dict[tuple[str, str, int], tuple[int, bytes | None]] = {}
        fields = {"_id": 0, "type": 1, "id": 1, "version": 1, "instant": 1, "digest": 1}
        for start in range(0, len(versions), KEYS_AT_ONCE):
            asked = [
                {"type": each.change.type, "id": each.change.id, "version": each.version}
                for each in versions[start : start + KEYS_AT_ONCE]
            ]
            async with self._versions.find({"$or": asked}, fields, session=self._session) as cursor:
                async for each in cursor:
                    found[each["type"], each["id"], each["version"]] = int(each["instant"]), each["digest"]
        return found

    async def _load(self, keys: Iterable[Key]) -> None:
        pending = list(keys)
        for start in range(0, len(pending), KEYS_AT_ONCE):
            asked = {**of_resources(pending[start : start + KEYS_AT_ONCE]), **visible(self.start)}
            fields = {"type": 1, "id": 1, "version": 1, "digest": 1, "live": 1}
            async with self._versions.find(asked, fields, session=self._session) as cursor:
                async for found in cursor:
                    self._current[found["type"], found["id"]] = _Current(
                        found["_id"], found["version"], found["digest"], found["live"]
                    )

    async def _add(self, job: Job) -> list[Committed]:
        for guard in job.guards:
            if not await self._holds(guard):
                raise GuardFailed(guard)
        seq, instant = self.seq + 1, max(self.instant, int(now() * 1000))
        committed: list[Committed] = []
        steps: list[_Step] = []
        for change in job.changes:
            current = self._current.get((change.type, change.id))
            if _changes_nothing(change, current):
                committed.append(Committed(await self._read(current), "unchanged"))
                continue
            number = current.version + 1 if current else 1
            step = _step(change, current, number, seq << SEQ_BITS | len(steps), instant)
            steps.append(step)
            committed.append(Committed(step.version, _effect(change, current)))
        if steps:  # nothing can refuse the commit from here on
            self.seq, self.instant = seq, instant
            for step in steps:
                self._take(step)
        return committed

    async def _holds(self, guard: Guard) -> bool:
        if isinstance(guard, Matches):
            return await self._matches(guard)
        current = self._current.get((guard.type, guard.id))
        return (current.version if current and current.live else None) == guard.version

    async def _matches(self, guard: Matches) -> bool:
        await self._flush()  # the query must see the commits before this one
        finder = Finder(self._versions, self.seq, self._session)
        return await finder.names(guard.query, len(guard.expected) + 1) == guard.expected

    async def _read(self, current: _Current | None) -> Version | None:
        if current is None:
            return None
        await self._flush()
        found = await self._versions.find_one({"_id": current.position}, VERSION_FIELDS, session=self._session)
        return None if found is None else decode(found)

    def _take(self, step: _Step) -> None:
        version, body = step.version, step.change.body
        self._inserts.append(step.document)
        if step.replaced is not None:
            self._superseded.append(
                UpdateOne(
                    {"_id": step.replaced.position, "until": NEVER},
                    {"$set": {"until": Int64(version.seq), "ended": Int64(version.instant)}},
                )
            )
        self._current[version.type, version.id] = _Current(
            version.position, version.version, body.digest if body else None, body is not None
        )

    async def _flush(self) -> None:
        inserts, superseded = self._inserts, self._superseded
        self._inserts, self._superseded = [], []
        if inserts:
            await self._versions.insert_many(inserts, session=self._session)
        if superseded:
            result = await self._versions.bulk_write(superseded, ordered=False, session=self._session)
            if result.matched_count != len(superseded):
                raise Unavailable("Something other than a registry has written to this database.")


def _changes_nothing(change: Change, current: _Current | None) -> bool:
    if change.body is None:
        return current is None or not current.live
    return current is not None and current.live and current.digest == change.body.digest


def _effect(change: Change, current: _Current | None) -> Effect:
    if change.body is None:
        return "deleted"
    return "updated" if current is not None and current.live else "created"


def _step(change: Change, current: _Current | None, number: int, position: int, instant: int) -> _Step:
    json = change.body.render(number, instant_text(instant)) if change.body else None
    version = Version(change.type, change.id, number, position, change.method, instant, json)
    return _Step(current, change, version, encode(version, change))
