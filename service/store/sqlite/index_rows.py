"""Writing index rows, with their version or later, and the numbers of their keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from service.search.rows import RangeRow, Row, TermRow, WordsRow
from service.store.sqlite.reach import Label, Reach, of_spans, of_terms
from service.store.sqlite.words import WordIndex, row_tokens

REMOVED_AT_ONCE: Final = 2000
"""Rows that are removed in one step, between which others write."""

ROWS_AT_ONCE: Final = 16
"""Rows that one statement inserts: one at a time costs a third more."""
KNOWN_REACHES: Final = 200_000
"""Rows of ``reach`` that are remembered at the most."""

_INSERT: Final = {table: f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?, ?, ?)" for table in ("term", "span")}  # noqa: S608  # constants
_MORE: Final = ", (?, ?, ?, ?, ?, ?)" * (ROWS_AT_ONCE - 1)
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


@dataclass(frozen=True, slots=True)
class _Pending:
    """What a transaction has still to write."""

    terms: list[_Row]
    spans: list[_Row]
    reaches: list[Reach]


class IndexRows:
    """The index rows as the writer sees them, within its transaction."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._words = WordIndex(connection)
        self._keys: dict[str, int] = {}
        self._known: dict[Label, str] = {}
        self._data_version = -1
        self._pending = _Pending([], [], [])

    def begin(self) -> None:
        """Begin a transaction: what another process has written since may have changed what is known."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._data_version or len(self._known) > KNOWN_REACHES:
            self._known.clear()
            self._data_version = version

    def forget(self) -> None:
        """Forget what a transaction that was rolled back may have made, and what it has still to write."""
        self._keys.clear()
        self._known.clear()
        self._pending = _Pending([], [], [])

    def insert(self, rows: Sequence[Row], position: int) -> None:
        """Take the rows of a new version; :meth:`flush` writes them, with those of others."""
        terms, spans = self._split(rows, position, None)
        pending = self._pending
        pending.terms.extend(terms)
        pending.spans.extend(spans)
        pending.reaches.extend(_reaches(terms, spans))
        self._words.insert(position, self._tokens(rows), superseded=False)

    def flush(self) -> None:
        """Write what is still to be written."""
        pending, self._pending = self._pending, _Pending([], [], [])
        self._write("term", pending.terms)
        self._write("span", pending.spans)
        self._reach(pending.reaches)

    def supersede(self, position: int, seq: int) -> None:
        """Make the rows of a version those of one that was superseded at a seq."""
        if any(rows and rows[0][0] <= position for rows in (self._pending.terms, self._pending.spans)):
            self.flush()
        self._connection.execute("UPDATE term SET until = ? WHERE position = ?", (seq, position))
        self._connection.execute("UPDATE span SET until = ? WHERE position = ?", (seq, position))
        self._words.supersede(position)

    def _split(self, rows: Sequence[Row], position: int, until: int | None) -> tuple[list[_Row], list[_Row]]:
        terms: list[_Row] = []
        spans: list[_Row] = []
        numbers = self._keys
        for row in rows:
            key = numbers.get(row.key) or self._number(row.key)
            if type(row) is TermRow:
                terms.append((position, key, row.value, row.qualifier, row.part, until))
            elif type(row) is RangeRow:
                spans.append((position, key, row.low, row.high, row.part, until))
        return terms, spans

    def _write(self, table: str, rows: Sequence[_Row]) -> None:
        one = _INSERT[table]
        whole = len(rows) - len(rows) % ROWS_AT_ONCE
        for start in range(0, whole, ROWS_AT_ONCE):
            self._connection.execute(one + _MORE, list(chain.from_iterable(rows[start : start + ROWS_AT_ONCE])))
        if whole < len(rows):
            self._connection.executemany(one, rows[whole:])

    def _reach(self, found: Iterable[Reach]) -> None:
        """Write what reaches further than was known: mostly little, as the labels are few."""
        further: tuple[dict[Label, str], dict[Label, str]] = {}, {}
        known = self._known
        for label, reach in found:
            before, descending = known.get(label), label[2]
            if before is None or (reach < before if descending else reach > before):
                known[label] = further[descending][label] = reach
        for statement, rows in zip(_REACH, further, strict=True):
            if rows:
                self._connection.executemany(statement, [(*label, reach) for label, reach in rows.items()])

    def _reach_again(self, position: int, keys: set[int]) -> None:
        """Tell of rows that were added to others of the same keys."""
        for key in keys:
            terms = self._connection.execute(
                "SELECT key, value FROM term WHERE position = ? AND key = ?", (position, key)
            ).fetchall()
            spans = self._connection.execute(
                "SELECT key, low, high FROM span WHERE position = ? AND key = ?", (position, key)
            ).fetchall()
            self._reach(chain(of_terms(terms), of_spans(spans)))

    def add_later(self, rows: Sequence[tuple[int, Sequence[Row]]]) -> int:
        """Add rows to versions by their positions, superseded or not; return how many there are."""
        known = 0
        for position, added in rows:
            found = self._connection.execute("SELECT until FROM version WHERE position = ?", (position,)).fetchone()
            if found is not None:
                terms, spans = self._split(added, position, found[0])
                self._write("term", terms)
                self._write("span", spans)
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
            self._known.clear()
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


def _reaches(terms: Sequence[_Row], spans: Sequence[_Row]) -> Iterable[Reach]:
    return chain(of_terms((row[1], row[2]) for row in terms), of_spans((row[1], row[2], row[3]) for row in spans))
