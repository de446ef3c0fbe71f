"""Predicates to conditions on one version, answered from its own rows by the primary key.

These conditions are what decides; which versions they are asked of is the business of :mod:`service.store.sqlite.plan`.
As a version's rows are visible exactly when it is, no condition on them repeats the moment of the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

from service.search.query import (
    And,
    Contains,
    Ids,
    Linked,
    Not,
    Or,
    Predicate,
    Prefix,
    Query,
    Range,
    ReverseLinked,
    Term,
    Together,
    Types,
    Updated,
    Word,
)
from service.store.sqlite.sql import (
    Moment,
    OneOf,
    OneOfPairs,
    RowPredicate,
    Sql,
    alternatives,
    joined,
    row_condition,
    table_of,
)
from service.store.sqlite.words import has_word

Numbers = Callable[[str], int | None]
"""From a key's name to its number; None where the store has never indexed it, so that no row has it."""


class Translator:
    """Writes the conditions of one statement; every table in it gets a name of its own."""

    def __init__(self, moment: Moment, numbers: Numbers):
        self.moment = moment
        self.numbers = numbers
        self._names = count(1)

    def matches(self, query: Query, alias: str = "v") -> Sql:
        """Return the condition that the version under this name is a match of the query."""
        sql = self.moment.visible(alias)
        if query.types:
            sql.add(f"AND {alias}.type").among(query.types)
        return sql.add("AND").take(self.holds(query.where, alias))

    def holds(self, predicate: Predicate | OneOf | OneOfPairs, v: str) -> Sql:
        """Return the condition that a predicate holds for the version under the name ``v``."""
        match predicate:
            case And(parts):
                return joined([self.holds(part, v) for part in parts], "AND", "1")
            case Or(parts):
                return joined([self.holds(part, v) for part in alternatives(parts)], "OR", str(_never(v)))
            case Not(part):
                return Sql().add("NOT").take(self.holds(part, v))
            case Ids(ids):
                return Sql().add(f"({v}.id").among(ids).add(")")
            case Types(types):
                return Sql().add(f"({v}.type").among(types).add(")")
            case Updated(since, before):
                bounds = ((">=", since), ("<", before))
                return joined(
                    [Sql().add(f"({v}.instant {sign} ?)", end) for sign, end in bounds if end is not None], "AND", "1"
                )
            case Together(parts):
                return self._together(parts, v)
            case Linked() | ReverseLinked():
                return self._exists(predicate, v)
            case Word():
                number = self.numbers(predicate.key)
                return _never(v) if number is None else has_word(predicate, number, v)
            case Term() | OneOf() | OneOfPairs() | Prefix() | Contains() | Range():
                rows = self._rows(predicate, v, "1")
                return Sql().add("EXISTS (").take(rows).add(")") if rows else _never(v)

    def _rows(self, predicate: RowPredicate, v: str, column: str) -> Sql | None:
        number = self.numbers(predicate.key)
        if number is None:
            return None
        table = table_of(predicate)
        # A bare table name: the condition's columns are this table's, not those of another of the same name outside.
        sql = Sql().add(f"SELECT {column} FROM {table} WHERE {table}.position = {v}.position AND key = ?", number)  # noqa: S608
        return sql.take(row_condition(predicate, seek=False))

    def _together(self, parts: tuple[Predicate, ...], v: str) -> Sql:
        element = f"e{next(self._names)}"
        sources = self._elements(And(parts), v)
        if not sources:
            return _never(v)
        sql = Sql().add("EXISTS (SELECT 1 FROM (")
        for place, source in enumerate(sources):
            sql.add("UNION" if place else "").take(source)
        sql.add(f") AS {element} WHERE {element}.part > 0 AND")
        return sql.take(self._of_element(And(parts), v, element)).add(")")

    def _elements(self, predicate: Predicate | OneOf | OneOfPairs, v: str) -> list[Sql]:
        """Return selections of the elements among which are all those that the predicate holds for."""
        match predicate:
            case Or(parts):
                return [source for part in alternatives(parts) for source in self._elements(part, v)]
            case And(parts) if parts:
                return self._elements(parts[0], v)
            case Term() | OneOf() | OneOfPairs() | Prefix() | Contains() | Range():
                rows = self._rows(predicate, v, "part")
                return [rows] if rows else []
            case _:
                tables = ("term", "span")
                return [Sql().add(f"SELECT part FROM {name} WHERE {name}.position = {v}.position") for name in tables]  # noqa: S608

    def _of_element(self, predicate: Predicate | OneOf | OneOfPairs, v: str, element: str) -> Sql:
        match predicate:
            case And(parts):
                return joined([self._of_element(part, v, element) for part in parts], "AND", "1")
            case Or(parts):
                return joined(
                    [self._of_element(part, v, element) for part in alternatives(parts)], "OR", str(_never(v))
                )
            case Term() | OneOf() | OneOfPairs() | Prefix() | Contains() | Range():
                rows = self._rows(predicate, v, "1")
                if rows is None:
                    return _never(v)
                return Sql().add("EXISTS (").take(rows).add(f"AND {table_of(predicate)}.part = {element}.part)")
            case _:
                raise ValueError(f"{type(predicate).__name__} asks nothing of the rows of an element")

    def _exists(self, predicate: Linked | ReverseLinked, v: str) -> Sql:
        """Return the condition that there is a chain of links; it is one join, however long the chain."""
        tables, conditions = Sql(), Sql().add("WHERE 1")
        self._follow(predicate, v, tables, conditions)
        return Sql().add("EXISTS (SELECT 1 FROM").take(tables).take(conditions).add(")")

    def _follow(self, predicate: Linked | ReverseLinked, v: str, tables: Sql, conditions: Sql) -> None:
        link, other = f"t{next(self._names)}", f"v{next(self._names)}"
        tables.add("CROSS JOIN" if tables.text else "")
        if isinstance(predicate, Linked) and predicate.names is None:
            index = "version_current" if self.moment.newest else "version_identity"
            tables.add(f"term AS {link} CROSS JOIN version AS {other} INDEXED BY {index}")
            conditions.add("AND").take(self._own(link, predicate.key, v))
            conditions.add(f"AND {other}.type = {type_in(f'{link}.value')} AND {other}.id = {id_in(f'{link}.value')}")
        else:
            last = link
            if predicate.names is None:
                tables.add(f"term AS {link}")
                conditions.add("AND").take(self._anyones(link, predicate.key, f"{v}.type || '/' || {v}.id"))
            else:
                # A name of one is a link of the other: a row of this version, and those of others with its value.
                last = f"n{next(self._names)}"
                forward = isinstance(predicate, Linked)
                own, anyones = (predicate.key, predicate.names) if forward else (predicate.names, predicate.key)
                tables.add(f"term AS {link} CROSS JOIN term AS {last}")
                conditions.add("AND").take(self._own(link, own, v))
                conditions.add("AND").take(self._anyones(last, anyones, f"{link}.value"))
            tables.add(f"CROSS JOIN version AS {other} NOT INDEXED")
            conditions.add(f"AND {other}.position = {last}.position")
        query = predicate.query
        conditions.add("AND").take(self.moment.visible(other))
        if query.types:
            conditions.add(f"AND {other}.type").among(query.types)
        for part in conjuncts(query.where):
            if isinstance(part, Linked | ReverseLinked):
                self._follow(part, other, tables, conditions)
            else:
                conditions.add("AND").take(self.holds(part, other))

    def _own(self, row: str, key: str, v: str) -> Sql:
        """Return the condition that a term row is one of a version's under a key."""
        return Sql().add(f"{row}.position = {v}.position AND {row}.key = ?", self._number(key))

    def _anyones(self, row: str, key: str, value: str) -> Sql:
        """Return the condition that a term row is a visible one, of whatever version, with this value under a key."""
        rows = [
            Sql().add(f"({row}.key = ? AND {row}.value = {value} AND", self._number(key)).take(condition).add(")")
            for _, condition in self.indexes("term", f"{row}.until")
        ]
        return joined(rows, "OR", "0")

    def _number(self, key: str) -> int:
        number = self.numbers(key)
        return -1 if number is None else number

    def indexes(self, table: str, until: str, current: str = "") -> Iterable[tuple[str, Sql]]:
        """Yield the indexes that have the visible rows of a table, with the condition that goes with each."""
        yield f"{table}_current{current}", Sql().add(f"{until} IS NULL")
        if not self.moment.newest:
            yield f"{table}_past", Sql().add(f"{until} > ?", self.moment.seq)


def conjuncts(predicate: Predicate) -> Iterable[Predicate]:
    """Yield the predicates that must all hold."""
    if isinstance(predicate, And):
        for part in predicate.parts:
            yield from conjuncts(part)
    else:
        yield predicate


def _never(v: str) -> Sql:
    """Return a condition that never holds and that SQLite does not know as a constant.

    Before a constant it would drop what stands beside it, and then complain of an index it was told to use.
    """
    return Sql().add(f"({v}.position < 0)")


def type_in(value: str) -> str:
    """Return the expression for the type in ``type/id``."""
    return f"substr({value}, 1, instr({value}, '/') - 1)"


def id_in(value: str) -> str:
    """Return the expression for the id in ``type/id``."""
    return f"substr({value}, instr({value}, '/') + 1)"
