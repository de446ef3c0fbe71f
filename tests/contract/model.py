"""What a store should answer, computed the slow and obvious way: the oracle of the property-based test."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field

from service.search.query import And, Contains, Ids, Not, Or, Predicate, Prefix, Query, Range, Term, Updated
from service.search.rows import RangeRow, Row, TermRow
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
        """Return all matches at a seq, by position."""
        return [
            entry.version
            for entry in self.current(at)
            if entry.version.json is not None
            and (not query.types or entry.version.type in query.types)
            and holds(query.where, entry)
        ]


def holds(predicate: Predicate, entry: Entry) -> bool:
    """Tell whether a predicate holds, by its definition in ``service/search/query.py``."""
    match predicate:
        case And(parts):
            return all(holds(part, entry) for part in parts)
        case Or(parts):
            return any(holds(part, entry) for part in parts)
        case Not(part):
            return not holds(part, entry)
        case Ids(ids):
            return entry.version.id in ids
        case Updated(since, before):
            instant = entry.version.instant
            return (since is None or instant >= since) and (before is None or instant < before)
        case _:
            return any(row.key == predicate.key and _meets(predicate, row) for row in entry.rows)


def _meets(predicate: Term | Prefix | Contains | Range, row: Row) -> bool:
    match predicate, row:
        case Term(value=value, qualifier=qualifier), TermRow():
            return row.value == value and qualifier in (None, row.qualifier)
        case Prefix(text=text), TermRow():
            return row.value.startswith(text)
        case Contains(text=text), TermRow():
            return text in row.value
        case Range(bounds=bounds), RangeRow():
            return all(
                _COMPARE[bound.operator](row.low if bound.end == "low" else row.high, bound.value) for bound in bounds
            )
        case _:
            return False
