"""The embedded store: one SQLite file, or memory, behind the store protocol (``service/store/base.py``).

Commits go through one writer thread. Point reads, a few microseconds each, are made where they are asked for; whatever
can take longer runs in a small pool of readers. Any number of processes may have the file open.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar
from urllib.parse import quote

from service.errors import Invalid, Unavailable
from service.search.query import Query
from service.search.rows import Row
from service.store.base import (
    MAX_RESOURCE_SIZE,
    SEQ_BITS,
    Change,
    Committed,
    Guard,
    Head,
    HistoryQuery,
    Method,
    Restored,
    Version,
)
from service.store.sqlite.find import Finder
from service.store.sqlite.schema import connect, prepare
from service.store.sqlite.sql import Moment, Sql
from service.store.sqlite.writer import Writer

READERS: Final = 4
BATCH: Final = 500
"""Versions that a stream reads at once; between two batches it holds no lock."""
MANY: Final = 250
"""Keys that one statement of ``read_many`` asks for."""

_COLUMNS: Final = "v.type, v.id, v.version, v.position, v.method, v.instant, v.json"
_CURRENT: Final = f"SELECT {_COLUMNS} FROM version AS v WHERE v.type = ? AND v.id = ? AND v.until IS NULL"  # noqa: S608
_VISIBLE: Final = (
    f"SELECT {_COLUMNS} FROM version AS v"  # noqa: S608
    " WHERE v.type = ? AND v.id = ? AND v.position < ? AND (v.until IS NULL OR v.until > ?)"
)
_VERSION: Final = f"SELECT {_COLUMNS} FROM version AS v WHERE v.type = ? AND v.id = ? AND v.version = ?"  # noqa: S608
_AT: Final = f"""WITH chosen AS (SELECT value FROM json_each(?))
    SELECT {_COLUMNS} FROM chosen CROSS JOIN version AS v NOT INDEXED ON v.position = chosen.value"""  # noqa: S608
_TOO_MUCH: Final = re.compile("parser stack overflow|Expression tree is too large|too many|at most .* tables")

T = TypeVar("T")


async def open_store(path: str | None, *, max_resource_size: int = MAX_RESOURCE_SIZE) -> SqliteStore:
    """Open the registry in a file, making it where there is none; None or an empty path: in memory.

    Raises :class:`Unavailable` where the file cannot be opened or is something else.
    """
    return await asyncio.to_thread(SqliteStore, path, max_resource_size)


class SqliteStore:
    """A store in one SQLite database."""

    def __init__(self, path: str | None, max_resource_size: int = MAX_RESOURCE_SIZE):
        if path:
            Path(path).absolute().parent.mkdir(parents=True, exist_ok=True)
            uri = f"file:{quote(str(Path(path).absolute()))}"
        else:
            uri = f"file:/{uuid.uuid4()}?vfs=memdb"
        name = path or "memory"
        try:
            writing = connect(uri)
            self._secret = prepare(writing, path=name)
            self._direct = connect(uri, read_only=True)
            self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
            for _ in range(READERS):
                self._idle.put(connect(uri, read_only=True))
        except sqlite3.Error as problem:
            raise Unavailable(f"{name} cannot be opened: {problem}.") from problem
        self._keys: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._writer = Writer(writing, max_resource=max_resource_size)

    @property
    def secret(self) -> bytes:
        """Thirty-two random bytes, made with the store."""
        return self._secret

    async def head(self) -> Head:
        """Return the newest commit."""
        return _head(self._direct)

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
        with _mapped():
            if at is None:
                row = self._direct.execute(_CURRENT, (type_, id_)).fetchone()
            else:
                row = self._direct.execute(_VISIBLE, (type_, id_, (at + 1) << SEQ_BITS, at)).fetchone()
        return Version(*row) if row else None

    async def read_version(self, type_: str, id_: str, version: int) -> Version | None:
        """Return one version, or None."""
        with _mapped():
            row = self._direct.execute(_VERSION, (type_, id_, version)).fetchone()
        return Version(*row) if row else None

    async def read_many(self, keys: Sequence[tuple[str, str]], at: int | None = None) -> dict[tuple[str, str], Version]:
        """Return the visible versions of these resources."""

        def work(reader: sqlite3.Connection, moment: Moment) -> dict[tuple[str, str], Version]:
            found: dict[tuple[str, str], Version] = {}
            for start in range(0, len(keys), MANY):
                part = keys[start : start + MANY]
                sql = Sql()
                sql.add(f"SELECT {_COLUMNS} FROM version AS v WHERE (v.type, v.id) IN (VALUES")  # noqa: S608
                sql.add(", ".join(["(?, ?)"] * len(part)), *(text for key in part for text in key))
                sql.add(") AND v.position < ? AND (v.until IS NULL OR v.until > ?)", moment.bound, moment.seq)
                found.update(((row[0], row[1]), Version(*row)) for row in _rows(reader, sql))
            return found

        return await self._read(work, at)

    async def search(
        self, query: Query, at: int | None = None, *, after: int | None = None, limit: int
    ) -> list[Version]:
        """Return up to ``limit`` matches in the order of the query."""

        return await self._read(lambda reader, moment: self._page(reader, query, moment, after, limit), at)

    async def count(self, query: Query, at: int | None = None, *, limit: int | None = None) -> int:
        """Return the number of matches, counted up to the limit."""

        def work(reader: sqlite3.Connection, moment: Moment) -> int:
            if _is_whole_type(query):
                some = _of_type("1", query.types[0], moment).add("LIMIT ?", -1 if limit is None else limit)
                counted = Sql(["SELECT count(*) FROM ("]).take(some).add(")")
                return int(reader.execute(str(counted), counted.parameters).fetchone()[0])
            return self._finder(reader, query, moment).count(limit)

        return await self._read(work, at)

    async def history(
        self, query: HistoryQuery, at: int | None = None, *, before: int | None = None, limit: int
    ) -> list[Version]:
        """Return up to ``limit`` versions, newest first."""

        def work(reader: sqlite3.Connection, moment: Moment) -> list[Version]:
            condition = _history(query, moment)
            sql = Sql([f"SELECT {_COLUMNS} FROM version AS v WHERE {condition}"], condition.parameters)  # noqa: S608
            if before is not None:
                sql.add("AND v.position < ?", before)
            sql.add("ORDER BY v.position DESC LIMIT ?", limit)
            return [Version(*row) for row in _rows(reader, sql)]

        return await self._read(work, at)

    async def history_count(self, query: HistoryQuery, at: int | None = None) -> int:
        """Return the number of versions."""
        return await self._read(lambda reader, moment: _count(reader, _history(query, moment)), at)

    async def scan(self, types: Sequence[str] = (), *, since: int = 0, at: int | None = None) -> AsyncIterator[Version]:
        """Stream the current resources written after a seq."""
        seq = (await self.head()).seq if at is None else at

        def read(reader: sqlite3.Connection, moment: Moment, position: int) -> list[Version]:
            return self._page(reader, Query(tuple(types)), moment, position, BATCH)

        async for version in self._stream(read, (since + 1) << SEQ_BITS, seq):
            yield version

    async def tail(self, after: int) -> AsyncIterator[Version]:
        """Stream every version after a seq."""
        seq = (await self.head()).seq

        def read(reader: sqlite3.Connection, moment: Moment, position: int) -> list[Version]:
            condition = _history(HistoryQuery(), moment)
            sql = Sql([f"SELECT {_COLUMNS} FROM version AS v WHERE {condition}"], condition.parameters)  # noqa: S608
            sql.add("AND v.position > ? ORDER BY v.position LIMIT ?", position, BATCH)
            return [Version(*row) for row in _rows(reader, sql)]

        async for version in self._stream(read, (after + 1) << SEQ_BITS, seq):
            yield version

    async def health(self) -> None:
        """Return if the store can be read and written."""
        await self._writer.commit((), ())
        await self._read(lambda reader, _: _head(reader), None)

    async def close(self) -> None:
        """Finish the commits under way and let go of the file."""
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._pool.shutdown)
        while not self._idle.empty():
            self._idle.get().close()
        self._direct.close()

    async def _stream(
        self, read: Callable[[sqlite3.Connection, Moment, int], list[Version]], start: int, seq: int
    ) -> AsyncIterator[Version]:
        position = start - 1

        def work(reader: sqlite3.Connection, moment: Moment) -> list[Version]:
            return read(reader, moment, position)

        while batch := await self._read(work, seq):
            for version in batch:
                yield version
            position = batch[-1].position

    async def _read(self, work: Callable[[sqlite3.Connection, Moment], T], at: int | None) -> T:
        """Run work in the pool, in one read transaction, at a seq."""

        def run() -> T:
            reader = self._idle.get()
            try:
                with _mapped():
                    reader.execute("BEGIN")
                    try:
                        head = _head(reader).seq
                        seq = head if at is None else min(at, head)
                        return work(reader, Moment(seq, newest=seq == head))
                    finally:
                        reader.execute("ROLLBACK")
            finally:
                self._idle.put(reader)

        return await asyncio.get_running_loop().run_in_executor(self._pool, run)

    def _page(
        self, reader: sqlite3.Connection, query: Query, moment: Moment, after: int | None, limit: int
    ) -> list[Version]:
        if _is_whole_type(query):
            sql = _of_type(_COLUMNS, query.types[0], moment)
            sql.add("AND v.position > ? ORDER BY v.position LIMIT ?", -1 if after is None else after, limit)
            return [Version(*row) for row in _rows(reader, sql)]
        positions = self._finder(reader, query, moment).positions(after, limit)
        found: dict[int, Version] = {}
        for start in range(0, len(positions), BATCH):
            rows = reader.execute(_AT, (json.dumps(positions[start : start + BATCH]),))
            found.update((row[3], Version(*row)) for row in rows)
        return [found[position] for position in positions]

    def _finder(self, reader: sqlite3.Connection, query: Query, moment: Moment) -> Finder:
        def number(name: str) -> int | None:
            found = self._keys.get(name)
            if found is None:
                row = reader.execute("SELECT number FROM key WHERE name = ?", (name,)).fetchone()
                if row is not None:
                    found = self._keys[name] = row[0]
            return found

        return Finder(reader, query, moment, number)


class _mapped:  # noqa: N801  # used as a context manager only
    """Turns a database error into :class:`Unavailable`, or :class:`Invalid` where it is about the size of a query."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, sqlite3.OperationalError) and _TOO_MUCH.search(str(problem)):
            raise Invalid("The search has more, or more deeply nested, parts than can be asked for.", code="too-costly")
        if isinstance(problem, sqlite3.Error):
            raise Unavailable(f"The store does not answer: {problem}.") from problem


def _head(connection: sqlite3.Connection) -> Head:
    with _mapped():
        return Head(*connection.execute("SELECT seq, instant FROM head").fetchone())


def _rows(reader: sqlite3.Connection, sql: Sql) -> Iterable[tuple[str, str, int, int, Method, int, bytes | None]]:
    return reader.execute(str(sql), sql.parameters)


def _is_whole_type(query: Query) -> bool:
    """Whether all of a type is asked for, as by an export: then there is nothing to be planned."""
    return len(query.types) == 1 and query == Query(query.types)


def _of_type(columns: str, type_: str, moment: Moment) -> Sql:
    index = "version_current_of_type" if moment.newest else "version_of_type"
    sql = Sql([f"SELECT {columns} FROM version AS v INDEXED BY {index} WHERE v.type = ? AND"], [type_])  # noqa: S608
    return sql.take(moment.visible("v"))


def _count(reader: sqlite3.Connection, condition: Sql) -> int:
    statement = f"SELECT count(*) FROM version AS v WHERE {condition}"  # noqa: S608
    number: int = reader.execute(statement, condition.parameters).fetchone()[0]
    return number


def _history(query: HistoryQuery, moment: Moment) -> Sql:
    sql = Sql()
    sql.add("v.position < ?", moment.bound)
    for column, value in (("type", query.type), ("id", query.id)):
        if value is not None:
            sql.add(f"AND v.{column} = ?", value)
    if query.since is not None:
        sql.add("AND v.instant >= ?", query.since)
    if query.before is not None:
        sql.add("AND v.instant < ?", query.before)
    if query.current_from is not None:
        # As seen at the moment: what was superseded later was still current then.
        sql.add("AND (v.until IS NULL OR v.until > ? OR v.ended >= ?)", moment.seq, query.current_from)
    return sql
