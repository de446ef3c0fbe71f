"""The one writer: a thread that commits what has been asked for in groups.

Every commit keeps its own seq, and a guard that fails undoes its own commit alone, but a group shares one transaction
and so one flush to the disk. Several processes may each have a writer: SQLite lets one at a time in, and each reads the
head inside of its transaction.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import pairwise
from queue import Empty, SimpleQueue
from typing import Final

from service.errors import RegistryError, TooLarge, Unavailable
from service.search.rows import Row
from service.store.base import (
    MAX_CHANGES,
    SEQ_BITS,
    Change,
    Committed,
    Effect,
    Guard,
    GuardFailed,
    Matches,
    Method,
    NotRestorable,
    Restored,
    Version,
    VersionIs,
    instant_text,
)
from service.store.restoring import Places
from service.store.sqlite.find import Finder
from service.store.sqlite.index_rows import IndexRows
from service.store.sqlite.sql import Moment

GROUP_SIZE: Final = 256
"""Commits that share one flush at the most, so that the first of them does not wait for ever."""

_INSERT_VERSION: Final = "INSERT INTO version VALUES (?, ?, ?, ?, NULL, NULL, ?, ?, ?, ?)"
_SAME: Final = "SELECT instant, digest FROM version WHERE type = ? AND id = ? AND version = ?"
_CURRENT: Final = (
    "SELECT position, version, method, instant, digest, json IS NULL FROM version"
    " WHERE type = ? AND id = ? AND until IS NULL"
)
_NAME: Final = "SELECT type || '/' || id FROM version WHERE position = ?"
_Current = tuple[int, int, Method, int, bytes | None, int]


ROWS_AT_ONCE: Final = 500
"""Versions that are given rows in one step."""


@dataclass(frozen=True, slots=True)
class _Job:
    changes: Sequence[Change]
    guards: Sequence[Guard]
    done: Future[list[Committed]]


@dataclass(frozen=True, slots=True)
class _Restoration:
    versions: Sequence[Restored]
    done: Future[int]


@dataclass(frozen=True, slots=True)
class _Chore:
    """Work on index rows, which is no commit; it returns how much it found to do."""

    work: Callable[[IndexRows], int]
    done: Future[int]


_Work = _Job | _Restoration | _Chore
_Outcome = list[Committed] | int | RegistryError


class Writer:
    """Commits from any thread, one after the other, in groups."""

    def __init__(self, connection: sqlite3.Connection, *, max_resource: int, clock: Callable[[], float] = time.time):
        self._connection = connection
        self._max_resource = max_resource
        self._clock = clock
        self._jobs: SimpleQueue[_Work | None] = SimpleQueue()
        self._rows = IndexRows(connection)
        self._gate = threading.Lock()
        self._closed = False
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def commit(self, changes: Sequence[Change], guards: Sequence[Guard]) -> list[Committed]:
        """Queue a commit and wait for it to be durable; see :meth:`service.store.base.Store.commit`."""
        if len(changes) > MAX_CHANGES:
            raise TooLarge(f"A commit carries {MAX_CHANGES} changes at the most; this one has {len(changes)}.")
        if len({(change.type, change.id) for change in changes}) != len(changes):
            raise ValueError("a resource occurs twice in one commit")
        job = _Job(changes, guards, Future())
        self._put(job)
        # Shielded: a client that goes away does not undo what is being written for it.
        return await asyncio.shield(asyncio.wrap_future(job.done))

    async def restore(self, versions: Sequence[Restored]) -> int:
        """Queue versions of another registry; see :meth:`service.store.base.Store.restore`."""
        if any(one.instant > other.instant for one, other in pairwise(versions)):
            raise ValueError("the versions are not in the order of their instants")
        self._check_sizes([restored.change for restored in versions])
        job = _Restoration(versions, Future())
        self._put(job)
        return await asyncio.shield(asyncio.wrap_future(job.done))

    async def add_rows(self, rows: Sequence[tuple[int, Sequence[Row]]]) -> None:
        """Queue rows for versions already written, step by step."""
        for start in range(0, len(rows), ROWS_AT_ONCE):
            step = rows[start : start + ROWS_AT_ONCE]
            await self._do(lambda index, step=step: index.add_later(step))  # type: ignore[misc]

    async def remove_rows(self, keys: Sequence[str]) -> None:
        """Remove what is under these keys, step by step."""
        for key in keys:
            while await self._do(lambda index, key=key: index.remove(key)):  # type: ignore[misc]
                pass

    async def _do(self, work: Callable[[IndexRows], int]) -> int:
        chore = _Chore(work, Future())
        self._put(chore)
        return await asyncio.shield(asyncio.wrap_future(chore.done))

    def _put(self, job: _Work) -> None:
        with self._gate:
            if self._closed:
                raise Unavailable("The store is closed.")
            self._jobs.put(job)

    def close(self) -> None:
        """Finish what is queued and stop."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while group := self._gather():
            try:
                outcomes: list[_Outcome] = self._write(group)
            except Exception as problem:  # noqa: BLE001  # whatever it is, those who wait must hear of it
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self._rows.forget()  # the rollback may have taken names of keys with it
                error = (
                    problem
                    if isinstance(problem, RegistryError)
                    else Unavailable(f"The store cannot write: {problem}.")
                )
                error.__cause__ = None if error is problem else problem
                outcomes = [error] * len(group)
            for job, outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, RegistryError):
                    job.done.set_exception(outcome)
                else:
                    job.done.set_result(outcome)  # type: ignore[arg-type]  # each kind of job has its outcome

    def _gather(self) -> list[_Work]:
        """Wait for a commit and take those that wait behind it; empty once closed and finished."""
        group: list[_Work] = []
        if self._ending:
            return group
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == GROUP_SIZE:
                return group
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return group
        self._ending = True
        return group

    def _write(self, group: list[_Work]) -> list[_Outcome]:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        self._rows.begin()
        seq, instant = execute("SELECT seq, instant FROM head").fetchone()
        before = seq
        outcomes: list[_Outcome] = []
        for job in group:
            if isinstance(job, _Chore):
                outcomes.append(job.work(self._rows))
                continue
            if isinstance(job, _Restoration):
                restored = self._restore(job.versions, seq, instant)
                if isinstance(restored, RegistryError):
                    outcomes.append(restored)
                else:
                    number, seq, instant = restored
                    outcomes.append(number)
                continue
            now = max(instant, int(self._clock() * 1000))
            try:
                self._check(job, seq)
            except RegistryError as refusal:  # nothing of this job has been written yet
                outcomes.append(refusal)
                continue
            committed = self._apply(job.changes, seq + 1, now)
            if any(each.effect != "unchanged" for each in committed):
                seq, instant = seq + 1, now
            outcomes.append(committed)
        if seq != before:
            execute("UPDATE head SET seq = ?, instant = ?", (seq, instant))
        execute("COMMIT")
        return outcomes

    def _check(self, job: _Job, seq: int) -> None:
        """Raise what forbids this commit, before anything of it is written."""
        self._check_sizes(job.changes)
        for guard in job.guards:
            match guard:
                case VersionIs(type_, id_, version):
                    row = self._connection.execute(_CURRENT, (type_, id_)).fetchone()
                    if (None if row is None or row[5] else row[1]) != version:
                        raise GuardFailed(guard)
                case Matches(query, expected):
                    finder = Finder(self._connection, query, Moment(seq, newest=True), self._rows.number)
                    found = [self._name(position) for position in finder.positions(None, len(expected) + 1)]
                    if set(found) != expected:
                        raise GuardFailed(guard)

    def _check_sizes(self, changes: Sequence[Change]) -> None:
        for change in changes:
            size = len(change.body.prefix) + len(change.body.suffix) if change.body else 0
            if size > self._max_resource:
                raise TooLarge(f"{change.type}/{change.id} has {size} bytes; a resource may have {self._max_resource}.")

    def _name(self, position: int) -> str:
        name: str = self._connection.execute(_NAME, (position,)).fetchone()[0]
        return name

    def _apply(self, changes: Sequence[Change], seq: int, instant: int) -> list[Committed]:
        committed: list[Committed] = []
        place = 0
        for change in changes:
            current = self._connection.execute(_CURRENT, (change.type, change.id)).fetchone()
            if self._is_unchanged(change, current):
                committed.append(Committed(self._version(change, current) if current else None, "unchanged"))
                continue
            number = 1 if current is None else current[1] + 1
            committed.append(self._insert(change, current, number, seq << SEQ_BITS | place, instant))
            place += 1
        self._rows.flush()
        return committed

    def _restore(self, versions: Sequence[Restored], seq: int, instant: int) -> tuple[int, int, int] | RegistryError:
        """Return how many versions are new, and the head after them; or why none of them is written."""
        execute = self._connection.execute
        execute("SAVEPOINT restoration")
        try:
            places = Places(seq, instant)
            for each in versions:
                change = each.change
                same = execute(_SAME, (change.type, change.id, each.version)).fetchone()
                if same is not None:
                    if same != (each.instant, change.body.digest if change.body else None):
                        raise NotRestorable.other_content(each)
                    continue
                current = execute(_CURRENT, (change.type, change.id)).fetchone()
                if current is not None and current[1] > each.version:
                    raise NotRestorable.superseded(each, current[1])
                self._insert(change, current, each.version, places.take(each), each.instant)
            self._rows.flush()
        except NotRestorable as refusal:
            execute("ROLLBACK TO restoration")
            self._rows.forget()
            return refusal
        finally:
            execute("RELEASE restoration")
        return places.taken, places.seq, places.instant

    @staticmethod
    def _is_unchanged(change: Change, current: _Current | None) -> bool:
        if change.body is None:
            return current is None or current[5] == 1
        return current is not None and current[4] == change.body.digest

    def _version(self, change: Change, current: _Current) -> Version:
        position, version, method, instant, _, _ = current
        json = self._connection.execute("SELECT json FROM version WHERE position = ?", (position,)).fetchone()[0]
        return Version(change.type, change.id, version, position, method, instant, json)

    def _insert(self, change: Change, current: _Current | None, version: int, position: int, instant: int) -> Committed:
        execute, body = self._connection.execute, change.body
        effect: Effect = "deleted" if body is None else "created"
        if current is not None:
            if body is not None and not current[5]:
                effect = "updated"
            seq = position >> SEQ_BITS
            execute("UPDATE version SET until = ?, ended = ? WHERE position = ?", (seq, instant, current[0]))
            self._rows.supersede(current[0], seq)
        json = None if body is None else body.render(version, instant_text(instant))
        digest = None if body is None else body.digest
        execute(_INSERT_VERSION, (position, change.type, change.id, version, change.method, instant, digest, json))
        self._rows.insert(change.rows, position)
        return Committed(Version(change.type, change.id, version, position, change.method, instant, json), effect)
