"""What a search asks, in terms that know neither FHIR nor a database.

A search type (``service/search/types``) turns the text of a request into these predicates and a resource into the rows
of :mod:`service.search.rows`; a store matches the one against the other. The tree is closed: every store translates
each of these classes, and nothing else reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; without parts, always true."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; without parts, never true."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class Ids:
    """The resource's id is one of these."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Types:
    """The resource is of one of these types."""

    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Updated:
    """The version's instant lies in [since, before), in milliseconds since the epoch; None is unbounded."""

    since: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A term row has exactly this value, and this qualifier unless that is None."""

    key: str
    value: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """The value of a term row begins with this text."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Contains:
    """The value of a term row has this text in it; ``at_end``, it ends with it."""

    key: str
    text: str
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A words row has exactly this word."""

    key: str
    word: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on one end of a range row; ``value`` is sortable text as in the rows."""

    end: Literal["low", "high"]
    operator: Literal["<", "<=", ">", ">="]
    value: str


@dataclass(frozen=True, slots=True)
class Range:
    """One and the same range row meets all bounds."""

    key: str
    bounds: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """All parts hold for rows of one and the same element: rows with the same ``part``, which is not 0.

    ``parts`` are alternatives of row predicates: :class:`Term`, :class:`Prefix`, :class:`Contains`, :class:`Range`, and
    :class:`Or`, :class:`And` of these.
    """

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """A term row's value under ``key`` is a name of a resource that the query matches.

    Its name is its ``type/id``; where ``names`` is given, it is each value that it has itself under that key.
    """

    key: str
    query: Query
    names: str | None = None


@dataclass(frozen=True, slots=True)
class ReverseLinked:
    """A resource that the query matches has a term row under ``key`` whose value is a name of this one.

    Names are as in :class:`Linked`.
    """

    key: str
    query: Query
    names: str | None = None


Predicate = (
    And | Or | Not | Ids | Types | Updated | Term | Prefix | Contains | Word | Range | Together | Linked | ReverseLinked
)

EVERYTHING = And(())


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of matches: by the least (descending: the greatest) of the values that a resource has under ``key``.

    ``field`` says which: the value of its term rows, the low or high end of its range rows, or what every version has:
    its ``id`` or ``instant``, for which there is no key. A resource without a value comes last in either direction.
    """

    field: Literal["value", "low", "high", "id", "instant"]
    key: str = ""
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Current resources of these types (of all types where none is named) for which the predicate holds.

    They come in the order of ``sort``, and where that says nothing, in the order in which they were written.
    """

    types: tuple[str, ...]
    where: Predicate = EVERYTHING
    sort: tuple[Sort, ...] = ()
