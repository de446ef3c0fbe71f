"""Predicates to SQL: prepared statements only, every value a parameter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from service.search.query import And, Contains, Ids, Not, Or, Predicate, Prefix, Query, Range, Term, Updated
from service.store.base import SEQ_BITS

_HIGHEST: Final = "\U0010ffff"


@dataclass(slots=True)
class Sql:
    """A piece of SQL being written, with its parameters in order."""

    text: list[str] = field(default_factory=list)
    parameters: list[str | int] = field(default_factory=list)

    def add(self, text: str, *parameters: str | int) -> None:
        """Append text whose question marks stand for these parameters."""
        self.text.append(text)
        self.parameters.extend(parameters)

    def __str__(self) -> str:
        return " ".join(self.text)


@dataclass(frozen=True, slots=True)
class Moment:
    """The seq that a statement reads at; ``newest``: nothing that it can see has been superseded."""

    seq: int
    newest: bool

    @property
    def bound(self) -> int:
        """The first position that is not visible."""
        return (self.seq + 1) << SEQ_BITS


def where(query: Query, moment: Moment, keys: dict[str, int]) -> Sql:
    """Return the condition on ``version AS v`` that a match of the query fulfils.

    ``keys`` holds the number of each key of the query that the store has ever indexed; no row has any other.
    """
    sql = Sql()
    sql.add("v.json IS NOT NULL")
    if moment.newest:
        sql.add("AND v.until IS NULL")
    else:
        sql.add("AND v.position < ? AND (v.until IS NULL OR v.until > ?)", moment.bound, moment.seq)
    if query.types:
        sql.add("AND v.type IN")
        _values(sql, query.types)
    sql.add("AND")
    _predicate(sql, query.where, moment, keys)
    return sql


def key_names(predicate: Predicate) -> Iterable[str]:
    """Yield every key that a predicate asks for."""
    match predicate:
        case And(parts) | Or(parts):
            for part in parts:
                yield from key_names(part)
        case Not(part):
            yield from key_names(part)
        case Term(key=key) | Prefix(key=key) | Contains(key=key) | Range(key=key):
            yield key
        case Ids() | Updated():
            pass


def _values(sql: Sql, values: Iterable[str]) -> None:
    items = list(values)
    sql.add(f"({', '.join('?' * len(items))})", *items)


def _predicate(sql: Sql, predicate: Predicate, moment: Moment, keys: dict[str, int]) -> None:
    match predicate:
        case And(parts):
            _join(sql, parts, "AND", "1", moment, keys)
        case Or(parts):
            _join(sql, parts, "OR", "0", moment, keys)
        case Not(part):
            sql.add("NOT")
            _predicate(sql, part, moment, keys)
        case Ids(ids):
            sql.add("v.id IN")
            _values(sql, ids)
        case Updated(since, before):
            sql.add("(1")
            if since is not None:
                sql.add("AND v.instant >= ?", since)
            if before is not None:
                sql.add("AND v.instant < ?", before)
            sql.add(")")
        case _:
            _rows(sql, predicate, moment, keys)


def _join(sql: Sql, parts: Iterable[Predicate], word: str, empty: str, moment: Moment, keys: dict[str, int]) -> None:
    sql.add("(")
    first = True
    for part in parts:
        if not first:
            sql.add(word)
        _predicate(sql, part, moment, keys)
        first = False
    sql.add(f"{empty})" if first else ")")


def _rows(sql: Sql, predicate: Term | Prefix | Contains | Range, moment: Moment, keys: dict[str, int]) -> None:
    number = keys.get(predicate.key)
    if number is None:
        sql.add("0")
        return
    table = "span" if isinstance(predicate, Range) else "term"
    sql.add("v.position IN (")
    _select(sql, table, predicate, number)
    sql.add("AND until IS NULL")
    if not moment.newest:
        sql.add("UNION ALL")
        _select(sql, table, predicate, number)
        sql.add("AND until > ?", moment.seq)
    sql.add(")")


def _select(sql: Sql, table: str, predicate: Term | Prefix | Contains | Range, number: int) -> None:
    sql.add(f"SELECT position FROM {table} WHERE key = ?", number)  # noqa: S608  # one of two constant names
    match predicate:
        case Term(value=value, qualifier=qualifier):
            sql.add("AND value = ?", value)
            if qualifier is not None:
                sql.add("AND qualifier = ?", qualifier)
        case Prefix(text=text):
            # A range, unlike LIKE, is always index-bound and knows no wildcards.
            sql.add("AND value >= ?", text)
            if (end := _after_prefix(text)) is not None:
                sql.add("AND value < ?", end)
        case Contains(text=text):
            sql.add("AND instr(value, ?) > 0", text)
        case Range(bounds=bounds):
            for bound in bounds:
                sql.add(f"AND {bound.end} {bound.operator} ?", bound.value)


def _after_prefix(text: str) -> str | None:
    """Return the least text that sorts after everything with this prefix, or None where everything sorts before."""
    stem = text.rstrip(_HIGHEST)
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates are no characters
