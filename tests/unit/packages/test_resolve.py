"""Packages with their dependencies: https://hl7.org/fhir/R5/packages.html."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.errors import Invalid, NotFound
from service.packages.library import package_library
from service.packages.resolve import load_packages
from tests.unit.packages.making import BASE, folder, manifest, packed, value_set


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty package cache."""
    place = tmp_path / "packages"
    place.mkdir()
    return place


def cached(cache: Path, name: str, version: str = "1.0.0", *, files: Any = None, **members: Any) -> None:
    """Put a package into the cache."""
    folder(cache / f"{name}#{version}", files or {}, manifest(name, version, **members))


def labels(cache: Path, *wanted: str | Path) -> list[str]:
    """Load packages and return their names and versions in order."""
    return [each.label for each in load_packages([str(each) for each in wanted], cache)]


def test_dependencies_come_first(cache: Path) -> None:
    """What a package builds on lies below it, each once, however many need it."""
    cached(cache, "a", dependencies={"b": "1.0.0", "c": "1.0.0", "hl7.fhir.r5.core": "5.0.0"})
    cached(cache, "b", dependencies={"c": "1.0.0"})
    cached(cache, "c")
    assert labels(cache, "a#1.0.0") == ["c#1.0.0", "b#1.0.0", "a#1.0.0"]
    assert labels(cache, "c#1.0.0", "a#1.0.0", "a#1.0.0") == ["c#1.0.0", "b#1.0.0", "a#1.0.0"]


def test_a_circle_ends(cache: Path) -> None:
    """Packages that need each other are loaded once each."""
    cached(cache, "a", dependencies={"b": "1.0.0"})
    cached(cache, "b", dependencies={"a": "1.0.0"})
    assert sorted(labels(cache, "a#1.0.0")) == ["a#1.0.0", "b#1.0.0"]


def test_what_is_given_serves_as_a_dependency(cache: Path, tmp_path: Path) -> None:
    """A dependency is looked for among the packages that are given, in whatever order, before the cache."""
    above = folder(
        tmp_path / "above", {"a.json": value_set("a", title="above")}, manifest("a", dependencies={"b": "1.0.x"})
    )
    below = packed(tmp_path / "b.tgz", {"a.json": value_set("a", title="below")}, manifest("b", "1.0.7"))
    cached(cache, "b", "1.0.9")
    assert labels(cache, above, below) == ["b#1.0.7", "a#1.0.0"]
    library = package_library(load_packages([str(above), str(below)], cache))
    assert (library.find("ValueSet", f"{BASE}/ValueSet/a") or {})["title"] == "above"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("1.2.0", "1.2.0"), ("1.2.x", "1.2.10"), ("1.x.x", "1.3.0"), ("latest", "2.0.0"), ("current", "current")],
)
def test_versions_that_are_asked_for(wanted: str, found: str, cache: Path) -> None:
    """An exact version is that one; ``x`` stands for any number, ``latest`` for the newest."""
    for version in ("1.2.0", "1.2.9", "1.2.10", "1.3.0", "2.0.0"):
        cached(cache, "b", version)
    folder(cache / "b#current", {}, manifest("b", "current"))
    cached(cache, "a", dependencies={"b": wanted})
    assert labels(cache, "a#1.0.0")[0] == f"b#{found}"


def test_a_missing_dependency_names_who_needs_it(cache: Path) -> None:
    """The message has the package that is missing, the one that needs it, and where it was looked for."""
    cached(cache, "a", dependencies={"b": "1.0.0"})
    cached(cache, "b", dependencies={"c": "2.x"})
    with pytest.raises(NotFound, match=r"b#1\.0\.0 needs c#2\.x") as refusal:
        labels(cache, "a#1.0.0")
    assert str(cache) in str(refusal.value)


@pytest.mark.parametrize("name", ["../a", "/a", "..", "a/b", "", "*", "?"])
def test_names_are_no_paths(name: str, cache: Path) -> None:
    """A hostile name of a dependency leads to no folder."""
    folder(cache.parent / "a#1.0.0", {}, manifest("a"))
    cached(cache, "b", dependencies={name: "1.0.0"})
    for wanted in ("b#1.0.0", f"{name}#1.0.0"):
        with pytest.raises(NotFound):
            labels(cache, wanted)


@pytest.mark.parametrize("wanted", ["a", "a#1.0.0", "a#../x", "a.tgz", "#", "a#"])
def test_what_is_not_there(wanted: str, cache: Path) -> None:
    """A package that cannot be found is named."""
    with pytest.raises(NotFound) as refusal:
        labels(cache, wanted)
    assert wanted in str(refusal.value)


def test_packages_of_another_version_of_fhir(cache: Path) -> None:
    """Definitions of R4 are not definitions of R5: the package, or the dependency on another core, is refused."""
    cached(cache, "a", fhirVersions=["4.0.1"])
    with pytest.raises(Invalid, match=r"a#1\.0\.0 is for FHIR 4\.0\.1"):
        labels(cache, "a#1.0.0")
    cached(cache, "b", dependencies={"hl7.fhir.r5.core": "4.6.0"})
    with pytest.raises(NotFound, match=r"b#1\.0\.0 needs hl7\.fhir\.r5\.core#4\.6\.0"):
        labels(cache, "b#1.0.0")
