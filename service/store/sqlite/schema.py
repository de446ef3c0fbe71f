"""The tables of the embedded store and how they are opened.

``version`` is the log. ``term`` and ``span`` hold the index rows, clustered by version, so that all rows of one are
written and superseded together; each has indexes over what is current and one over what is past, so that a search of
the present never meets a superseded row. The position comes straight after the value in the indexes of the present: the
rows of one value are then in the order of a page, and those of a key in the order of a sort. They have ``until``, which
is always NULL there, because SQLite would else look it up in the table, though the index implies it. ``words`` and its
indexes are explained in :mod:`service.store.sqlite.words`, ``reach`` in :mod:`service.store.sqlite.reach`.
"""

from __future__ import annotations

import secrets
import sqlite3
from typing import Final

from service.errors import Unavailable
from service.store.base import other_schema

SCHEMA_VERSION: Final = 4
CACHE_KIBIBYTES: Final = 65_536
"""Page cache of the writer; a reader has a quarter of it."""
CHECKPOINT_PAGES: Final = 4000
"""Pages of the write-ahead log, 16 MiB, after which they are copied into the database."""
BUSY_SECONDS: Final = 60
"""How long one process waits for another's commit to finish."""

_TABLES: Final = (
    """CREATE TABLE version (
        position INTEGER PRIMARY KEY,  -- seq << SEQ_BITS | place in the commit
        type TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        until INTEGER,                 -- the seq that superseded it
        ended INTEGER,                 -- and that one's instant
        method TEXT NOT NULL,
        instant INTEGER NOT NULL,      -- milliseconds since the epoch
        digest BLOB,
        json BLOB                      -- the exact bytes; NULL is a deletion
    ) STRICT""",
    "CREATE UNIQUE INDEX version_identity ON version (type, id, version)",
    "CREATE UNIQUE INDEX version_current ON version (type, id) WHERE until IS NULL",
    "CREATE INDEX version_of_type ON version (type, position)",
    "CREATE INDEX version_current_of_type ON version (type, position) WHERE until IS NULL AND json IS NOT NULL",
    "CREATE INDEX version_current_of_all ON version (position) WHERE until IS NULL AND json IS NOT NULL",
    "CREATE INDEX version_past ON version (until, position) WHERE until IS NOT NULL",
    "CREATE INDEX version_instant ON version (instant, position)",
    "CREATE TABLE key (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    """CREATE TABLE term (
        position INTEGER NOT NULL,
        key INTEGER NOT NULL,
        value TEXT NOT NULL,
        qualifier TEXT NOT NULL,
        part INTEGER NOT NULL,         -- number of the element, where a parameter has several components
        until INTEGER,
        PRIMARY KEY (position, key, value, qualifier, part)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX term_current ON term (key, value, position, qualifier, until) WHERE until IS NULL",
    "CREATE INDEX term_past ON term (key, value, until, position, qualifier) WHERE until IS NOT NULL",
    """CREATE TABLE span (
        position INTEGER NOT NULL,
        key INTEGER NOT NULL,
        low TEXT NOT NULL,
        high TEXT NOT NULL,
        part INTEGER NOT NULL,
        until INTEGER,
        PRIMARY KEY (position, key, low, high, part)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX span_current_low ON span (key, low, position, high, until) WHERE until IS NULL",
    "CREATE INDEX span_current_high ON span (key, high, position, low, until) WHERE until IS NULL",
    # Ranges that end before they begin are rare mistakes of their resource. Every other one with a high end below a
    # bound has its low end there as well, which binds a search from both sides; these are looked at one by one.
    "CREATE INDEX span_crossed ON span (key, position) WHERE low > high",
    "CREATE INDEX span_past ON span (key, low, high, until, position) WHERE until IS NOT NULL",
    """CREATE TABLE reach (
        key INTEGER NOT NULL,
        field TEXT NOT NULL,
        descending INTEGER NOT NULL,
        label TEXT NOT NULL,
        reach TEXT NOT NULL,
        PRIMARY KEY (key, field, descending, label)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE words (position INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    *(
        f"CREATE VIRTUAL TABLE {name} USING fts5 (text, content='', detail=none, columnsize=0,"
        ' tokenize="ascii tokenchars _")'
        for name in ("word_current", "word_past")
    ),
    "CREATE TABLE head (seq INTEGER NOT NULL, instant INTEGER NOT NULL) STRICT",
    "CREATE TABLE secret (value BLOB NOT NULL) STRICT",
)


def connect(uri: str, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection that one thread uses at a time; transactions are always explicit."""
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS, cached_statements=512
    )
    # FULL: the log is on the disk before a commit is acknowledged, so that it survives a loss of power as well.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")
    # A version's rows go to places all over the index: with the two megabytes of the default most are read anew.
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES if not read_only else CACHE_KIBIBYTES // 4}")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    # Pages: where many commits follow each other, most change the same ones, and each is then copied but once.
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return connection


def prepare(connection: sqlite3.Connection, *, path: str) -> bytes:
    """Make the tables where there are none and return the store's secret.

    Raises :class:`Unavailable` where the file is no registry of this version.
    """
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                connection.execute("ROLLBACK")
                raise Unavailable(f"{path} is an SQLite database, but not a trial registry.")
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO head VALUES (0, 0)")
            connection.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif found != SCHEMA_VERSION:
            connection.execute("ROLLBACK")
            raise other_schema(path, found, SCHEMA_VERSION)
        connection.execute("COMMIT")
    except sqlite3.Error as problem:
        raise Unavailable(f"{path} cannot be opened: {problem}.") from problem
    secret: bytes = connection.execute("SELECT value FROM secret").fetchone()[0]
    return secret
