"""A search: links resolved to lists, filters, orders, and pages of each.

MongoDB has no join that an index could drive, so the links of a query are resolved first, at the same seq:

* what a link leads to is listed where that is short (:data:`SHORT`), and the list takes the link's place;
* otherwise the query is asked without the link, a batch at a time, and only what the batch refers to is looked into. So
  whatever a link leads to, no more than a batch and what belongs to it is in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from pymongo.asynchronous.client_session import AsyncClientSession

from service.search.query import EVERYTHING, And, Linked, Not, Or, Predicate, Query, ReverseLinked
from service.store.base import Version
from service.store.mongo.documents import VERSION_FIELDS, decode, values_under
from service.store.mongo.driver import Collection, Document
from service.store.mongo.order import Order
from service.store.mongo.translate import Named, OneOf, Resolved, where

SHORT: Final = 1000
"""Resources that a link leads to, as many as are listed."""
BATCH: Final = 500
"""Resources that are looked at together at the most."""
_FIRST: Final = 50

_NAME: Final = {"type": 1, "id": 1}
_LINKS: Final = {"type": 1, "id": 1, "terms": 1}


class Finder:
    """Searches at one seq."""

    def __init__(self, versions: Collection, seq: int, session: AsyncClientSession | None = None):
        self._versions = versions
        self._seq = seq
        self._session = session

    async def search(self, query: Query, after: int | None, limit: int) -> list[Version]:
        """Return a page of matches in the order of the query."""
        found = await self._page(await self._resolved(query), query, after, limit, VERSION_FIELDS)
        return [decode(document) for document in found]

    async def names(self, query: Query, limit: int) -> set[str]:
        """Return the ``type/id`` of up to so many matches."""
        found = await self._page(await self._resolved(query), query, None, limit, _NAME)
        return {_name(document) for document in found}

    async def count(self, query: Query, limit: int | None) -> int:
        """Return the number of matches, counted up to the limit."""
        if limit is not None and limit <= 0:
            return 0
        predicate = await self._resolved(query)
        if not _has_links(predicate):
            options: dict[str, Any] = {} if limit is None else {"limit": limit}
            filter_ = where(query.types, predicate, self._seq)
            return await self._versions.count_documents(filter_, session=self._session, **options)
        number = 0
        async for _ in self._all(Query(query.types, query.where), _NAME):
            number += 1
            if number == limit:
                break
        return number

    async def _all(self, query: Query, fields: Mapping[str, int]) -> AsyncIterator[Document]:
        predicate = await self._resolved(query)
        after: int | None = None
        while page := await self._page(predicate, query, after, BATCH, fields):
            for document in page:
                yield document
            after = page[-1]["_id"]

    async def _page(
        self, predicate: Resolved, query: Query, after: int | None, limit: int, fields: Mapping[str, int]
    ) -> list[Document]:
        if not _has_links(predicate):
            return await self._plain(predicate, query, after, limit, fields)
        relaxed = _without_links(predicate, kept=True)
        found: list[int] = []
        size = min(max(limit, _FIRST), BATCH)
        while len(found) < limit:
            batch = await self._plain(relaxed, query, after, size, _LINKS)
            if not batch:
                break
            positions = [document["_id"] for document in batch]
            exact = where((), await self._within(predicate, batch), self._seq)
            exact["_id"] = {"$in": positions}
            matches = {document["_id"] for document in await self._documents(exact, {"_id": 1})}
            found += [position for position in positions if position in matches]
            after = positions[-1]
            size = min(size * 2, BATCH)
        return await self._fetch(found[:limit], fields)

    async def _plain(
        self, predicate: Resolved, query: Query, after: int | None, limit: int, fields: Mapping[str, int]
    ) -> list[Document]:
        """Return a page of what has no links (any more)."""
        if limit <= 0:  # to MongoDB, 0 is no limit
            return []
        filter_ = where(query.types, predicate, self._seq)
        if not query.sort:
            if after is not None:
                filter_["_id"] = {"$gt": after, **filter_["_id"]}
            cursor = self._versions.find(filter_, fields, session=self._session).sort("_id", 1).limit(limit)
            async with cursor:
                return [document async for document in cursor]
        order = Order(query.sort)
        beyond = [] if after is None else order.beyond(await self._pipeline(order.values({"_id": after})))
        ordered = await self._pipeline([*order.values(filter_), *beyond, {"$sort": order.sort}, {"$limit": limit}])
        return await self._fetch([document["_id"] for document in ordered], fields)

    async def _pipeline(self, stages: Sequence[Document]) -> list[Document]:
        # Only positions and values are sorted, but a registry has many.
        cursor = await self._versions.aggregate(stages, session=self._session, allowDiskUse=True)
        async with cursor:
            return [document async for document in cursor]

    async def _documents(self, filter_: Document, fields: Mapping[str, int]) -> list[Document]:
        async with self._versions.find(filter_, fields, session=self._session) as cursor:
            return [document async for document in cursor]

    async def _fetch(self, positions: Sequence[int], fields: Mapping[str, int]) -> list[Document]:
        found = await self._documents({"_id": {"$in": list(positions)}}, fields) if positions else []
        by_position = {document["_id"]: document for document in found}
        return [by_position[position] for position in positions]

    async def _resolved(self, query: Query) -> Resolved:
        return await self._with_lists(query.where)

    async def _with_lists(self, predicate: Resolved) -> Resolved:
        """Return the predicate with the links that lead to little replaced by what they lead to."""
        match predicate:
            case And(parts) | Or(parts):
                resolved = tuple([await self._with_lists(part) for part in parts])
                return type(predicate)(cast(tuple[Predicate, ...], resolved))
            case Not(part):
                return Not(cast(Predicate, await self._with_lists(part)))
            case Linked(key, query, names) | ReverseLinked(key, query, names):
                inner = await self._resolved(query)
                plain = Query(query.types)
                fields = _NAME if isinstance(predicate, Linked) and names is None else _LINKS
                found: list[Document] = []
                if not _has_links(inner):
                    found = await self._plain(inner, plain, None, SHORT + 1, fields)
                if _has_links(inner) or len(found) > SHORT:
                    return replace(predicate, query=Query(query.types, cast(Predicate, inner)))
                if isinstance(predicate, Linked):
                    return OneOf(key, _names(found, names))
                return _named(_names(found, key), names)
            case _:
                return predicate

    async def _within(self, predicate: Resolved, batch: Sequence[Document]) -> Resolved:
        """Return what the predicate comes to for the resources of a batch: all its links as lists."""
        match predicate:
            case And(parts) | Or(parts):
                resolved = tuple([await self._within(part, batch) for part in parts])
                return type(predicate)(cast(tuple[Predicate, ...], resolved))
            case Not(part):
                return Not(cast(Predicate, await self._within(part, batch)))
            case Linked(key, query, names):
                asked = self._narrowed(query, _named(_names(batch, key), names))
                found = [name async for document in self._all(asked, _LINKS) for name in _names([document], names)]
                return OneOf(key, tuple(dict.fromkeys(found)))
            case ReverseLinked(key, query, names):
                own = _names(batch, names)
                asked = self._narrowed(query, OneOf(key, own))
                linked: set[str] = set()
                async for document in self._all(asked, _LINKS):
                    linked |= set(own).intersection(values_under(document, key))
                return _named(tuple(linked), names)
            case _:
                return predicate

    @staticmethod
    def _narrowed(query: Query, condition: Resolved) -> Query:
        return Query(query.types, And((cast(Predicate, condition), query.where)))


def _names(documents: Sequence[Mapping[str, Any]], key: str | None) -> tuple[str, ...]:
    """Return each value that documents have under a key; without a key, their ``type/id``."""
    if key is None:
        return tuple(_name(document) for document in documents)
    return tuple(dict.fromkeys(value for document in documents for value in values_under(document, key)))


def _named(names: tuple[str, ...], key: str | None) -> Named | OneOf:
    """Return the predicate of having one of these names."""
    return Named(tuple(name for name in names if "/" in name)) if key is None else OneOf(key, names)


def _name(document: Mapping[str, Any]) -> str:
    return f"{document['type']}/{document['id']}"


def _has_links(predicate: Resolved) -> bool:
    match predicate:
        case And(parts) | Or(parts):
            return any(map(cast(Callable[[Predicate], bool], _has_links), parts))
        case Not(part):
            return _has_links(part)
        case _:
            return isinstance(predicate, Linked | ReverseLinked)


def _without_links(predicate: Resolved, *, kept: bool) -> Predicate:
    """Return the predicate with its links left open: it lets through (``kept``), or keeps out, all they might."""
    match predicate:
        case And(parts) | Or(parts):
            return type(predicate)(tuple(_without_links(part, kept=kept) for part in parts))
        case Not(part):
            return Not(_without_links(part, kept=not kept))
        case Linked() | ReverseLinked():
            return EVERYTHING if kept else Or(())
        case _:
            return cast(Predicate, predicate)
