"""Writing index rows, with their version or later, and the numbers of their keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from service.search.rows import RangeRow, Row, TermRow, WordsRow
from service.store.sqlite.reach import Reach, of_spans, of_terms, reaches
from service.store.sqlite.words import WordIndex, row_tokens, token

REMOVED_AT_ONCE: Final = 2000
"""Rows that are removed in one step, between which others write."""

ROWS_AT_ONCE: Final = 32
"""Rows that one statement inserts: one at a time costs a third more."""
WAITING: Final = 4096
"""Rows that wait for others at the most, before they are inserted."""
KNOWN_REACHES: Final = 100_000
"""Rows of ``reach`` that are remembered at the most."""

_REACH: Final = "INSERT INTO reach VALUES (?, ?, ?, ?, ?)"
_FURTHER: Final = tuple(
    f" ON CONFLICT DO UPDATE SET reach = excluded.reach WHERE excluded.reach {further} reach" for further in (">", "<")
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


_Row = tuple[int, int, str, str, int]
"""A row of ``term`` or ``span``, all but ``until``."""
_Label = tuple[int, str, int, str]


class IndexRows:
    """The index rows as the writer sees them, within its transaction.

    Rows wait for those of other versions, to be inserted together: :meth:`flush` comes before anything reads them.
    """

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._words = WordIndex(connection)
        self._keys: dict[str, int] = {}
        self._without_reach: set[int] = set()
        self._terms: list[_Row] = []
        self._spans: list[_Row] = []
        self._known: dict[_Label, str] = {}
        self._further: dict[_Label, str] = {}
        self._data_version = -1

    def begin(self) -> None:
        """Begin a transaction: another process may have removed since what is known to be there."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._data_version:
            self._known.clear()
            self._data_version = version

    def forget(self) -> None:
        """Forget what waits, the numbers of keys and what is known of reaches: a transaction was rolled back."""
        self._keys.clear()
        self._without_reach.clear()
        self._terms.clear()
        self._spans.clear()
        self._known.clear()
        self._further.clear()

    def insert(self, rows: Sequence[Row], position: int) -> None:
        """Write the rows of a new version."""
        terms, spans = self._converted(rows, position)
        without = self._without_reach
        self._reach(of_terms([(row[1], row[2]) for row in terms if row[1] not in without]))
        self._reach(of_spans([(row[1], row[2], row[3]) for row in spans if row[1] not in without]))
        self._terms += terms
        self._spans += spans
        if len(self._terms) + len(self._spans) > WAITING:
            self.flush()
        self._words.insert(position, self._tokens(rows), superseded=False)

    def flush(self, until: int | None = None) -> None:
        """Insert what waits, of versions that are current or were superseded at a seq."""
        for table, waiting in (("term", self._terms), ("span", self._spans)):
            # Not a parameter: Python's module takes long over None, which it nearly always is.
            ended = "NULL" if until is None else int(until)
            self._execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?, ?, {ended})", waiting)  # noqa: S608  # an int
            waiting.clear()
        for descending, conflict in enumerate(_FURTHER):
            # In the order of the table, whose pages are then each written to once.
            rows = sorted((*label, reach) for label, reach in self._further.items() if label[2] == descending)
            self._execute(_REACH, rows, conflict)
        self._further.clear()

    def _execute(self, statement: str, rows: Sequence[tuple[object, ...]], end: str = "") -> None:
        """Execute a statement of one row for many, several at once."""
        whole = len(rows) - len(rows) % ROWS_AT_ONCE
        if whole:
            row = statement.partition("VALUES ")[2]
            many = statement + f", {row}" * (ROWS_AT_ONCE - 1) + end
            for start in range(0, whole, ROWS_AT_ONCE):
                self._connection.execute(many, list(chain.from_iterable(rows[start : start + ROWS_AT_ONCE])))
        if whole < len(rows):
            self._connection.executemany(statement + end, rows[whole:])

    def supersede(self, position: int, seq: int) -> None:
        """Make the rows of a version those of one that was superseded at a seq."""
        if any(rows and rows[0][0] <= position for rows in (self._terms, self._spans)):
            self.flush()
        self._connection.execute("UPDATE term SET until = ? WHERE position = ?", (seq, position))
        self._connection.execute("UPDATE span SET until = ? WHERE position = ?", (seq, position))
        self._words.supersede(position)

    def _converted(self, rows: Sequence[Row], position: int) -> tuple[list[_Row], list[_Row]]:
        terms: list[_Row] = []
        spans: list[_Row] = []
        numbers = self._keys
        for row in rows:
            key = numbers.get(row.key) or self._number(row.key)
            if type(row) is TermRow:
                terms.append((position, key, row.value, row.qualifier, row.part))
            elif type(row) is RangeRow:
                spans.append((position, key, row.low, row.high, row.part))
        return terms, spans

    def _reach(self, found: Iterable[Reach]) -> None:
        """Note reaches that go further than what this process knows to be there; others only take them further too."""
        if len(self._known) > KNOWN_REACHES:
            self._known = dict(self._further)
        for row in found:
            label, reach = row[:4], row[4]
            known = self._known.get(label)
            if known is None or (reach < known if row[2] else reach > known):
                self._known[label] = self._further[label] = reach

    def _reach_again(self, position: int, keys: set[int]) -> None:
        """Tell of rows that were added to others of the same keys."""
        for key in keys - self._without_reach:
            terms = self._connection.execute(
                "SELECT key, value FROM term WHERE position = ? AND key = ?", (position, key)
            ).fetchall()
            spans = self._connection.execute(
                "SELECT key, low, high FROM span WHERE position = ? AND key = ?", (position, key)
            ).fetchall()
            self._reach(of_terms(terms))
            self._reach(of_spans(spans))

    def add_later(self, rows: Sequence[tuple[int, Sequence[Row]]]) -> int:
        """Add rows to versions by their positions, superseded or not; return how many there are."""
        known = 0
        for position, added in rows:
            found = self._connection.execute("SELECT until FROM version WHERE position = ?", (position,)).fetchone()
            if found is not None:
                terms, spans = self._converted(added, position)
                self._terms += terms
                self._spans += spans
                self.flush(found[0])
                self._reach_again(position, {self._number(row.key) for row in added})
                self._words.add(position, self._tokens(added), superseded=found[0] is not None)
                known += 1
        self.flush()
        return known

    def remove(self, key: str) -> int:
        """Remove some of the rows under a key; return how many, 0 where there are none left."""
        number = self.number(key)
        self._known.clear()
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
                number = self._know(name, row[0])
        return number

    def _tokens(self, rows: Sequence[Row]) -> dict[str, None]:
        found: dict[str, None] = {}
        for row in rows:
            if type(row) is WordsRow:
                number = self._keys.get(row.key) or self._number(row.key)
                if len(row.words) == 1:
                    found[token(number, row.words[0])] = None
                else:
                    found.update(dict.fromkeys(row_tokens(number, row)))
        return found

    def _number(self, name: str) -> int:
        number = self.number(name)
        if number is None:
            cursor = self._connection.execute("INSERT INTO key (name) VALUES (?) RETURNING number", (name,))
            number = self._know(name, cursor.fetchone()[0])
        return number

    def _know(self, name: str, number: int) -> int:
        self._keys[name] = number
        if not reaches(name):
            self._without_reach.add(number)
        return number
