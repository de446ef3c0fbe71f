"""Orders as stages of a pipeline: the values that a resource is sorted by, and the keyset where a page goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.search.query import Sort
from service.store.mongo.documents import SEPARATOR, term
from service.store.mongo.driver import Document

_ENDS: Final = {"low": "lo", "high": "hi"}
_AFTER_SEPARATOR: Final = chr(ord(SEPARATOR) + 1)


class Order:
    """The sorts of a query: for the n-th, ``s<n>`` is the value, and ``m<n>`` is 1 where there is none, else 0."""

    def __init__(self, sorts: Sequence[Sort]):
        self._sorts = sorts

    @property
    def sort(self) -> dict[str, int]:
        """The ``$sort``: what has no value comes after all that has, and ties are in the order of positions."""
        return {name: direction for name, direction, _ in self._keys()}

    def values(self, filter_: Document) -> list[Document]:
        """Return the stages from a filter to positions and values."""
        values = {f"s{n}": {"$ifNull": [_value(sort), None]} for n, sort in enumerate(self._sorts)}
        missing = {f"m{n}": {"$cond": [{"$eq": [f"$s{n}", None]}, 1, 0]} for n in range(len(self._sorts))}
        shown = dict.fromkeys(values, 1)
        return [{"$match": filter_}, {"$project": values}, {"$project": {**shown, **missing}}]

    def beyond(self, last: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Return the stage that leaves what comes after a version, whose values are those of :meth:`values`."""
        if not last:
            return []
        equal: Document = {}
        alternatives: list[Document] = []
        for name, direction, of in self._keys():
            if of is not None and last[0][of]:
                continue  # it has no value, and what has none either is equal in this
            value = last[0][name]
            alternatives.append({**equal, name: {"$gt" if direction > 0 else "$lt": value}})
            equal[name] = value
        return [{"$match": {"$or": alternatives}}]

    def _keys(self) -> list[tuple[str, int, str | None]]:
        """Return what is sorted by, in which direction, and the name that tells whether it is missing."""
        keys: list[tuple[str, int, str | None]] = []
        for n, sort in enumerate(self._sorts):
            keys += [(f"m{n}", 1, None), (f"s{n}", -1 if sort.descending else 1, f"m{n}")]
        return [*keys, ("_id", 1, None)]


def _value(sort: Sort) -> object:
    if sort.field in ("id", "instant"):
        return f"${sort.field}"
    values: Document
    if sort.field == "value":
        # The entries of a key are those between it with the separator and it with the next sign.
        first, last = {"$literal": term(sort.key, "")}, {"$literal": sort.key + _AFTER_SEPARATOR}
        between = {"$and": [{"$gte": ["$$entry", first]}, {"$lt": ["$$entry", last]}]}
        values = {"$filter": {"input": "$terms", "as": "entry", "cond": between}}
    else:
        of_key = {"$eq": ["$$entry.k", {"$literal": sort.key}]}
        rows = {"$filter": {"input": "$ranges", "as": "entry", "cond": of_key}}
        values = {"$map": {"input": rows, "as": "row", "in": f"$$row.{_ENDS[sort.field]}"}}
    return {"$max" if sort.descending else "$min": values}
