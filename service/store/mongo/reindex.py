"""Index rows that come or go after their versions: a search parameter is new, or retired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

from service.search.query import Prefix
from service.search.rows import Row
from service.store.mongo.documents import INDEX_FIELDS, add_rows, remove_rows
from service.store.mongo.driver import Collection
from service.store.mongo.translate import of_rows

AT_ONCE: Final = 200
"""Documents that are changed in one step: with their arrays they fit a transaction."""

_FIELDS: Final = dict.fromkeys(INDEX_FIELDS, 1)


async def add(
    versions: Collection, rows: Sequence[tuple[int, Sequence[Row]]], session: AsyncClientSession | None
) -> int:
    """Add rows to versions by their positions; return how many versions there are."""
    wanted: dict[int, list[Row]] = {}
    for position, added in rows:
        wanted.setdefault(position, []).extend(added)
    found = await _documents(versions, {"_id": {"$in": list(wanted)}}, session, len(wanted))
    await _write(versions, [(each, add_rows(each, wanted[each["_id"]])) for each in found], session)
    return len(found)


async def remove(versions: Collection, key: str, session: AsyncClientSession | None) -> int:
    """Remove what is under a key from some documents; return from how many, 0 where there are none left."""
    under = {"$or": [of_rows(Prefix(key, "")), {"ranges.k": key}]}
    found = await _documents(versions, under, session, AT_ONCE)
    await _write(versions, [(each, remove_rows(each, key)) for each in found], session)
    return len(found)


async def _documents(
    versions: Collection, filter_: Mapping[str, Any], session: AsyncClientSession | None, limit: int
) -> list[dict[str, Any]]:
    async with versions.find(filter_, _FIELDS, session=session).limit(limit) as cursor:
        return [document async for document in cursor]


async def _write(
    versions: Collection,
    changes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    session: AsyncClientSession | None,
) -> None:
    updates = [
        UpdateOne({"_id": old["_id"]}, {"$set": new})
        for old, new in changes
        if any(old[name] != new[name] for name in INDEX_FIELDS)
    ]
    if updates:
        await versions.bulk_write(updates, ordered=False, session=session)
