"""The conformance resources of the registry as a library that follows them (https://hl7.org/fhir/R5/conformance-module.html).

A StructureDefinition, CodeSystem, ValueSet or ConceptMap with a canonical URL takes effect when it is written, and no
longer when it is deleted: at once in the process that wrote it, within ``INTERVAL`` seconds in every other.
"""

from __future__ import annotations

from typing import Any, Final

from service.fhir.json import loads
from service.fhir.library import Library, Resource
from service.interactions.follow import Follower, newest_since
from service.store.base import Store
from service.terminology.service import TerminologyService

TYPES: Final = ("StructureDefinition", "CodeSystem", "ValueSet", "ConceptMap")


class StoredLibrary(Library):
    """The resources of the registry, which can also be named by where they are (``ValueSet/id``)."""

    def __init__(self, below: Library) -> None:
        super().__init__(below)
        self._by_id: dict[tuple[str, str], tuple[int, Resource]] = {}

    def find(self, type_: str, canonical: str) -> Resource | None:
        """Return the resource that a canonical or a relative reference means, None if it is not known."""
        prefix, _, id_ = canonical.partition("/")
        if prefix == type_ and id_:
            known = self._by_id.get((type_, id_))
            return known[1] if known else None
        return super().find(type_, canonical)

    def put(self, type_: str, id_: str, position: int, resource: Resource | None) -> None:
        """Take the newest version of a resource; None, or one without a URL, is one that has no effect any more.

        Of several with the same URL and version, the one that was written last holds.
        """
        old = self._by_id.pop((type_, id_), None)
        if old is not None:
            self._settle(old[1])
        if resource is not None and isinstance(resource.get("url"), str):
            self._by_id[type_, id_] = position, resource
            self._settle(resource)

    def _settle(self, named: Resource) -> None:
        key = _name(named)
        same = [each for each in self._by_id.values() if _name(each[1]) == key]
        if same:
            self.add(max(same, key=lambda each: each[0])[1])
        elif key[2] in self._versions(key[0], key[1]):
            self.remove(named)


def _name(resource: Resource) -> tuple[str, str, str]:
    return resource["resourceType"], resource["url"], resource.get("version", "")


class Conformance:
    """The library of a registry and what is made of it: the stored resources before ``own``."""

    def __init__(self, store: Store, own: Library) -> None:
        self.library: Final = StoredLibrary(own)
        self.terminology: Final = TerminologyService(self.library)
        self._store = store
        self._seen = dict.fromkeys(TYPES, -1)
        self._head = -1
        self._follower = Follower(self._follow)

    async def refresh(self, *, now: bool = False) -> None:
        """Follow the store, at most once in ``INTERVAL`` seconds unless it is to be ``now``."""
        await self._follower.refresh(now=now)

    async def _follow(self) -> None:
        head = (await self._store.head()).seq
        if head == self._head:
            return
        for type_ in TYPES:
            for id_, version in (await newest_since(self._store, type_, self._seen[type_])).items():
                resource: dict[str, Any] | None = None if version.json is None else loads(version.json)
                self.library.put(type_, id_, version.position, resource)
                self._seen[type_] = max(self._seen[type_], version.position)
        self._head = head
