"""Profiles for the tests, and packages that bring them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

BASE: Final = "https://example.org/fhir"
TITLED: Final = f"{BASE}/StructureDefinition/titled-study"
"""A ResearchStudy with a title and a description."""


def profile(url: str, type_: str, *elements: Json, base: str | None = None, **members: Any) -> Json:
    """Return a profile of a type by its differential; each element has its path below the type."""
    return {
        "resourceType": "StructureDefinition",
        "id": url.rpartition("/")[2],
        "url": url,
        "version": "1.0.0",
        "name": "Profile",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": type_,
        "baseDefinition": base or f"http://hl7.org/fhir/StructureDefinition/{type_}",
        "derivation": "constraint",
        "differential": {
            "element": [
                {"id": type_, "path": type_},
                *({**each, "id": f"{type_}.{each['path']}", "path": f"{type_}.{each['path']}"} for each in elements),
            ]
        },
        **members,
    }


def titled() -> Json:
    """Return the profile :data:`TITLED`."""
    return profile(TITLED, "ResearchStudy", {"path": "title", "min": 1}, {"path": "description", "min": 1})


def package(place: Path, *resources: Json, **members: Any) -> str:
    """Write a package with these resources into a folder and return where it is."""
    place.mkdir(parents=True, exist_ok=True)
    about = {"name": f"test.{place.name.lower()}", "version": "1.0.0", "fhirVersions": ["5.0.0"], **members}
    (place / "package.json").write_text(json.dumps(about))
    for number, resource in enumerate(resources):
        (place / f"{resource['resourceType']}-{number}.json").write_text(json.dumps(resource))
    return str(place)
