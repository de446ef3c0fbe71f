"""Canonical resources, found by their URL: https://hl7.org/fhir/R5/references.html#canonical.

What a validator or a terminology service looks things up in: profiles, extensions, value sets, code systems. Libraries
are layered, so that what users define stands before what a package brings, and this before what FHIR itself defines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

Resource: TypeAlias = dict[str, Any]

_CODES: Final = "CodeSystem"
_PARTS: Final = re.compile(r"\d+|[A-Za-z]+")


class Library:
    """Resources by type, canonical URL and business version; ``below`` is asked for what is not here.

    :meth:`generation` changes whenever what a lookup could answer changes, below included: what is compiled from the
    library is good for as long as it stays the same.
    """

    def __init__(self, below: Library | None = None) -> None:
        self.below = below
        self._resources: dict[tuple[str, str], dict[str, Resource]] = {}
        self._changes: Counter[str] = Counter()
        self._supplementing: dict[str, dict[str, None]] = {}

    def generation(self, *types: str) -> int:
        """Return how often the resources of these types, or of all, have changed, here and below."""
        found, layer = 0, cast(Library | None, self)  # asked about with every code: no calls, no generators
        while layer is not None:
            changes = layer._changes  # noqa: SLF001  # another library
            for type_ in types or changes:
                found += changes.get(type_, 0)
            layer = layer.below
        return found

    def add(self, resource: Resource) -> None:
        """Keep a resource that has a ``url``, in place of one of the same type, URL and version."""
        versions = self._resources.setdefault((resource["resourceType"], resource["url"]), {})
        versions[resource.get("version", "")] = resource
        self._changes[resource["resourceType"]] += 1
        self._index(resource)

    def remove(self, resource: Resource) -> None:
        """Forget the resource of this type, URL and version; raises KeyError if this layer does not have it."""
        key = (resource["resourceType"], resource["url"])
        del self._resources[key][resource.get("version", "")]
        if not self._resources[key]:
            del self._resources[key]
        self._changes[resource["resourceType"]] += 1

    def find(self, type_: str, canonical: str) -> Resource | None:
        """Return the resource that a canonical means, None if it is not known.

        ``url|version`` is that version and no other; without a version, the newest of the topmost layer that has the
        URL, an active one before a draft or retired one.
        """
        url, _, version = canonical.partition("#")[0].partition("|")
        versions = self._versions(type_, url)
        if versions and not version:
            return max(versions.values(), key=_rank)
        if versions and version in versions:
            return versions[version]
        return self.below.find(type_, canonical) if self.below else None

    def of_type(self, type_: str) -> Iterator[Resource]:
        """Yield all resources of a type, each (URL, version) once: the topmost layer's."""
        seen = set()
        layer: Library | None = self
        while layer is not None:
            for url in layer._urls(type_):  # noqa: SLF001  # another library
                for version, resource in layer._versions(type_, url).items():  # noqa: SLF001
                    if (url, version) not in seen:
                        seen.add((url, version))
                        yield resource
            layer = layer.below

    def supplements(self, url: str) -> list[Resource]:
        """Return the supplements of a code system, of whichever version of it: those that :meth:`of_type` has."""
        found: list[Resource] = []
        above: list[Library] = []
        layer: Library | None = self
        while layer is not None:
            for name in layer._supplements_of(url):  # noqa: SLF001  # another library
                for version, resource in layer._versions(_CODES, name).items():  # noqa: SLF001
                    hidden = any(version in other._versions(_CODES, name) for other in above)  # noqa: SLF001
                    if not hidden and _supplemented(resource) == url:
                        found.append(resource)
            above.append(layer)
            layer = layer.below
        return found

    def _supplements_of(self, url: str) -> Iterable[str]:
        """Return the URLs of the supplements of a code system in this layer, and of what was one before it changed."""
        return self._supplementing.get(url, ())

    def _index(self, resource: Resource) -> None:
        """Keep in mind what a resource of this layer supplements, if it does."""
        if (url := _supplemented(resource)) is not None:
            self._supplementing.setdefault(url, {})[resource["url"]] = None

    def _versions(self, type_: str, url: str) -> Mapping[str, Resource]:
        """Return what this layer has under a URL, by version."""
        return self._resources.get((type_, url), {})

    def _urls(self, type_: str) -> Iterable[str]:
        """Return the URLs of a type in this layer."""
        return [url for found, url in self._resources if found == type_]


def _supplemented(resource: Resource) -> str | None:
    """The URL of the code system that a resource supplements, None if it does not."""
    supplements = resource.get("supplements") if resource.get("content") == "supplement" else None
    return supplements.partition("|")[0] if isinstance(supplements, str) else None


def newer(version: str, other: str) -> bool:
    """Whether a business version is later: numbers as numbers, a release after its pre-releases (as in SemVer)."""
    return _order(version) > _order(other)


def _order(version: str) -> list[tuple[int, int, str]]:
    parts = [(2, int(part), "") if part.isdigit() else (0, 0, part) for part in _PARTS.findall(version)]
    # The end counts more than a word (1.0.0 is after 1.0.0-ballot) and less than a number (1.0 is before 1.0.1).
    return [*parts, (1, 0, "")] if parts else []


def _rank(resource: Resource) -> tuple[bool, list[tuple[int, int, str]]]:
    return resource.get("status") == "active", _order(resource.get("version", ""))
