"""The registry's own FHIR package (``fhir_profiles/``) as it is used at run time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from service.fhir.definitions import SearchParameter
from service.fhir.json import loads
from service.search.definition import parse_definition
from service.search.parameters import Catalogue

# In a checkout the package lies beside service/, in a wheel inside of it.
_PLACES: Final = (Path(__file__).parents[2] / "fhir_profiles", Path(__file__).parents[1] / "_data" / "fhir_profiles")


def folder() -> Path:
    """Return where the package is; raises FileNotFoundError where the installation lacks it."""
    for place in _PLACES:
        if (place / "package.json").is_file():
            return place
    raise FileNotFoundError("the package fhir_profiles is missing from this installation")


def resources(type_: str) -> Iterator[dict[str, Any]]:
    """Yield the package's resources of a type, by name."""
    for path in sorted(folder().glob(f"{type_}-*.json")):
        yield loads(path.read_bytes())


@cache
def catalogue() -> Catalogue:
    """Return the official search parameters with the registry's own."""
    found = Catalogue()
    # Composites come last: they are made of the others.
    for resource in sorted(resources("SearchParameter"), key=lambda each: each["type"] == "composite"):
        if resource["type"] == "special":  # done by code; the resource describes it
            definition = SearchParameter(resource["url"], resource["code"], "special", tuple(resource["base"]))
        else:
            definition = parse_definition(resource, found)
        found = Catalogue((*found.extra, definition))
    return found
