"""Short ways to make changes, rows and queries, and to read what a store gives back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence

from service.fhir.json import open_body, parse
from service.search.query import EVERYTHING, Predicate, Query
from service.search.rows import Row, TermRow
from service.store.base import Change, Method, Store, Version


def put(
    id_: str, value: object = 1, *, type_: str = "Group", rows: Sequence[Row] = (), method: Method = "PUT"
) -> Change:
    """Return the change that gives a resource a value."""
    # The rows are in the text as they are in a real resource: rows alone would make no version.
    resource = {"resourceType": type_, "id": id_, "value": value, "rows": [repr(row) for row in rows]}
    text = json.dumps(resource, ensure_ascii=False)
    return Change(type_, id_, method, open_body(parse(text.encode()), id_), tuple(rows))


def gone(id_: str, *, type_: str = "Group") -> Change:
    """Return the deletion of a resource."""
    return Change(type_, id_, "DELETE", None)


def named(id_: str, *names: str, value: object = 1, type_: str = "Group") -> Change:
    """Return a change with a term row of the key ``name`` for each name."""
    return put(id_, value, type_=type_, rows=[TermRow("name", name) for name in names])


async def write(store: Store, *changes: Change) -> list[Version]:
    """Commit changes that each make a version, and return those."""
    committed = await store.commit(changes)
    versions = [each.version for each in committed if each.version is not None]
    assert len(versions) == len(changes)
    return versions


async def found(store: Store, where: Predicate = EVERYTHING, *, at: int | None = None, types: str = "Group") -> str:
    """Return the ids of all matches, in order, with a space between; the count must say the same."""
    query = Query(tuple(types.split()), where)
    versions = await store.search(query, at, limit=1000)
    assert await store.count(query, at) == len(versions)
    return " ".join(version.id for version in versions)


def value_of(version: Version | None) -> object:
    """Return the value that a version was given."""
    assert version is not None
    assert version.json is not None
    return json.loads(version.json)["value"]


async def listed(stream: AsyncIterator[Version]) -> list[Version]:
    """Return all of a stream."""
    return [version async for version in stream]
