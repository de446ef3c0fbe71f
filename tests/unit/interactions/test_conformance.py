"""Conformance resources of the registry: https://hl7.org/fhir/R5/conformance-module.html."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.json import dumps, open_body, parse
from service.fhir.library import Library
from service.interactions.conformance import Conformance
from service.interactions.follow import newest_since
from service.store.base import Change, Store

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
URL = "http://s.test"


def put(id_: str, *, type_: str = "CodeSystem", url: str | None = URL, **members: Any) -> Change:
    """A change that stores a conformance resource."""
    resource = {"resourceType": type_, "id": id_, **({"url": url} if url else {}), **members}
    return Change(type_, id_, "PUT", open_body(parse(dumps(resource)), id_))


def gone(id_: str, type_: str = "CodeSystem") -> Change:
    """A change that deletes one."""
    return Change(type_, id_, "DELETE", None)


def name(conformance: Conformance, canonical: str = URL, type_: str = "CodeSystem") -> str | None:
    """The name of what a canonical means."""
    found = conformance.library.find(type_, canonical)
    return found["name"] if found else None


async def test_what_is_written_is_known(store: Store) -> None:
    """A resource takes effect when it is written, its next version with it, and no longer when it is deleted."""
    conformance = Conformance(store, Library())
    await conformance.refresh(now=True)
    for changes, expected in (([put("a", name="1")], "1"), ([put("a", name="2")], "2"), ([gone("a")], None)):
        await store.commit(changes)
        await conformance.refresh(now=True)
        assert name(conformance) == expected
        assert name(conformance, "CodeSystem/a") == expected


async def test_all_types_and_no_others(store: Store) -> None:
    """Profiles, code systems, value sets and maps are followed; what has no URL, and other types, are not."""
    types = ("StructureDefinition", "CodeSystem", "ValueSet", "ConceptMap")
    await store.commit([put("a", type_=type_, name=type_) for type_ in (*types, "Library")])
    await store.commit([put("b", url=None, name="b")])
    conformance = Conformance(store, Library())
    await conformance.refresh()
    assert [name(conformance, type_=type_) for type_ in types] == list(types)
    assert name(conformance, type_="Library") is None
    assert name(conformance, "CodeSystem/b") is None


async def test_stored_goes_before_own(store: Store) -> None:
    """What users define stands before what the server brings, and that is there again when theirs is gone."""
    own = Library()
    own.add({"resourceType": "CodeSystem", "url": URL, "name": "own"})
    conformance = Conformance(store, own)
    assert name(conformance) == "own"
    await store.commit([put("a", name="stored")])
    await conformance.refresh(now=True)
    assert name(conformance) == "stored"
    await store.commit([gone("a")])
    await conformance.refresh(now=True)
    assert name(conformance) == "own"


async def test_two_with_one_url(store: Store) -> None:
    """Of several resources with the same URL and version the last one written holds; versions are apart."""
    conformance = Conformance(store, Library())
    for changes, expected in (
        ([put("a", name="a")], "a"),
        ([put("b", name="b")], "b"),
        ([put("a", name="a2")], "a2"),
        ([gone("a")], "b"),
        ([put("b", url="http://other.test", name="b")], None),
    ):
        await store.commit(changes)
        await conformance.refresh(now=True)
        assert name(conformance) == expected
    await store.commit([put("v1", name="v1", version="1"), put("v2", name="v2", version="2")])
    await conformance.refresh(now=True)
    assert [name(conformance, f"{URL}|{version}") for version in "12"] == ["v1", "v2"]


async def test_nothing_new_changes_nothing(store: Store) -> None:
    """What is compiled from the library stays good as long as no conformance resource is written."""
    conformance = Conformance(store, Library())
    await store.commit([put("a", name="a")])
    await conformance.refresh(now=True)
    generation = conformance.library.generation
    await store.commit([put("x", type_="Basic", url=None)])
    await conformance.refresh(now=True)
    assert conformance.library.generation == generation


async def test_looking_is_not_for_every_request(store: Store) -> None:
    """Within the interval another process's write need not be known; asked for now, it is."""
    conformance = Conformance(store, Library())
    await conformance.refresh()
    await store.commit([put("a", name="a")])
    await conformance.refresh()
    assert name(conformance) is None
    await conformance.refresh(now=True)
    assert name(conformance) == "a"


async def test_following(store: Store) -> None:
    """The newest version of each resource of the type since a position, over several pages, deletions included."""
    await store.commit([put(f"r{number}") for number in range(250)])
    first = await newest_since(store, "CodeSystem", -1)
    assert len(first) == 250
    position = max(version.position for version in first.values())
    assert await newest_since(store, "CodeSystem", position) == {}
    await store.commit([put("r1", name="x"), gone("r2"), put("r1", type_="ValueSet")])
    await store.commit([put("r1", name="y")])
    since = await newest_since(store, "CodeSystem", position)
    assert {id_: version.version for id_, version in since.items()} == {"r1": 3, "r2": 2}
    assert since["r2"].json is None
