"""The resources of packages as a library, each parsed when it is first asked for.

A package of thousands of resources costs its index; of most of them nothing more is ever needed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from service.errors import Invalid
from service.fhir.library import Library, Resource
from service.packages.package import Entry, Package

log = logging.getLogger(__name__)


class PackageLibrary(Library):
    """The canonical resources of one package, above those of the packages that it depends on.

    A file that does not hold what the package's index says is left out, and the log says so.
    """

    def __init__(self, package: Package, below: Library | None = None) -> None:
        super().__init__(below)
        self._package = package
        self._waiting: dict[tuple[str, str], list[Entry]] = {}
        for entry in package.entries:
            self._waiting.setdefault((str(entry.type), str(entry.url)), []).append(entry)
        self._is_indexed = False

    def _versions(self, type_: str, url: str) -> Mapping[str, Resource]:
        for entry in self._waiting.pop((type_, url), ()):
            try:
                resource = self._package.resource(entry)
            except Invalid as problem:  # found out while something else is asked: it cannot be told to whoever asks
                log.warning("A definition is left out: %s", problem)
                continue
            # What was added since the package was opened stands.
            self._resources.setdefault((type_, url), {}).setdefault(resource.get("version", ""), resource)
            self._index(resource)
        return super()._versions(type_, url)

    def _supplements_of(self, url: str) -> Iterable[str]:
        if not self._is_indexed:
            self._is_indexed = True
            for entry in [each for entries in self._waiting.values() for each in entries if each.type == "CodeSystem"]:
                if self._package.mentions(entry, b'"supplements"'):
                    self._versions("CodeSystem", str(entry.url))
        return super()._supplements_of(url)

    def _urls(self, type_: str) -> Iterable[str]:
        return dict.fromkeys([*super()._urls(type_), *(url for found, url in self._waiting if found == type_)])


def package_library(packages: Sequence[Package], below: Library | None = None) -> Library:
    """Return the library of packages, the later above the earlier, all of them above ``below``."""
    library = below or Library()
    for package in packages:
        library = PackageLibrary(package, library)
    return library
