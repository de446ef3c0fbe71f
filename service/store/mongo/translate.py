"""Predicates to MongoDB filters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bson import Int64

from service.errors import TooLarge
from service.search.query import And, Bound, Contains, Ids, Not, Or, Predicate, Prefix, Query, Range, Term, Updated
from service.store.base import SEQ_BITS, HistoryQuery
from service.store.mongo.documents import qualified, term
from service.store.mongo.driver import Document

NOTHING: Final[Document] = {"_id": {"$in": []}}
"""A filter that no document passes."""
MAX_PATTERN: Final = 32_000
"""Bytes of a regular expression that MongoDB takes, with some left over."""

_SPECIAL: Final = re.compile(r"[\\^$.|?*+()\[\]{}]")
_OPERATORS: Final = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_ENDS: Final = {"low": "lo", "high": "hi"}


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


def where(query: Query, seq: int) -> Document:
    """Return the filter for the matches of a query at a seq."""
    document: Document = {"live": True, **visible(seq)}
    if query.types:
        document["type"] = {"$in": list(query.types)}
    condition = _predicate(query.where)
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


def _predicate(predicate: Predicate) -> Document:
    match predicate:
        case And(parts):
            return {"$and": [_predicate(part) for part in parts]} if parts else {}
        case Or(parts):
            return {"$or": [_predicate(part) for part in parts]} if parts else NOTHING
        case Not(part):
            return {"$nor": [_predicate(part)]}
        case Ids(ids):
            return {"id": {"$in": list(ids)}}
        case Updated(since, before):
            return _instants(since, before)
        case Term(key, value, str() as qualifier):
            return {"qualified": qualified(key, value, qualifier)}
        case Term(key, value):
            return {"terms": term(key, value)}
        case Prefix(key, text):
            return _pattern(_literal(term(key, text)))
        case Contains(key, text):
            return _pattern(_literal(term(key, "")) + r"[\s\S]*" + _literal(text))
        case Range(key, bounds):
            return {"ranges": {"$elemMatch": {"k": key, **_bounds(bounds)}}}


def _instants(since: int | None, before: int | None) -> Document:
    bounds = {"$gte": since, "$lt": before}
    given = {operator: Int64(value) for operator, value in bounds.items() if value is not None}
    return {"instant": given} if given else {}


def _literal(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _pattern(pattern: str) -> Document:
    """Return the filter for an anchored expression, which the index on ``terms`` answers."""
    if "\0" in pattern:  # neither a pattern nor any row has one
        return NOTHING
    if len(pattern.encode()) > MAX_PATTERN:
        raise TooLarge("The text is too long to be searched for by its beginning or by a part of it.")
    return {"terms": {"$regex": f"^{pattern}"}}


def _bounds(bounds: Iterable[Bound]) -> Document:
    """Return the conditions on one range; of several alike, the tightest stands for all."""
    document: Document = {}
    for bound in bounds:
        conditions = document.setdefault(_ENDS[bound.end], {})
        operator = _OPERATORS[bound.operator]
        tighter = min if bound.operator in {"<", "<="} else max
        conditions[operator] = tighter(conditions.get(operator, bound.value), bound.value)
    return document
