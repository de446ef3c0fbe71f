"""A search: candidates from an index, sorted out by the conditions, in the order of the query.

Everything is lazy: candidates come in batches that begin with the size of a page, so that what is read grows with the
page and not with the registry. The plan is:

* few candidates (:data:`SMALL`) by some index: they are collected, sorted out and put in order;
* else, without an order: the walk by position that makes the greatest steps;
* else the values of the first sort, in their index's order, and after these the resources that have no value.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import total_ordering
from itertools import islice
from typing import Final

from service.search.query import EVERYTHING, And, Or, Predicate, Prefix, Query, Range, Sort, Types, Updated
from service.store.sqlite.plan import Planner
from service.store.sqlite.reach import limits
from service.store.sqlite.sql import Moment, OneOf, OneOfPairs, Sql
from service.store.sqlite.translate import Numbers, Translator, conjuncts
from service.store.sqlite.walk import BIG, END, Listed, Run, Source, Value, Walk, Walks

SMALL: Final = 2000
"""Candidates that are collected; where every index has more, one is walked."""
SAMPLE: Final = 32
"""Entries by which walks are compared."""

Values = tuple[Value | None, ...]
Fixed = tuple[tuple[Sort, Value | None], ...]
"""Sorts whose value is given: what is being put in order has equal ones."""


@dataclass(frozen=True, slots=True)
class After:
    """Where to go on: the values of the last match by the sorts that are left, and its position."""

    values: Values
    position: int

    def rest(self) -> After:
        """Return the same for the sorts after the first."""
        return After(self.values[1:], self.position)


class Finder:
    """One query at one moment, in one read transaction."""

    def __init__(self, connection: sqlite3.Connection, query: Query, moment: Moment, numbers: Numbers):
        self._connection = connection
        self._translator = Translator(moment, numbers)
        self._planner = Planner(connection, self._translator)
        types, parts = list(query.types), list(conjuncts(query.where))
        for part in parts:
            if isinstance(part, Types):
                # Where that leaves none, one is named that no resource has: none named would be all.
                types = [type_ for type_ in part.types if not types or type_ in types] or [""]
        self._query = query = Query(tuple(types), query.where, query.sort)
        self._parts = parts
        self._numbers = numbers
        self._start = 0
        self._end = moment.bound
        if not types and any(sort.field == "id" for sort in query.sort):
            types = self._planner.types() or [""]
        self._walks = Walks(connection, self._translator, types)
        self._filters: dict[tuple[tuple[Sort, ...], Fixed], Sql] = {}

    def positions(self, after: int | None, limit: int) -> list[int]:
        """Return the positions of a page."""
        found: list[int] = []
        if limit > 0:
            for position in self._results(after, limit):
                found.append(position)
                if len(found) == limit:
                    break
        return found

    def count(self, limit: int | None) -> int:
        """Return the number of matches, counted up to the limit."""
        most = END if limit is None else limit
        if self._query.where == EVERYTHING and self._translator.moment.newest and len(self._query.types) <= 1:
            sql = Sql().add("SELECT count(*) FROM (").take(self._walks.of_types(END).branches[0])
            sql.add("AND position > 0 LIMIT ?)", most)
            number: int = self._connection.execute(str(sql), sql.parameters).fetchone()[0]
            return number
        self._bounds()
        drive = self._planner.drive(self._query, SMALL)
        if drive is not None:
            return self._count(
                Sql().add("SELECT DISTINCT position FROM (").take(drive.select).add(")"), drive.exact, most
            )
        size = min(max(most, SAMPLE), BIG)
        if (order := self._order()) is not None:
            if isinstance(order, Prefix):
                return self._count(self._walks.of_prefix(order), order, most)
            return sum(1 for _ in islice(self._ordered((order,), (), None, size), most))
        source = self._source((), self._start, self._end)
        if len(source.branches) > 1 and source.exact is None:  # merged in batches, which end where the limit does
            return sum(1 for _ in islice(self._by_position(source, (), 0, size), most))
        select = Sql().add("SELECT DISTINCT position FROM (")
        for place, branch in enumerate(source.branches):
            select.add("UNION ALL" if place else "").take(branch)
            select.add("AND position > ? AND position < ?", self._start, self._end)
        return self._count(select.add(")"), source.exact, most)

    def _count(self, select: Sql, exact: Predicate | OneOf | OneOfPairs | None, most: int) -> int:
        """Return how many of a selection are matches, counted up to a number."""
        sql = Sql().add("SELECT count(*) FROM (SELECT 1 FROM (").take(select).add(") AS chosen CROSS JOIN version AS v")
        if exact is not None and self._translator.moment.newest and self._query.types:
            # What the rows tell by themselves is not asked again, so that the versions need not be read for it.
            sql.add("INDEXED BY version_of_type ON v.type").among(self._query.types)
            sql.add("AND v.position = chosen.position WHERE")
            others = And(tuple(part for part in self._parts if part != exact))
            sql.take(self._translator.holds(others, "v"))
        else:
            sql.add("NOT INDEXED ON v.position = chosen.position WHERE")
            sql.take(self._translator.matches(self._query))
        sql.add("LIMIT ?)", most)
        counted: int = self._connection.execute(str(sql), sql.parameters).fetchone()[0]
        return counted

    def _order(self) -> Prefix | Sort | None:
        """Return what has the matches lie together, where no walk by position is bounded by the query."""
        if any(self._walks.of_predicate(part, END) for part in self._parts):
            return None
        for part in self._parts:
            if isinstance(part, Prefix):
                return part
        possible = (Sort("low", key) for part in self._parts for key in _keys(part))
        return next((sort for sort in possible if limits(self._query.where, sort).known), None)

    def _bounds(self) -> None:
        """Bound the positions by the instants that the query asks for."""
        for part in self._parts:
            if isinstance(part, Updated):
                if part.since is not None:
                    self._start = max(self._start, self._walks.first_position(part.since) - 1)
                if part.before is not None:
                    self._end = min(self._end, self._walks.first_position(part.before))

    def _results(self, after: int | None, size: int) -> Iterator[int]:
        """Yield the positions of the matches in order; ``size`` is how many will be wanted."""
        self._bounds()
        sorts = self._query.sort
        last = self._after(sorts, after) if after else None
        drive = self._planner.drive(self._query, SMALL)
        if drive is None:
            return self._ordered(sorts, (), last, max(size, SAMPLE))
        sql = Sql().add("SELECT DISTINCT position FROM (").take(drive.select).add(") WHERE position > ?", self._start)
        sql.add("AND position < ? ORDER BY position", self._end)
        listed = Listed([row[0] for row in self._connection.execute(str(sql), sql.parameters)])
        if not sorts:
            return self._by_position(listed, (), after or 0, max(size, SAMPLE))
        return iter(self._put_in_order([(None, position) for position in listed.positions], sorts, (), last))

    def _ordered(self, sorts: tuple[Sort, ...], fixed: Fixed, after: After | None, size: int) -> Iterator[int]:
        if not sorts:
            start, end = self._within(fixed)
            start = max(start, after.position if after else 0)
            yield from self._by_position(self._source(fixed, start, end), fixed, start, size)
            return
        first, rest = sorts[0], sorts[1:]
        known = None if after is None else after.values[0]
        within = limits(self._query.where, first)
        if after is None or known is not None:
            for run in self._walks.runs(first, known, size, within):
                if isinstance(run, list):
                    yield from self._put_in_order(run, sorts, fixed, after)
                else:
                    inner = after.rest() if after and run == known else None
                    yield from self._ordered(rest, (*fixed, (first, run)), inner, size)
        if first.field not in ("id", "instant") and not within.known:
            inner = after.rest() if after and known is None else None
            yield from self._ordered(rest, (*fixed, (first, None)), inner, size)

    def _put_in_order(
        self, run: Run | list[tuple[None, int]], sorts: tuple[Sort, ...], fixed: Fixed, after: After | None
    ) -> list[int]:
        """Return the matches of a run in order; an entry whose value is not what its resource is sorted by is none."""
        found: dict[int, Values] = {}
        for start in range(0, len(run), BIG):
            part = run[start : start + BIG]
            values = self._matches([position for _, position in part], sorts, fixed)
            for value, position in part:
                if position in values and value in (None, values[position][0]):
                    found[position] = values[position]
        places = sorted((_place(sorts, values, position), position) for position, values in found.items())
        least = _place(sorts, after.values, after.position) if after else ()
        return [position for place, position in places if place > least]

    def _by_position(self, source: Source, fixed: Fixed, after: int, size: int) -> Iterator[int]:
        after = max(after, self._start)
        while batch := source.batch(after, size):
            matches = self._matches(batch, (), fixed)
            yield from (position for position in batch if position in matches)
            after = batch[-1]
            size = min(size * 2, BIG)

    def _within(self, fixed: Fixed) -> tuple[int, int]:
        """Return the positions between which everything lies: a given instant has its own."""
        start, end = self._start, self._end
        for sort, value in fixed:
            if sort.field == "instant" and isinstance(value, int):
                start = max(start, self._walks.first_position(value) - 1)
                end = min(end, self._walks.first_position(value + 1))
        return start, end

    def _source(self, fixed: Fixed, start: int, end: int) -> Walk:
        """Return the walk that goes furthest with the same number of steps."""
        walks: list[Walk | None] = [self._walks.of_predicate(part, end) for part in self._parts]
        walks += [self._walks.of_value(sort, value, end) for sort, value in fixed if value is not None]
        walks.append(self._walks.of_types(end))
        possible = [walk for walk in walks if walk is not None]
        if len(possible) == 1:
            return possible[0]

        def reach(walk: Walk) -> int:
            sample = walk.batch(start, SAMPLE)
            return sample[-1] if len(sample) == SAMPLE else END

        return max(possible, key=reach)

    def _matches(self, positions: Sequence[int], sorts: tuple[Sort, ...], fixed: Fixed) -> dict[int, Values]:
        """Return which of these versions are matches, with their values by the sorts."""
        sql = self._filters.get((sorts, fixed))
        if sql is None:
            sql = self._filters[sorts, fixed] = self._filter(sorts, fixed)
        parameters = [json.dumps(list(positions)), *sql.parameters]
        return {row[0]: row[1:] for row in self._connection.execute(str(sql), parameters)}

    def _filter(self, sorts: tuple[Sort, ...], fixed: Fixed) -> Sql:
        """Return the statement of :meth:`_matches`, whose first parameter, the positions, is left open."""
        sql = Sql().add("WITH chosen AS (SELECT value FROM json_each(?)) SELECT v.position").take(self._columns(sorts))
        sql.add("FROM chosen CROSS JOIN version AS v NOT INDEXED ON v.position = chosen.value WHERE")
        sql.take(self._translator.matches(self._query))
        for sort, value in fixed:
            sql.add("AND").take(self._value(sort)).add("IS NULL" if value is None else "= ?")
            if value is not None:
                sql.parameters.append(value)
        return sql

    def _columns(self, sorts: tuple[Sort, ...]) -> Sql:
        sql = Sql()
        for sort in sorts:
            sql.add(",").take(self._value(sort))
        return sql

    def _after(self, sorts: tuple[Sort, ...], position: int) -> After:
        # By the version's own rows, which are kept: it need not be visible any more.
        sql = Sql().add("SELECT v.position").take(self._columns(sorts))
        sql.add("FROM version AS v WHERE v.position = ?", position)
        row = self._connection.execute(str(sql), sql.parameters).fetchone()
        return After(tuple(row[1:]) if row else (None,) * len(sorts), position)

    def _value(self, sort: Sort) -> Sql:
        """Return the expression for what a version is sorted by."""
        if sort.field in ("id", "instant"):
            return Sql().add(f"v.{sort.field}")
        number = self._numbers(sort.key)
        if number is None:
            return Sql().add("NULL")
        table = "term" if sort.field == "value" else "span"
        least = "max" if sort.descending else "min"
        return Sql().add(
            f"(SELECT {least}({sort.field}) FROM {table} WHERE {table}.position = v.position AND key = ?)",  # noqa: S608
            number,
        )


def _keys(predicate: Predicate) -> Iterator[str]:
    """Yield the keys whose ranges a predicate may bound."""
    if isinstance(predicate, Or | And):
        for part in predicate.parts:
            yield from _keys(part)
    elif isinstance(predicate, Range):
        yield predicate.key


@total_ordering
class _Down:
    """A value that is sorted the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Value):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and self.value == other.value

    def __lt__(self, other: _Down) -> bool:
        return other.value < self.value  # type: ignore[operator]  # both are text or both are numbers

    __hash__ = None  # type: ignore[assignment]


def _place(sorts: tuple[Sort, ...], values: Values, position: int) -> tuple[object, ...]:
    """Return what sorts as the query says: a value that is missing after all others, ties by position."""
    keys: list[object] = []
    for sort, value in zip(sorts, values, strict=True):
        keys += (True, 0) if value is None else (False, _Down(value) if sort.descending else value)
    return (*keys, position)
