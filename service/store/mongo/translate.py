"""Predicates to MongoDB filters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bson import Int64

from service.errors import TooLarge
from service.search.query import (
    And,
    Bound,
    Contains,
    Ids,
    Linked,
    Not,
    Or,
    Predicate,
    Prefix,
    Range,
    ReverseLinked,
    Term,
    Together,
    Types,
    Updated,
    Word,
)
from service.store.base import SEQ_BITS, HistoryQuery
from service.store.mongo.documents import qualified, term
from service.store.mongo.driver import Document

NOTHING: Final[Document] = {"_id": {"$in": []}}
"""A filter that no document passes."""
MAX_PATTERN: Final = 32_000
"""Bytes of a regular expression that MongoDB takes, with some left over."""

LISTED: Final = 10_000
"""Values in one list at the most."""

_SPECIAL: Final = re.compile(r"[\\^$.|?*+()\[\]{}]")
_OPERATORS: Final = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_ENDS: Final = {"low": "lo", "high": "hi"}


@dataclass(frozen=True, slots=True)
class OneOf:
    """A term row under the key has one of these values: what a link has been resolved to."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """The resource is one of these ``type/id``."""

    names: tuple[str, ...]


Resolved = Predicate | OneOf | Named
"""A predicate whose links may have been resolved, at any depth (:mod:`service.store.mongo.find`)."""


@dataclass(frozen=True, slots=True)
class _Arrays:
    """Where index entries are: in the document, or in one of its parts."""

    terms: str
    qualified: str
    ranges: str


_WHOLE: Final = _Arrays("terms", "qualified", "ranges")
_PART: Final = _Arrays("t", "q", "r")


def first_position(seq: int) -> Int64:
    """Return the lowest position that a commit can hold."""
    return Int64(seq << SEQ_BITS)


def visible(seq: int) -> Document:
    """Return the filter for what a read at a seq sees, deletions included."""
    return {"_id": {"$lt": first_position(seq + 1)}, "until": {"$gt": Int64(seq)}}


def of_resources(keys: Iterable[tuple[str, str]]) -> Document:
    """Return the filter for the versions of these (type, id)."""
    ids: dict[str, list[str]] = {}
    for type_, id_ in keys:
        ids.setdefault(type_, []).append(id_)
    return {"$or": [{"type": type_, "id": {"$in": some}} for type_, some in ids.items()]} if ids else NOTHING


def where(types: Iterable[str], predicate: Resolved, seq: int) -> Document:
    """Return the filter for the live versions of some types (all if none is named) that a predicate holds for.

    Its links must have been resolved.
    """
    document: Document = {"live": True, **visible(seq)}
    if named := list(types):
        document["type"] = {"$in": named}
    condition = _predicate(predicate, _WHOLE)
    if condition:
        document["$and"] = [condition]
    return document


def of_history(query: HistoryQuery, seq: int) -> Document:
    """Return the filter for the versions that a history holds at a seq."""
    document: Document = {"_id": {"$lt": first_position(seq + 1)}, **_instants(query.since, query.before)}
    if query.type is not None:
        document["type"] = query.type
    if query.id is not None:
        document["id"] = query.id
    if query.current_from is not None:
        # What was superseded after the seq was current at it.
        document["$or"] = [{"until": {"$gt": Int64(seq)}}, {"ended": {"$gte": Int64(query.current_from)}}]
    return document


def _predicate(predicate: Resolved, arrays: _Arrays) -> Document:
    match predicate:
        case And(parts):
            conditions = [condition for part in parts if (condition := _predicate(part, arrays))]
            return {"$and": conditions} if conditions else {}
        case Or(parts):
            return _any_of(parts, arrays)
        case Not(part):
            return {"$nor": [_predicate(part, arrays)]}
        case Ids(ids):
            return {"id": {"$in": list(ids)}}
        case Types(types):
            return {"type": {"$in": list(types)}}
        case Updated(since, before):
            return _instants(since, before)
        case Together(parts):
            return _together(parts)
        case OneOf(key, values):
            return _listed(arrays.terms, [term(key, value) for value in values])
        case Named(names):
            return of_resources((type_, id_) for type_, _, id_ in (name.partition("/") for name in names))
        case Linked() | ReverseLinked():
            raise ValueError("a link has to be resolved before it can be a filter")
        case _:
            return of_rows(predicate, arrays)


def _any_of(parts: Iterable[Resolved], arrays: _Arrays) -> Document:
    """Return the filter for what meets one of the predicates; terms go into lists, as there may be thousands."""
    plain: list[str] = []
    full: list[str] = []
    others: list[Document] = []
    for part in parts:
        match part:
            case Term(key, value, None):
                plain.append(term(key, value))
            case Term(key, value, str() as qualifier):
                full.append(qualified(key, value, qualifier))
            case _:
                others.append(_predicate(part, arrays))
    listed = [_listed(field, values) for field, values in ((arrays.terms, plain), (arrays.qualified, full)) if values]
    conditions = [*others, *listed]
    if len(conditions) == 1:
        return conditions[0]
    return {"$or": conditions} if conditions else NOTHING


def of_rows(predicate: Term | Prefix | Contains | Word | Range, arrays: _Arrays = _WHOLE) -> Document:
    """Return the filter for what has a row that the predicate is met by."""
    match predicate:
        case Term(key, value, str() as qualifier):
            return {arrays.qualified: qualified(key, value, qualifier)}
        case Term(key, value):
            return {arrays.terms: term(key, value)}
        case Word(key, word):
            return {arrays.terms: term(key, word)}
        case Prefix(key, text):
            return _pattern(arrays.terms, _literal(term(key, text)))
        case Contains(key, text, at_end):
            end = r"\z" if at_end else ""
            return _pattern(arrays.terms, _literal(term(key, "")) + r"[\s\S]*" + _literal(text) + end)
        case Range(key, bounds):
            return {arrays.ranges: {"$elemMatch": {"k": key, **_bounds(bounds)}}}


def _together(parts: Iterable[Predicate]) -> Document:
    """Return the filter for an element that all parts hold for.

    What must hold for the resource at any rate comes first: that is what the indexes answer.
    """
    whole, of_part = _predicate(And(tuple(parts)), _WHOLE), _predicate(And(tuple(parts)), _PART)
    if not of_part:
        return {"parts.0": {"$exists": True}}
    return {"$and": [whole, {"parts": {"$elemMatch": of_part}}]}


def _listed(field: str, values: list[str]) -> Document:
    chunks = [{field: {"$in": values[start : start + LISTED]}} for start in range(0, len(values), LISTED)]
    if len(chunks) > 1:
        return {"$or": chunks}
    return chunks[0] if chunks else NOTHING


def _instants(since: int | None, before: int | None) -> Document:
    bounds = {"$gte": since, "$lt": before}
    given = {operator: Int64(value) for operator, value in bounds.items() if value is not None}
    return {"instant": given} if given else {}


def _literal(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _pattern(field: str, pattern: str) -> Document:
    """Return the filter for an anchored expression, which the index on ``terms`` answers."""
    if "\0" in pattern:  # neither a pattern nor any row has one
        return NOTHING
    if len(pattern.encode()) > MAX_PATTERN:
        raise TooLarge("The text is too long to be searched for by its beginning or by a part of it.")
    return {field: {"$regex": f"^{pattern}"}}


def _bounds(bounds: Iterable[Bound]) -> Document:
    """Return the conditions on one range; of several alike, the tightest stands for all."""
    document: Document = {}
    for bound in bounds:
        conditions = document.setdefault(_ENDS[bound.end], {})
        operator = _OPERATORS[bound.operator]
        tighter = min if bound.operator in {"<", "<="} else max
        conditions[operator] = tighter(conditions.get(operator, bound.value), bound.value)
    return document
