"""Writing index rows, with their version or later, and the numbers of their keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from service.search.rows import RangeRow, Row, TermRow, WordsRow
from service.store.sqlite.reach import Reach, of_spans, of_terms
from service.store.sqlite.words import WordIndex, row_tokens

REMOVED_AT_ONCE: Final = 2000
"""Rows that are removed in one step, between which others write."""

TERMS_AT_ONCE: Final = 16
"""Terms that one statement inserts: one at a time costs a third more."""

_INSERT_TERM: Final = "INSERT OR IGNORE INTO term VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_TERMS: Final = _INSERT_TERM + ", (?, ?, ?, ?, ?, ?)" * (TERMS_AT_ONCE - 1)
_INSERT_SPAN: Final = "INSERT OR IGNORE INTO span VALUES (?, ?, ?, ?, ?, ?)"
_REACH: Final = tuple(
    "INSERT INTO reach VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET reach = excluded.reach"  # noqa: S608
    f" WHERE excluded.reach {further} reach"
    for further in (">", "<")
)
"""By direction: ascending, descending."""
_REMOVE: Final = tuple(
    f"DELETE FROM {table} WHERE (position, key, {values}, part) IN ("  # noqa: S608  # constants
    f"SELECT position, key, {values}, part FROM {table} INDEXED BY {index} WHERE key = ? AND {condition} LIMIT ?)"
    for table, values, index, condition in (
        ("term", "value, qualifier", "term_current", "until IS NULL"),
        ("term", "value, qualifier", "term_past", "until IS NOT NULL"),
        ("span", "low, high", "span_current_low", "until IS NULL"),
        ("span", "low, high", "span_past", "until IS NOT NULL"),
    )
)


_Row = tuple[int, int, str, str, int, int | None]


class IndexRows:
    """The index rows as the writer sees them, within its transaction."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._words = WordIndex(connection)
        self._keys: dict[str, int] = {}

    def forget(self) -> None:
        """Forget the numbers of keys: a transaction that may have made some was rolled back."""
        self._keys.clear()

    def insert(self, rows: Sequence[Row], position: int) -> None:
        """Write the rows of a new version."""
        terms, spans = self._insert(rows, position, None)
        self._reach(
            [*of_terms((row[1], row[2]) for row in terms), *of_spans((row[1], row[2], row[3]) for row in spans)]
        )
        self._words.insert(position, self._tokens(rows), superseded=False)

    def supersede(self, position: int, seq: int) -> None:
        """Make the rows of a version those of one that was superseded at a seq."""
        self._connection.execute("UPDATE term SET until = ? WHERE position = ?", (seq, position))
        self._connection.execute("UPDATE span SET until = ? WHERE position = ?", (seq, position))
        self._words.supersede(position)

    def _insert(self, rows: Sequence[Row], position: int, until: int | None) -> tuple[list[_Row], list[_Row]]:
        terms: list[_Row] = []
        spans: list[_Row] = []
        numbers = self._keys
        for row in rows:
            key = numbers.get(row.key) or self._number(row.key)
            if type(row) is TermRow:
                terms.append((position, key, row.value, row.qualifier, row.part, until))
            elif type(row) is RangeRow:
                spans.append((position, key, row.low, row.high, row.part, until))
        whole = len(terms) - len(terms) % TERMS_AT_ONCE
        for start in range(0, whole, TERMS_AT_ONCE):
            several = terms[start : start + TERMS_AT_ONCE]
            self._connection.execute(_INSERT_TERMS, [value for term in several for value in term])
        if whole < len(terms):
            self._connection.executemany(_INSERT_TERM, terms[whole:])
        if spans:
            self._connection.executemany(_INSERT_SPAN, spans)
        return terms, spans

    def _reach(self, found: Sequence[Reach]) -> None:
        for descending, statement in enumerate(_REACH):
            if rows := [row for row in found if row[2] == descending]:
                self._connection.executemany(statement, rows)

    def _reach_again(self, position: int, keys: set[int]) -> None:
        """Tell of rows that were added to others of the same keys."""
        for key in keys:
            terms = self._connection.execute(
                "SELECT key, value FROM term WHERE position = ? AND key = ?", (position, key)
            ).fetchall()
            spans = self._connection.execute(
                "SELECT key, low, high FROM span WHERE position = ? AND key = ?", (position, key)
            ).fetchall()
            self._reach([*of_terms(terms), *of_spans(spans)])

    def add_later(self, rows: Sequence[tuple[int, Sequence[Row]]]) -> int:
        """Add rows to versions by their positions, superseded or not; return how many there are."""
        known = 0
        for position, added in rows:
            found = self._connection.execute("SELECT until FROM version WHERE position = ?", (position,)).fetchone()
            if found is not None:
                self._insert(added, position, found[0])
                self._reach_again(position, {self._number(row.key) for row in added})
                self._words.add(position, self._tokens(added), superseded=found[0] is not None)
                known += 1
        return known

    def remove(self, key: str) -> int:
        """Remove some of the rows under a key; return how many, 0 where there are none left."""
        number = self.number(key)
        if number is None:
            return 0
        for statement in _REMOVE:
            removed = self._connection.execute(statement, (number, REMOVED_AT_ONCE)).rowcount
            if removed:
                return removed
        removed = self._words.remove(number)
        if not removed:
            self._connection.execute("DELETE FROM reach WHERE key = ?", (number,))
        return removed

    def number(self, name: str) -> int | None:
        """Return the number of a key; None where no row has ever had it."""
        number = self._keys.get(name)
        if number is None:
            row = self._connection.execute("SELECT number FROM key WHERE name = ?", (name,)).fetchone()
            if row is not None:
                number = self._keys[name] = row[0]
        return number

    def _tokens(self, rows: Sequence[Row]) -> dict[str, None]:
        found: dict[str, None] = {}
        for row in rows:
            if type(row) is WordsRow:
                found.update(dict.fromkeys(row_tokens(self._number(row.key), row)))
        return found

    def _number(self, name: str) -> int:
        number = self.number(name)
        if number is None:
            cursor = self._connection.execute("INSERT INTO key (name) VALUES (?) RETURNING number", (name,))
            number = self._keys[name] = cursor.fetchone()[0]
        return number
