"""Words: a text of tokens for each version, and two full-text indexes over these, of what is current and what is past.

A token is the number of the key and the word, in signs that the tokenizer of FTS5 leaves alone, so that it finds what
was folded by us and nothing else. An index of FTS5 takes a token at a seventh of what a row of a table costs, keeps the
positions of each in order, and can begin anywhere in them. It has no content of its own: what it is to forget, it is
told from the text, which also answers whether one version has a word.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from service.search.query import Word
from service.search.rows import WordsRow
from service.store.sqlite.sql import Sql

CURRENT: Final = "word_current"
PAST: Final = "word_past"
REMOVED_AT_ONCE: Final = 200
"""Texts that are changed in one step, between which others write."""

_LONGEST: Final = 200
"""Characters beyond which a token has a digest of the word: FTS5 would cut one of more than 32,768 bytes."""
_INSERT: Final = "INSERT INTO words VALUES (?, ?)"
_TEXT: Final = "SELECT text FROM words WHERE position = ?"


class WordIndex:
    """The words as the writer sees them, within its transaction."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def insert(self, position: int, tokens: Iterable[str], *, superseded: bool) -> None:
        """Give a version that has no words its first ones."""
        if text := " ".join(tokens):
            self._connection.execute(_INSERT, (position, f" {text} "))
            self._index(PAST if superseded else CURRENT, position, text)

    def add(self, position: int, tokens: Iterable[str], *, superseded: bool) -> None:
        """Add what is missing of these to the words of a version."""
        known = self._text(position).split()
        wanted = dict.fromkeys((*known, *tokens))
        if len(wanted) > len(known):
            self._delete(position, superseded=superseded)
            self.insert(position, wanted, superseded=superseded)

    def supersede(self, position: int) -> None:
        """Make what is current about a version past."""
        if text := self._text(position):
            self._forget(CURRENT, position, text)
            self._index(PAST, position, text)

    def remove(self, number: int) -> int:
        """Remove the words of a key from some versions; return from how many, 0 where there are none left."""
        removed = 0
        start = key_start(number)
        for table in (CURRENT, PAST):
            statement = f"SELECT rowid FROM {table} WHERE {table} MATCH ? LIMIT ?"  # noqa: S608  # constants
            found = self._connection.execute(statement, (f'"{start}" *', REMOVED_AT_ONCE)).fetchall()
            for (position,) in found:
                tokens = self._text(position).split()
                self._delete(position, superseded=table == PAST)
                kept = [token for token in tokens if not token.startswith(start)]
                self.insert(position, kept, superseded=table == PAST)
            removed += len(found)
        return removed

    def _text(self, position: int) -> str:
        row = self._connection.execute(_TEXT, (position,)).fetchone()
        return row[0] if row else ""

    def _delete(self, position: int, *, superseded: bool) -> None:
        if text := self._text(position):
            self._forget(PAST if superseded else CURRENT, position, text)
            self._connection.execute("DELETE FROM words WHERE position = ?", (position,))

    def _index(self, table: str, position: int, text: str) -> None:
        self._connection.execute(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", (position, text))  # noqa: S608

    def _forget(self, table: str, position: int, text: str) -> None:
        # The way in which FTS5 is told to forget: a row whose hidden column is the name of the command.
        statement = f"INSERT INTO {table} ({table}, rowid, text) VALUES ('delete', ?, ?)"  # noqa: S608
        self._connection.execute(statement, (position, text))


def key_start(number: int) -> str:
    """Return what the tokens of a key begin with."""
    return f"{number:x}_"


@lru_cache(maxsize=4096)
def token(number: int, word: str) -> str:
    """Return the token of a word under the key of this number."""
    if not word or (len(word) <= _LONGEST and _is_plain(word)):
        return key_start(number) + word
    digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{key_start(number)}_{digest}"  # no plain word begins with a low line


def row_tokens(number: int, row: WordsRow) -> Iterable[str]:
    """Return the tokens of a row whose key has this number."""
    if len(row.words) > 1 and max(map(len, row.words)) <= _LONGEST and all(row.words) and _is_plain("".join(row.words)):
        start = key_start(number)
        return [start + word for word in row.words]
    return [token(number, word) for word in row.words]


def has_word(predicate: Word, number: int, alias: str) -> Sql:
    """Return the condition that the version under this name has a word."""
    sql = Sql().add(f"EXISTS (SELECT 1 FROM words WHERE words.position = {alias}.position")  # noqa: S608
    return sql.add("AND instr(words.text, ?) > 0)", f" {token(number, predicate.word)} ")


def with_word(predicate: Word, number: int, *, newest: bool) -> list[Sql]:
    """Return selections of ``position``: of what has a word now, and unless that is asked, of what had it once."""
    return [
        Sql().add(f"SELECT rowid AS position FROM {table} WHERE {table} MATCH ?", f'"{token(number, predicate.word)}"')  # noqa: S608
        for table in ((CURRENT,) if newest else (CURRENT, PAST))
    ]


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isalnum() and text == text.lower()
