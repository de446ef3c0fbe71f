"""Packages with what they depend on (https://hl7.org/fhir/R5/packages.html).

A dependency is looked for among the packages that are given, then in the package cache that all FHIR tools of a user
share: folders ``name#version`` in ``~/.fhir/packages``. Nothing is fetched from a network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from service.errors import Invalid, NotFound
from service.fhir import definitions
from service.fhir.library import newer
from service.packages.package import ARCHIVES, Package, open_package

CORE: Final = "hl7.fhir.r5.core"
"""What is built in."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION: Final = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._+*-]*")


def load_packages(wanted: Sequence[str], cache: Path) -> list[Package]:
    """Return the packages and their dependencies, each before those that need it.

    What is wanted is a folder, a ``.tgz`` or ``name#version``. Raises :class:`NotFound` for what is not there, with
    the package that needs it; :class:`Invalid` for what is no package of FHIR R5.
    """
    resolver = _Resolver(cache)
    given = [resolver.find(each) for each in wanted]
    resolver.given = given
    for package in given:
        resolver.add(package)
    return list(resolver.ordered.values())


@dataclass(slots=True)
class _Resolver:
    cache: Path
    given: list[Package] = field(default_factory=list)
    ordered: dict[str, Package] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)

    def find(self, wanted: str) -> Package:
        """Return what a user names."""
        path = Path(wanted).expanduser()
        if path.is_dir() or wanted.endswith(ARCHIVES):
            return open_package(path)
        name, hash_, version = wanted.partition("#")
        if not hash_ or not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            raise NotFound(f"{wanted} is neither a folder, nor a .tgz, nor a package as name#version.")
        found = self._cached(name, version)
        if found is None:
            raise NotFound(f"{wanted} is not in the package cache {self.cache}.")
        return found

    def add(self, package: Package) -> None:
        """Add a package after what it depends on."""
        if package.label in self._begun:  # done, or in a circle, of which no order is right
            return
        self._begun.add(package.label)
        fhir = definitions.provenance().fhir_version
        if package.manifest.fhir_versions and not any(_same(each, fhir) for each in package.manifest.fhir_versions):
            versions = ", ".join(package.manifest.fhir_versions)
            raise Invalid(f"{package.label} is for FHIR {versions}; this is FHIR {fhir}.", code="not-supported")
        for name, version in package.manifest.dependencies.items():
            if name == CORE:
                if not _matches(version, fhir):
                    raise NotFound(f"{package.label} needs {CORE}#{version}; {fhir} is what is built in.")
            else:
                self.add(self._dependency(package, name, version))
        self.ordered[package.label] = package

    def _dependency(self, needed_by: Package, name: str, version: str) -> Package:
        for package in self.given:
            if package.manifest.name == name and _matches(version, package.manifest.version):
                return package
        found = None
        if _NAME.fullmatch(name) and _VERSION.fullmatch(version):
            found = self._cached(name, version)
        if found is None:
            raise NotFound(
                f"{needed_by.label} needs {name}#{version}, which is neither given nor in the cache {self.cache}."
            )
        return found

    def _cached(self, name: str, version: str) -> Package | None:
        exact = self.cache / f"{name}#{version}"
        if exact.is_dir():
            return open_package(exact)
        there = [each.name.partition("#")[2] for each in self.cache.glob(f"{name}#*") if each.is_dir()]
        best = _newest(each for each in there if _matches(version, each))
        return None if best is None else open_package(self.cache / f"{name}#{best}")


def _matches(wanted: str, version: str) -> bool:
    """Whether a version is what a dependency asks for: that one, ``latest``, or with ``x`` for any number."""
    if wanted in ("latest", "*", version):
        return True
    parts, others = wanted.split("."), version.partition("-")[0].split(".")
    wild = [part in ("x", "X", "*") for part in parts]
    return (
        any(wild)
        and len(parts) == len(others)
        and all(free or part == other for part, other, free in zip(parts, others, wild, strict=True))
    )


def _same(version: str, other: str) -> bool:
    return version.split(".")[:2] == other.split(".")[:2]


def _newest(versions: Iterable[str]) -> str | None:
    best: str | None = None
    for version in versions:
        if best is None or newer(version, best):
            best = version
    return best
