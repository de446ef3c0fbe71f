"""What fhirpath.js extracts from example resources by search parameter, and where it is known to be otherwise.

The extraction is a file of JSON lines, one for every resource and search parameter that finds something in it:
``file``, ``ref`` (type/id), ``param``, and either ``values`` (objects with ``type`` and ``value``) or, for a composite,
``tuples`` (per element a list of values for each component).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import orjson

from service.fhir import json
from service.search.parameters import Parameter

Json = dict[str, Any]
Pair = tuple[str, Any]
"""FHIR type and value."""

EXPLAINED: Final[Mapping[tuple[str, str], str]] = {
    ("ConceptMap.*-scope-uri", "*"): "a canonical is no uri for a cast: the official FHIRPath cases say so",
    ("Encounter.location-period", "Encounter-home.json"): "its location is contained, so there is no tuple to ask for",
    ("Observation.*value-quantity", "Observation-body-height.json"): "a JavaScript number has 17 digits, this one 18",
    ("Observation.*value-quantity", "Observation-decimal.json"): "its unions take 1E-17 and 1E-24 for equal",
}
"""Key of a parameter and name of a file, as patterns -> why fhirpath.js finds something else there than this server."""


def read(path: Path) -> dict[str, dict[str, Json]]:
    """Return file name -> code of the parameter -> line."""
    found: dict[str, dict[str, Json]] = {}
    for text in path.read_bytes().splitlines():
        line = orjson.loads(text)
        found.setdefault(line["file"], {})[line["param"]] = line
    return found


def resources(folder: Path) -> Iterator[tuple[str, Json]]:
    """File name and content of the resources in a folder, by name."""
    for path in sorted(folder.glob("*.json")):
        if path.name not in ("package.json", ".index.json"):
            resource = json.loads(path.read_bytes())
            if isinstance(resource, dict) and "resourceType" in resource:
                yield path.name, resource


def explained(parameter: Parameter, file: str) -> str | None:
    """Why a parameter differs in a file, or None where nobody has said so."""
    for (key, name), reason in EXPLAINED.items():
        if fnmatchcase(parameter.key, key) and fnmatchcase(file, name):
            return reason
    return None


def typed(parameter: Parameter, values: list[Json]) -> list[Pair]:
    """Type and value, as this server has them, of what a line has found."""
    return [
        (_type(parameter, item["type"]), _decimals(item["value"])) for item in values if item.get("value") is not None
    ]


def _type(parameter: Parameter, found: str | None) -> str:
    """The FHIR type of a value; a computed value and an id have none there, but can have only one here."""
    if found is None or found.startswith("System."):
        return next(iter(parameter.types)) if len(parameter.types) == 1 else (found or "")
    return found


def _decimals(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """The value with exact decimals, as this server reads JSON."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {name: _decimals(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_decimals(held) for held in value]
    return value
