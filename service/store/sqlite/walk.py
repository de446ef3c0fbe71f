"""Candidates in order, in batches: by position, or by the values of a sort.

A batch is one short statement that begins where the one before it ended, so that a page reads as much of an index as it
needs. At a past seq what is current now and what was superseded since are read from their indexes and merged.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from service.search.query import And, Or, Predicate, Prefix, Sort, Term, Together, Word
from service.store.sqlite.reach import Limits, resume
from service.store.sqlite.sql import Moment, OneOf, OneOfPairs, Sql, after_prefix, alternatives, row_condition
from service.store.sqlite.translate import Translator
from service.store.sqlite.words import with_word

BIG: Final = 2048
"""Candidates that are looked at together at the most."""
BRANCHES: Final = 8
"""Index ranges that a walk merges at the most."""
END: Final = 1 << 62
"""After every position."""

Value = str | int
Run = list[tuple[Value, int]]
"""Values with positions, in order; of each value either all positions or none."""


class Source(Protocol):
    """Candidates by position."""

    def batch(self, after: int, size: int) -> Sequence[int]:
        """Return up to ``size`` different positions after one, in order; fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """Candidates that have been collected."""

    positions: Sequence[int]

    def batch(self, after: int, size: int) -> Sequence[int]:
        """Return a part of the list."""
        start = bisect_right(self.positions, after)
        return self.positions[start : start + size]


@dataclass(frozen=True, slots=True)
class Walk:
    """Candidates that are read in the order of one or several indexes, each a selection of ``position``."""

    connection: sqlite3.Connection
    branches: Sequence[Sql]
    end: int
    exact: Predicate | None = None
    """What of the query holds for all that is read, and for nothing else that is visible."""

    def batch(self, after: int, size: int) -> Sequence[int]:
        """Read on, until so many different positions are found."""
        found: dict[int, None] = {}
        while len(found) < size:
            sql = Sql()
            for place, branch in enumerate(self.branches):
                sql.add("UNION ALL" if place else "").take(branch)
                sql.add("AND position > ? AND position < ?", after, self.end)
            sql.add("ORDER BY position LIMIT ?", size)
            rows = [row[0] for row in self.connection.execute(str(sql), sql.parameters)]
            found.update(dict.fromkeys(rows))
            if len(rows) < size:
                break
            after = rows[-1]
        return list(found)


class Walks:
    """Makes the walks of one statement."""

    def __init__(self, connection: sqlite3.Connection, translator: Translator, types: Sequence[str]):
        self._connection = connection
        self._translator = translator
        self._moment: Moment = translator.moment
        self._types = types

    def of_types(self, end: int) -> Walk:
        """Return the walk through all versions of the types of the search (of all types where it names none)."""
        return Walk(self._connection, self._versions("position"), end)

    def of_predicate(self, predicate: Predicate, end: int) -> Walk | None:
        """Return a walk through the index entries of a predicate's terms; None where they are too many or none."""
        terms = self._terms(predicate)
        if terms is None or not 0 < len(terms) <= BRANCHES:
            return None
        branches: list[Sql] = []
        for term in terms:
            if isinstance(term, Word):
                number = self._translator.numbers(term.key) or 0
                branches += with_word(term, number, newest=self._moment.newest)
            else:
                branches += self._with_term(term)
        # Of several that must all hold, the walk is that of one.
        exact = predicate if _is_terms(predicate) else None
        return Walk(self._connection, branches, end, exact)

    def of_prefix(self, predicate: Prefix) -> Sql:
        """Return the selection of what has a value with a prefix: not in the order of positions, but each only once."""
        sql = Sql().add("SELECT DISTINCT position FROM (")
        for place, branch in enumerate(self._with_term(predicate)):
            sql.add("UNION ALL" if place else "").take(branch)
        return sql.add(")")

    def _with_term(self, predicate: Term | Prefix) -> list[Sql]:
        number = self._translator.numbers(predicate.key) or 0
        branches: list[Sql] = []
        for index, visible in self._translator.indexes("term", "until"):
            sql = Sql().add(f"SELECT position FROM term INDEXED BY {index} WHERE key = ?", number)  # noqa: S608
            branches.append(sql.take(row_condition(predicate)).add("AND").take(visible))
        return branches

    def of_value(self, sort: Sort, value: Value, end: int) -> Walk | None:
        """Return the walk through the index entries of one value of a sort, if they are in the order of positions."""
        number = self._translator.numbers(sort.key)
        if sort.field in ("id", "instant") or number is None:
            return None
        table, current = ("term", "") if sort.field == "value" else ("span", f"_{sort.field}")
        branches = [
            Sql()
            .add(f"SELECT position FROM {table} INDEXED BY {index} WHERE key = ?", number)  # noqa: S608
            .add(f"AND {sort.field} = ? AND", value)
            .take(visible)
            for index, visible in self._translator.indexes(table, "until", current)
        ]
        return Walk(self._connection, branches, end)

    def runs(self, sort: Sort, start: Value | None, size: int, limits: Limits) -> Iterator[Run | Value]:
        """Yield what has a value, by value and position, from the start on (including it), within the limits.

        A value that many positions have (:data:`BIG`) comes alone; what has it is for the caller to find. Values
        that are not the least (or greatest) of their resource are there as well.
        """
        beyond = False
        page = size
        while True:
            if limits.start is not None and (jump := self._jump(sort, start, limits.start)) is not None:
                start, beyond, size = jump, False, page
            sql = self._entries(sort, start, limits.end, beyond=beyond)
            order = "DESC" if sort.descending else "ASC"
            by = f"position {order}" if sort.field == "instant" else f"1 {order}, 2 {order}"
            sql.add(f"ORDER BY {by} LIMIT ?", size)
            rows = self._connection.execute(str(sql), sql.parameters).fetchall()
            if len(rows) < size:
                yield rows
                return
            last: Value = rows[-1][0]
            whole = [row for row in rows if row[0] != last]
            start, beyond = last, False
            if whole:
                yield whole
            elif size >= BIG or sort.field == "instant":  # what has one instant lies together
                yield last
                beyond = True
            size = min(size * 2, BIG) if whole or beyond else BIG

    def _jump(self, sort: Sort, current: Value | None, start: str) -> str | None:
        """Return where to go on with a sort that begins at a start; None where it is."""
        if isinstance(current, int) or (current is not None and not _before(current, start, sort)):
            return None
        sql = resume(self._translator.numbers(sort.key) or 0, sort, start, current)
        row = self._connection.execute(str(sql), sql.parameters).fetchone()
        to: str | None = start if row is None else row[0]
        if row is not None and sort.descending:
            to = after_prefix(row[0])
        return to if to is not None and (current is None or _before(current, to, sort)) else None

    def first_position(self, instant: int) -> int:
        """Return the first position that has this instant or a later one: instants never go back."""
        row = self._connection.execute(
            "SELECT position FROM version INDEXED BY version_instant WHERE instant >= ?"
            " ORDER BY instant, position LIMIT 1",
            (instant,),
        ).fetchone()
        return row[0] if row else END

    def _entries(self, sort: Sort, start: Value | None, end: str | None, *, beyond: bool) -> Sql:
        """Return the selection of (value, position), unordered."""
        branches: list[Sql] = []
        match sort.field:
            case "id":
                for type_ in self._types:
                    select = _select("id, position", "version_current").add("WHERE type = ? AND until IS NULL", type_)
                    branches.append(select)
                past = _select("id, position", "version_past").add("WHERE until > ?", self._moment.seq)
            case "instant":
                return self._instants(sort, start, beyond=beyond)
            case _:
                number = self._translator.numbers(sort.key) or 0
                table, index = ("term", "current") if sort.field == "value" else ("span", f"current_{sort.field}")
                select = Sql().add(f"SELECT {sort.field}, position FROM {table} INDEXED BY {table}_{index}")  # noqa: S608
                branches.append(select.add("WHERE key = ? AND until IS NULL", number))
                past = Sql().add(f"SELECT {sort.field}, position FROM {table} WHERE position IN (SELECT position FROM")  # noqa: S608
                past.add("version INDEXED BY version_past WHERE until > ?) AND key = ?", self._moment.seq, number)
        if not self._moment.newest:
            branches.append(past)
        sql = Sql()
        for place, branch in enumerate(branches):
            sql.add("UNION ALL" if place else "").take(branch).add("AND position < ?", self._moment.bound)
            if start is not None:
                comparison = ("<" if sort.descending else ">") + ("" if beyond else "=")
                sql.add(f"AND {sort.field} {comparison} ?", start)
            if end is not None:
                sql.add(f"AND {sort.field} {'>=' if sort.descending else '<='} ?", end)
        return sql

    def _instants(self, sort: Sort, start: Value | None, *, beyond: bool) -> Sql:
        first, last = 0, self._moment.bound
        if isinstance(start, int):
            if sort.descending:
                last = min(last, self.first_position(start if beyond else start + 1))
            else:
                first = self.first_position(start + 1 if beyond else start)
        sql = Sql()
        for place, branch in enumerate(self._versions("instant, position")):
            sql.add("UNION ALL" if place else "").take(branch)
            sql.add("AND position >= ? AND position < ?", first, last)
        return sql

    def _terms(self, predicate: Predicate | OneOf | OneOfPairs) -> list[Term | Word] | None:
        match predicate:
            case Term() | Word():
                return [predicate]
            case OneOf(key, values):
                return [Term(key, value) for value in values]
            case OneOfPairs(key, pairs):
                return [Term(key, *pair) for pair in pairs]
            case Or(parts):
                several = [self._terms(part) for part in alternatives(parts)]
                if len(several) > BRANCHES or any(terms is None for terms in several):
                    return None
                return [term for terms in several for term in terms or ()]
            case And(parts) | Together(parts):
                return next((terms for part in parts if (terms := self._terms(part)) is not None), None)
            case _:
                return None

    def _versions(self, columns: str) -> list[Sql]:
        """Return the selections of the versions of the types, each in the order of positions."""
        named = self._types if len(self._types) <= BRANCHES else ()
        branches: list[Sql] = []
        if not self._moment.newest and self._much_is_past():
            # All versions, the visible ones among them, in order: nothing has to be sorted.
            branches += [_select(columns, "version_of_type").add("WHERE type = ?", type_) for type_ in named]
            return branches or [Sql().add(f"SELECT {columns} FROM version NOT INDEXED WHERE 1")]  # noqa: S608
        current = "until IS NULL AND json IS NOT NULL"
        of_type = f"WHERE type = ? AND {current}"
        branches += [_select(columns, "version_current_of_type").add(of_type, type_) for type_ in named]
        if not named:
            branches.append(_select(columns, "version_current_of_all").add(f"WHERE {current}"))
        if not self._moment.newest:
            branches.append(_select(columns, "version_past").add("WHERE until > ?", self._moment.seq))
        return branches

    def _much_is_past(self) -> bool:
        """Tell whether so much has been superseded since the moment that sorting it would cost more than it saves."""
        row = self._connection.execute(
            "SELECT 1 FROM version INDEXED BY version_past WHERE until > ? LIMIT 1 OFFSET ?", (self._moment.seq, BIG)
        ).fetchone()
        return row is not None


def _is_terms(predicate: Predicate) -> bool:
    match predicate:
        case Or(parts):
            return all(map(_is_terms, parts))
        case _:
            return isinstance(predicate, Term | Word)


def _before(one: str, other: str, sort: Sort) -> bool:
    return one > other if sort.descending else one < other


def _select(columns: str, index: str) -> Sql:
    return Sql().add(f"SELECT {columns} FROM version INDEXED BY {index}")  # noqa: S608
