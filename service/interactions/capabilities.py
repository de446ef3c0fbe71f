"""capabilities: what this server does (https://hl7.org/fhir/R5/http.html#capabilities).

Everything in the statement comes from where it is decided: the routes, the search parameters, the definitions, the
settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.fhir import definitions
from service.fhir.json import dumps
from service.interactions.engine import Limits
from service.search.parameters import Catalogue, Parameter

CANONICAL = "https://trial-registry.example.org/fhir"


@dataclass(frozen=True, slots=True)
class Offer:
    """An interaction that the API offers: its code, and whether on a type (or instance) or on the whole system."""

    code: str
    level: str


def capability_statement(
    offers: Sequence[Offer],
    catalogue: Catalogue,
    limits: Limits,
    base: str,
    formats: Sequence[str],
    operations: Sequence[tuple[str, str, Sequence[str | None]]],
    version: str,
    started: str,
) -> bytes:
    """Return the CapabilityStatement.

    ``operations`` are names and definitions, and the resource types, None for the whole system; ``started`` is the
    instant from which this server has been as it describes.
    """
    by_level = {
        level: [{"code": code} for code in dict.fromkeys(offer.code for offer in offers if offer.level == level)]
        for level in ("type", "system")
    }
    statement = {
        "resourceType": "CapabilityStatement",
        "id": "trial-registry",
        "url": f"{CANONICAL}/CapabilityStatement/trial-registry",
        "name": "TrialRegistry",
        "title": "A clinical-trial registry whose results are data",
        "status": "active",
        "date": started,
        "kind": "instance",
        "software": {"name": "trial-registry", "version": version},
        "implementation": {"description": "Studies, arms and results in FHIR R5", "url": base},
        "fhirVersion": definitions.provenance().fhir_version,
        "format": list(formats),
        "patchFormat": ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"],
        "rest": [
            {
                "mode": "server",
                "resource": [
                    _resource(type_, by_level["type"], catalogue, limits, _operations(operations, type_))
                    for type_ in definitions.resource_types()
                ],
                "interaction": by_level["system"],
                "searchParam": [_parameter(parameter) for parameter in catalogue.common().values()],
                "operation": _operations(operations, None),
            }
        ],
    }
    return dumps(statement)


def _operations(operations: Sequence[tuple[str, str, Sequence[str | None]]], type_: str | None) -> list[dict[str, str]]:
    return [{"name": name, "definition": definition} for name, definition, types in operations if type_ in types]


def _resource(
    type_: str,
    interactions: Sequence[dict[str, str]],
    catalogue: Catalogue,
    limits: Limits,
    operations: list[dict[str, str]],
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": type_,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{type_}",
        "interaction": list(interactions),
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalPatch": True,
        "conditionalDelete": "single" if limits.conditional_delete == 1 else "multiple",
        "referencePolicy": ["literal", "logical", "local"],
        "searchParam": [_parameter(parameter) for parameter in catalogue.for_type(type_).values()],
    }
    return {**found, "operation": operations} if operations else found


def _parameter(parameter: Parameter) -> dict[str, str]:
    return {"name": parameter.code, "definition": parameter.url, "type": parameter.type}
