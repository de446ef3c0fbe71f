"""Where the candidates of a search come from: the index that has the fewest of them.

A :class:`Drive` selects positions among which are those of all matches of a predicate; what it selects beyond them the
conditions of :mod:`service.store.sqlite.translate` sort out. Its rows are counted, up to a bound, on the index that it
reads, so that a plan does not depend on statistics that somebody has to keep fresh.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from service.search.query import (
    And,
    Bound,
    Contains,
    Ids,
    Linked,
    Or,
    Predicate,
    Prefix,
    Query,
    Range,
    ReverseLinked,
    Term,
    Together,
    Updated,
    Word,
)
from service.store.sqlite.sql import OneOf, OneOfPairs, Sql, alternatives, row_condition
from service.store.sqlite.translate import Translator, id_in, type_in
from service.store.sqlite.words import with_word


@dataclass(frozen=True, slots=True)
class Drive:
    """A selection of one column ``position``, maybe with repetitions, and how many rows it visits.

    ``exact`` is a part of the query for which it selects what is visible and matches, and nothing else; None: no part.
    """

    select: Sql
    rows: int
    exact: Predicate | OneOf | OneOfPairs | None = None


NONE: Final = Drive(Sql().add("SELECT NULL AS position WHERE 0"), 0)
"""The drive of what no row can match."""
LINKS: Final = 4
"""How many times fewer resources of another query are listed than candidates are collected."""
_VALUES: Final = (
    "SELECT DISTINCT term.value FROM json_each(?) AS source CROSS JOIN term"
    " ON term.position = source.value AND term.key = ?"
)
"""The values of versions, by their positions, under a key."""
_COMPOUND: Final = 100
"""Selections that one statement puts together at one level; SQLite has a limit for them."""


class Planner:
    """Finds drives for the predicates of one statement."""

    def __init__(self, connection: sqlite3.Connection, translator: Translator):
        self._connection = connection
        self._translator = translator
        self._moment = translator.moment

    def drive(self, query: Query, bound: int) -> Drive | None:
        """Return the smallest drive of a query that visits no more than ``bound`` rows, or None."""
        return self._drive(query.where, query.types, bound)

    def _drive(self, predicate: Predicate | OneOf | OneOfPairs, types: Sequence[str], bound: int) -> Drive | None:
        match predicate:
            case And(parts) | Together(parts):
                return self._smallest(parts, types, bound)
            case Or(parts):
                return self._union(parts, types, bound)
            case Ids(ids):
                return self._ids(ids, types, bound)
            case Updated(since, before):
                return self._updated(since, before, bound)
            case Word():
                return self._word(predicate, bound)
            case Range():
                return self._range(predicate, bound)
            case Linked():
                return self._linked(predicate, bound)
            case ReverseLinked():
                return self._reverse_linked(predicate, bound)
            case Term() | OneOf() | OneOfPairs() | Prefix() | Contains():
                return self._term(predicate, bound)
            case _:
                return None

    def _smallest(self, parts: Sequence[Predicate], types: Sequence[str], bound: int) -> Drive | None:
        best: Drive | None = None
        # What leads through other resources costs more to estimate: once a few rows are known, it cannot win much.
        for part in sorted(parts, key=lambda part: isinstance(part, Linked | ReverseLinked)):
            found = self._drive(part, types, best.rows - 1 if best else bound)
            best = found or best
            if best and best.rows <= 1:
                break
        return best

    def _union(self, parts: Sequence[Predicate], types: Sequence[str], bound: int) -> Drive | None:
        drives: list[Drive] = []
        exact: Predicate | None = Or(tuple(parts))
        for part in alternatives(parts):
            found = self._drive(part, types, bound)
            if found is None:
                return None
            bound -= found.rows
            drives.append(found)
            if found.exact != part:  # it may be exact for something within the part
                exact = None
        if not drives:
            return NONE
        return Drive(_all([drive.select for drive in drives]), sum(drive.rows for drive in drives), exact)

    def _ids(self, ids: Sequence[str], types: Sequence[str], bound: int) -> Drive | None:
        types = types or self.types()
        if not ids or not types:
            return NONE
        selects: list[Sql] = []
        for index, visible in self._translator.indexes("version", "until"):
            # At a past seq: what has this identity now, and what had it then.
            name = index if index == "version_current" else "version_identity"
            sql = Sql().add(f"SELECT position FROM version INDEXED BY {name} WHERE type")  # noqa: S608
            selects.append(sql.among(types).add("AND id").among(ids).add("AND").take(visible))
        return self._counted(_all(selects), bound)

    def types(self) -> list[str]:
        """Return every type that the log has, by one look into the index for each."""
        found: list[str] = []
        after = ""
        while row := self._connection.execute(
            "SELECT type FROM version INDEXED BY version_of_type WHERE type > ? ORDER BY type LIMIT 1", (after,)
        ).fetchone():
            after = row[0]
            found.append(after)
        return found

    def _updated(self, since: int | None, before: int | None, bound: int) -> Drive | None:
        sql = Sql().add("SELECT position FROM version INDEXED BY version_instant WHERE instant >= ?", since or 0)
        if before is not None:
            sql.add("AND instant < ?", before)
        return self._counted(sql, bound)

    def _term(self, predicate: Term | OneOf | OneOfPairs | Prefix | Contains, bound: int) -> Drive | None:
        condition = row_condition(predicate)
        read = Sql() if isinstance(predicate, Contains) else condition
        if isinstance(predicate, Term):
            read = row_condition(Term(predicate.key, predicate.value))
        elif isinstance(predicate, OneOfPairs):
            read = row_condition(OneOf(predicate.key, tuple(dict.fromkeys(value for value, _ in predicate.pairs))))
        return _exactly(predicate, self._rows("term", "", predicate.key, condition, read, bound))

    def _word(self, predicate: Word, bound: int) -> Drive | None:
        number = self._translator.numbers(predicate.key)
        if number is None:
            return NONE
        words = with_word(predicate, number, newest=self._moment.newest)
        return _exactly(predicate, self._counted(_all(words), bound))

    def _range(self, predicate: Range, bound: int) -> Drive | None:
        """Drive by the low or by the high ends, with the bounds that hold for one because they hold for the other."""
        ends = predicate.bounds
        lower = [Bound("low", each.operator, each.value) for each in ends if each.operator in ("<", "<=")]
        upper = [Bound("high", each.operator, each.value) for each in ends if each.operator in (">", ">=")]
        best: Drive | None = None
        for end, implied in (("low", lower), ("high", upper)):
            leading = [each for each in (*ends, *implied) if each.end == end]
            if not leading and ends:
                continue
            read = row_condition(Range(predicate.key, tuple(leading)))
            condition = row_condition(Range(predicate.key, (*ends, *leading)))
            found = self._rows("span", f"_{end}", predicate.key, condition, read, best.rows - 1 if best else bound)
            best = found or best
        number = self._translator.numbers(predicate.key)
        if best is None or number is None:
            return best
        sql = Sql().add("SELECT position FROM span INDEXED BY span_crossed WHERE key = ? AND low > high", number)
        if self._moment.newest:
            sql.add("AND until IS NULL")
        crossed = self._counted(sql.take(row_condition(predicate)), bound - best.rows)
        both = crossed and Drive(_all([best.select, crossed.select]), best.rows + crossed.rows)
        return _exactly(predicate, both)

    def _rows(self, table: str, end: str, key: str, condition: Sql, read: Sql, bound: int) -> Drive | None:
        """Drive by the rows of a key; ``read`` is as much of the condition as bounds what is read of the index."""
        number = self._translator.numbers(key)
        if number is None:
            return NONE
        selects: list[Sql] = []
        visited = 0
        for index, visible in self._translator.indexes(table, "until", end):
            head = f"SELECT position FROM {table} INDEXED BY {index} WHERE key = ?"  # noqa: S608
            counted = self._counted(Sql().add(head, number).take(read).add("AND").take(visible), bound - visited)
            if counted is None:
                return None
            visited += counted.rows
            selects.append(Sql().add(head, number).take(condition).add("AND").take(visible))
        return Drive(_all(selects), visited)

    def _linked(self, predicate: Linked, bound: int) -> Drive | None:
        if predicate.names is None:
            targets = self._listed("v.type || '/' || v.id", predicate.query, bound)
        else:
            number = self._translator.numbers(predicate.names)
            if number is None:
                return NONE
            positions = self._listed("v.position", predicate.query, bound)
            targets = positions and self._names(positions, number)
        if targets is None:
            return None
        return self._term(OneOf(predicate.key, targets), bound) if targets else NONE

    def _reverse_linked(self, predicate: ReverseLinked, bound: int) -> Drive | None:
        number = self._translator.numbers(predicate.key)
        if number is None:
            return NONE
        sources = self._listed("v.position", predicate.query, bound)
        if sources is None:
            return None
        if predicate.names is not None:
            return self._term(OneOf(predicate.names, self._names(sources, number)), bound)
        selects: list[Sql] = []
        for index, visible in self._translator.indexes("version", "target.until"):
            name = index if index == "version_current" else "version_identity"
            sql = Sql().add(f"SELECT target.position FROM ({_VALUES}) AS link", json.dumps(sources), number)  # noqa: S608
            sql.add(f"CROSS JOIN version AS target INDEXED BY {name}")
            sql.add(f"ON target.type = {type_in('link.value')} AND target.id = {id_in('link.value')} WHERE")
            selects.append(sql.take(visible))
        return self._counted(_all(selects), bound)

    def _names(self, positions: Sequence[int], number: int) -> tuple[str, ...]:
        """Return the values that versions have under a key."""
        return tuple(row[0] for row in self._connection.execute(_VALUES, (json.dumps(positions), number)))

    def _listed(self, expression: str, query: Query, bound: int) -> tuple[Any, ...] | None:
        """Return what an expression gives for all matches of another query; None where they are too many to list.

        A list keeps the statement flat, however long the chain of queries.
        """
        # A list is worth its making only if what links to it is few as well, and that is mostly more.
        drive = self.drive(query, bound // LINKS)
        if drive is None:
            return None
        sql = Sql().add(f"SELECT {expression} FROM version AS v NOT INDEXED WHERE v.position IN (").take(drive.select)  # noqa: S608
        sql.add(") AND").take(self._translator.matches(query))
        return tuple(row[0] for row in self._connection.execute(str(sql), sql.parameters))

    def _counted(self, select: Sql, bound: int) -> Drive | None:
        if bound < 0:
            return None
        sql = Sql().add("SELECT count(*) FROM (").take(select).add("LIMIT ?)", bound + 1)
        rows: int = self._connection.execute(str(sql), sql.parameters).fetchone()[0]
        return Drive(select, rows) if rows <= bound else None


def _exactly(predicate: Predicate | OneOf | OneOfPairs, drive: Drive | None) -> Drive | None:
    """Say of the drive of a predicate of rows that it is exact."""
    return drive and replace(drive, exact=predicate)


def _all(selects: Sequence[Sql]) -> Sql:
    """Return all that several selections select."""
    if len(selects) == 1:
        return selects[0]
    if len(selects) > _COMPOUND:
        return _all([_all(selects[start : start + _COMPOUND]) for start in range(0, len(selects), _COMPOUND)])
    sql = Sql()
    for place, select in enumerate(selects):
        sql.add("UNION ALL SELECT position FROM (" if place else "SELECT position FROM (").take(select).add(")")
    return sql
