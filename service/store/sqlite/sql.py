"""Pieces of SQL: prepared statements only, every value a parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from service.search.query import Contains, Predicate, Prefix, Range, Term
from service.store.base import SEQ_BITS


@dataclass(frozen=True, slots=True)
class OneOf:
    """A term row has one of these values: what alternatives of terms are put together to."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OneOfPairs:
    """A term row has one of these values with its qualifier."""

    key: str
    pairs: tuple[tuple[str, str], ...]


RowPredicate = Term | Prefix | Contains | Range | OneOf | OneOfPairs

_HIGHEST: Final = "\U0010ffff"
_LISTED: Final = 100
"""Values that a statement has a parameter for each; more of them are one parameter, a JSON array."""

_IN_A_ROW: Final = 50


@dataclass(slots=True)
class Sql:
    """A piece of SQL being written, with its parameters in order."""

    text: list[str] = field(default_factory=list)
    parameters: list[str | int] = field(default_factory=list)

    def add(self, text: str, *parameters: str | int) -> Sql:
        """Append text whose question marks stand for these parameters."""
        self.text.append(text)
        self.parameters.extend(parameters)
        return self

    def take(self, other: Sql) -> Sql:
        """Append another piece."""
        self.text.extend(other.text)
        self.parameters.extend(other.parameters)
        return self

    def among(self, values: Iterable[str]) -> Sql:
        """Append ``IN`` and a list of values."""
        items = list(values)
        if not items:  # an empty list is taken for a constant, with which an index that was asked for has no use
            return self.add("IN (SELECT NULL WHERE 0)")
        if len(items) > _LISTED:
            return self.add("IN (SELECT value FROM json_each(?))", json.dumps(items))
        return self.add(f"IN ({', '.join('?' * len(items))})", *items)

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

    def visible(self, alias: str) -> Sql:
        """Return the condition that a version is visible and no deletion."""
        sql = Sql().add(f"{alias}.json IS NOT NULL")
        if self.newest:
            return sql.add(f"AND {alias}.until IS NULL")
        return sql.add(
            f"AND {alias}.position < ? AND ({alias}.until IS NULL OR {alias}.until > ?)", self.bound, self.seq
        )


def table_of(predicate: RowPredicate) -> str:
    """Return the table that has the rows that a predicate asks for."""
    return "span" if isinstance(predicate, Range) else "term"


def row_condition(predicate: RowPredicate, *, seek: bool = True) -> Sql:
    """Return what a row of the predicate's key fulfils, each condition led in by AND.

    ``seek``: an index is asked for each of several values, else each row is looked up among them.
    """
    value = "value" if seek else "+value"
    sql = Sql()
    match predicate:
        case Term(value=value, qualifier=qualifier):
            sql.add("AND value = ?", value)
            if qualifier is not None:
                sql.add("AND qualifier = ?", qualifier)
        case OneOf(values=values):
            sql.add(f"AND {value}").among(values)
        case OneOfPairs(pairs=pairs):
            if seek:  # by the values alone, which are what an index begins with
                sql.take(row_condition(OneOf(predicate.key, tuple(dict.fromkeys(value for value, _ in pairs)))))
            sql.add("AND (+value, +qualifier) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')")
            sql.add("FROM json_each(?))", json.dumps(pairs))
        case Prefix(text=text):
            # A range, unlike LIKE, is always index-bound and knows no wildcards.
            sql.add("AND value >= ?", text)
            if (end := after_prefix(text)) is not None:
                sql.add("AND value < ?", end)
        case Contains(text=text, at_end=True):
            sql.add("AND substr(value, max(1, length(value) - ? + 1)) = ?", len(text), text)
        case Contains(text=text):
            sql.add("AND instr(value, ?) > 0", text)
        case Range(bounds=bounds):
            for bound in bounds:
                sql.add(f"AND {bound.end} {bound.operator} ?", bound.value)
    return sql


def alternatives(parts: Iterable[Predicate]) -> list[Predicate | OneOf | OneOfPairs]:
    """Return the parts of an Or with the terms of each key put together: one condition instead of hundreds."""
    values: dict[str, dict[str, None]] = {}
    pairs: dict[str, dict[tuple[str, str], None]] = {}
    others: list[Predicate] = []
    for part in parts:
        if not isinstance(part, Term):
            others.append(part)
        elif part.qualifier is None:
            values.setdefault(part.key, {})[part.value] = None
        else:
            pairs.setdefault(part.key, {})[part.value, part.qualifier] = None
    return [
        *others,
        *(OneOf(key, tuple(found)) for key, found in values.items()),
        *(OneOfPairs(key, tuple(found)) for key, found in pairs.items()),
    ]


def joined(parts: Sequence[Sql], word: str, empty: str) -> Sql:
    """Return the parts with a word between, in brackets.

    Many parts make a tree, since SQLite bounds the depth of an expression; a few make a row, since it bounds the
    nesting of brackets as well.
    """
    if not parts:
        return Sql().add(empty)
    if len(parts) == 1:
        return parts[0]
    if len(parts) > _IN_A_ROW:
        step = -(-len(parts) // _IN_A_ROW)
        parts = [joined(parts[start : start + step], word, empty) for start in range(0, len(parts), step)]
    sql = Sql().add("(").take(parts[0])
    for part in parts[1:]:
        sql.add(word).take(part)
    return sql.add(")")


def after_prefix(text: str) -> str | None:
    """Return the least text that sorts after everything with this prefix, or None where everything sorts before."""
    stem = text.rstrip(_HIGHEST)
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates are no characters
