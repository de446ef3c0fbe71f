"""Where a walk in the order of a sort may begin, and what it may pass over, when the search bounds the sort's own key.

A resource is sorted by the least of its values (descending: the greatest), whichever of them it matches by. So what
matches ``value >= x`` may come before ``x`` in the order: by another of its values, or by a range that begins before
``x`` and ends after. The table ``reach`` tells where such resources are: for the first :data:`LABEL` characters of what
resources are sorted by, how far the furthest of them reaches. It is only ever added to, so what was superseded or
removed may cost a look in vain, but nothing is missed, at a past seq neither. Nobody sorts by the components of a
composite, so their keys have no reaches; a search that did would walk from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from service.search.query import And, Or, Predicate, Prefix, Range, Sort, Term, Together
from service.search.rows import COMPONENT
from service.store.sqlite.sql import OneOf, OneOfPairs, Sql, after_prefix, alternatives

LABEL: Final = 16
"""Characters of a label: a number to five digits, so that there are far fewer labels than resources."""
_STEP: Final = " "
"""Put behind a text, it makes one that is greater; that others lie between the two only costs a look in vain."""

Field = Literal["value", "low", "high"]
Reach = tuple[int, Field, int, str, str]
"""A row of the table: key, field, whether descending, label, reach."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Matches have a value from ``start`` on, in the direction of the sort; none is sorted after ``end``.

    For a resource that is sorted before ``start``, the table says that it reaches beyond. None is unknown.
    """

    start: str | None = None
    end: str | None = None

    @property
    def known(self) -> bool:
        """Whether a match must have a value."""
        return self.start is not None or self.end is not None


def limits(predicate: Predicate | OneOf | OneOfPairs, sort: Sort) -> Limits:
    """Return the limits that a predicate sets to what can be its matches in the order of a sort."""
    if (sort.field, sort.descending) in (("low", True), ("high", False)) or not reaches(sort.key):
        return Limits()  # nobody sorts a range by the end that is turned away, and the table does not tell
    match predicate:
        case And(parts) | Together(parts):
            found = [limits(part, sort) for part in parts]
            starts = [each.start for each in found if each.start is not None]
            ends = [each.end for each in found if each.end is not None]
            return Limits(_last(starts, sort), _first(ends, sort))
        case Or(parts) if parts:
            found = [limits(part, sort) for part in alternatives(parts)]
            starts = [each.start for each in found if each.start is not None]
            ends = [each.end for each in found if each.end is not None]
            return Limits(
                _first(starts, sort) if len(starts) == len(found) else None,
                _last(ends, sort) if len(ends) == len(found) else None,
            )
        case Term(key=key, value=value) if key == sort.key and sort.field == "value":
            return _between(value, value, sort)
        case OneOf(key=key, values=values) if key == sort.key and sort.field == "value":
            return _between(min(values), max(values), sort)
        case OneOfPairs(key=key, pairs=pairs) if key == sort.key and sort.field == "value":
            return _between(min(pairs)[0], max(pairs)[0], sort)
        case Prefix(key=key, text=text) if key == sort.key and sort.field == "value":
            return _between(text, after_prefix(text), sort)
        case Range(key=key) if key == sort.key:
            return _of_range(predicate, sort)
        case _:
            return Limits()


def reaches(key: str) -> bool:
    """Whether the table tells of a key."""
    return COMPONENT not in key


def _between(low: str, high: str | None, sort: Sort) -> Limits:
    if sort.descending:
        return Limits(None if high is None else high + _STEP, low)
    return Limits(low, high)


def _of_range(predicate: Range, sort: Sort) -> Limits:
    starts: list[str] = []
    ends: list[str] = []
    for bound in predicate.bounds:
        if sort.field == "low" and bound.operator in (">", ">="):
            if (bound.end, bound.operator) != ("high", ">="):  # one that ends there does not reach beyond
                starts.append(bound.value)
        elif sort.field == "high" and bound.operator in ("<", "<="):
            starts.append(bound.value + _STEP if (bound.end, bound.operator) == ("low", "<=") else bound.value)
        elif bound.end == sort.field:
            ends.append(bound.value)
    return Limits(_last(starts, sort), _first(ends, sort))


def _first(values: list[str], sort: Sort) -> str | None:
    return (max if sort.descending else min)(values) if values else None


def _last(values: list[str], sort: Sort) -> str | None:
    return (min if sort.descending else max)(values) if values else None


def resume(number: int, sort: Sort, start: str, current: str | None) -> Sql:
    """Return the selection of the next label, from that of ``current`` on, where something reaches beyond a start."""
    sql = Sql().add("SELECT label FROM reach WHERE key = ? AND field = ? AND descending = ?", number, sort.field)
    sql.parameters.append(int(sort.descending))
    if sort.descending:
        # A range that ends before it begins reaches as far as can be.
        sql.add("AND label >= ? AND (reach < ? OR reach = '')", start[:LABEL], start)
        if current is not None:
            sql.add("AND label <= ?", current[:LABEL])
        return sql.add("ORDER BY label DESC LIMIT 1")
    sql.add("AND label <= ? AND reach > ?", start, start)
    if current is not None:
        sql.add("AND label >= ?", current[:LABEL])
    return sql.add("ORDER BY label LIMIT 1")


def of_terms(rows: Iterable[tuple[int, str]]) -> Iterator[Reach]:
    """Yield what the table has to know of the term rows of one version, each a key and a value."""
    ends: dict[int, tuple[str, str]] = {}
    for key, value in rows:
        least, greatest = ends.get(key, (value, value))
        ends[key] = (min(least, value), max(greatest, value))
    for key, (least, greatest) in ends.items():
        if least != greatest:
            yield key, "value", 0, least[:LABEL], greatest + _STEP
            yield key, "value", 1, greatest[:LABEL], least


def of_spans(rows: Iterable[tuple[int, str, str]]) -> Iterator[Reach]:
    """Yield what the table has to know of the range rows of one version, each a key, a low and a high end."""
    ends: dict[int, tuple[str, str, str, bool]] = {}
    for key, low, high in rows:
        furthest, backwards = max(high, low + _STEP), low >= high
        known = ends.get(key)
        if known is None:
            ends[key] = low, furthest, high, backwards
        else:
            ends[key] = min(low, known[0]), max(furthest, known[1]), max(high, known[2]), backwards or known[3]
    for key, (least, furthest, greatest, backwards) in ends.items():
        yield key, "low", 0, least[:LABEL], furthest
        yield key, "high", 1, greatest[:LABEL], "" if backwards else least
