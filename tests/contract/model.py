"""What a store should answer, computed the slow and obvious way: the oracle of the property-based test."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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
    Sort,
    Term,
    Together,
    Types,
    Updated,
    Word,
)
from service.search.rows import RangeRow, Row, TermRow, WordsRow
from service.store.base import Change, Version

_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(slots=True)
class Entry:
    """A version with the rows that it came with."""

    version: Version
    rows: tuple[Row, ...]


@dataclass(slots=True)
class Model:
    """A log as a list."""

    log: list[Entry] = field(default_factory=list)

    def add(self, change: Change, version: Version) -> None:
        """Take in a version that a store has made."""
        self.log.append(Entry(version, change.rows))

    def current(self, at: int) -> list[Entry]:
        """Return the newest entry of each resource at a seq, by position."""
        newest = {(e.version.type, e.version.id): e for e in self.log if e.version.seq <= at}
        return sorted(newest.values(), key=lambda entry: entry.version.position)

    def search(self, query: Query, at: int) -> list[Version]:
        """Return all matches at a seq, in the order of the query."""
        return [entry.version for entry in matches(query, self.current(at))]


def matches(query: Query, current: list[Entry]) -> list[Entry]:
    """Return the matches among the current entries of a moment, in the order of the query."""
    found = [
        entry
        for entry in current
        if entry.version.json is not None
        and (not query.types or entry.version.type in query.types)
        and holds(query.where, entry, current)
    ]
    for sort in reversed(query.sort):  # sorting is stable: what an earlier sort leaves equal, the later ones decide
        present = [entry for entry in found if values(sort, entry)]
        present.sort(
            key=lambda entry, sort=sort: (max if sort.descending else min)(values(sort, entry)),  # type: ignore[misc]
            reverse=sort.descending,
        )
        found = present + [entry for entry in found if not values(sort, entry)]
    return found


def values(sort: Sort, entry: Entry) -> list[str] | list[int]:
    """Return the values among which is the one that a version is sorted by."""
    match sort.field:
        case "id":
            return [entry.version.id]
        case "instant":
            return [entry.version.instant]
        case "value":
            return [row.value for row in entry.rows if isinstance(row, TermRow) and row.key == sort.key]
        case "low":
            return [row.low for row in entry.rows if isinstance(row, RangeRow) and row.key == sort.key]
        case "high":
            return [row.high for row in entry.rows if isinstance(row, RangeRow) and row.key == sort.key]


def holds(predicate: Predicate, entry: Entry, current: list[Entry]) -> bool:
    """Tell whether a predicate holds, by its definition in ``service/search/query.py``."""
    match predicate:
        case And(parts):
            return all(holds(part, entry, current) for part in parts)
        case Or(parts):
            return any(holds(part, entry, current) for part in parts)
        case Not(part):
            return not holds(part, entry, current)
        case Ids(ids):
            return entry.version.id in ids
        case Types(types):
            return entry.version.type in types
        case Updated(since, before):
            instant = entry.version.instant
            return (since is None or instant >= since) and (before is None or instant < before)
        case Together(parts):
            of_elements = [row for row in entry.rows if not isinstance(row, WordsRow)]
            return any(
                all(_of_rows(part, [row for row in of_elements if row.part == element]) for part in parts)
                for element in {row.part for row in of_elements if row.part > 0}
            )
        case Linked(key, query, names):
            return any(_links(entry, key) & _names(each, names) for each in matches(query, current))
        case ReverseLinked(key, query, names):
            return any(_names(entry, names) & _links(each, key) for each in matches(query, current))
        case _:
            return _of_rows(predicate, entry.rows)


def _names(entry: Entry, key: str | None) -> set[str]:
    return {f"{entry.version.type}/{entry.version.id}"} if key is None else _links(entry, key)


def _links(entry: Entry, key: str) -> set[str]:
    return {row.value for row in entry.rows if isinstance(row, TermRow) and row.key == key}


def _of_rows(predicate: Predicate, rows: Sequence[Row]) -> bool:
    match predicate:
        case And(parts):
            return all(_of_rows(part, rows) for part in parts)
        case Or(parts):
            return any(_of_rows(part, rows) for part in parts)
        case Term() | Prefix() | Contains() | Word() | Range():
            return any(row.key == predicate.key and _meets(predicate, row) for row in rows)
        case _:
            raise ValueError(predicate)


def _meets(predicate: Term | Prefix | Contains | Word | Range, row: Row) -> bool:
    match predicate, row:
        case Term(value=value, qualifier=qualifier), TermRow():
            return row.value == value and qualifier in (None, row.qualifier)
        case Prefix(text=text), TermRow():
            return row.value.startswith(text)
        case Contains(text=text, at_end=at_end), TermRow():
            return row.value.endswith(text) if at_end else text in row.value
        case Word(word=word), WordsRow():
            return word in row.words
        case Range(bounds=bounds), RangeRow():
            return all(
                _COMPARE[bound.operator](row.low if bound.end == "low" else row.high, bound.value) for bound in bounds
            )
        case _:
            return False
