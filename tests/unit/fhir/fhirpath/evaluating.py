"""What the tests of FHIRPath have in common: resources to ask, and outcomes that are easy to compare."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from service.fhir import fhirpath
from service.fhir.fhirpath import Hooks, Node
from service.fhir.json import JsonNumber

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Ward"}],
    "extension": [{"url": "http://example.org/colour", "valueCode": "red"}],
    "active": True,
    "name": [
        {"use": "official", "family": "Lind", "given": ["Ann", "Bea"]},
        {"use": "usual", "given": ["Annie"], "_given": [{"extension": [{"url": "u", "valueString": "x"}]}]},
    ],
    "birthDate": "1970-03",
    "_birthDate": {
        "id": "b",
        "extension": [{"url": "http://example.org/time", "valueDateTime": "1970-03-01T10:00:00Z"}],
    },
    "_gender": {"extension": [{"url": "http://example.org/unknown", "valueBoolean": True}]},
    "deceasedBoolean": False,
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@example.org"}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [
        {"reference": "Practitioner/1"},
        {"reference": "http://example.org/fhir/Organization/2/_history/3"},
        {"type": "PractitionerRole", "display": "the doctor"},
        {"reference": "urn:uuid:0"},
    ],
    "multipleBirthInteger": 2,
}

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "1"}], "text": "Weight"},
    "valueQuantity": {
        "value": JsonNumber("72.50"),
        "unit": "kilogram",
        "system": "http://unitsofmeasure.org",
        "code": "kg",
    },
    "component": [
        {"code": {"text": "a"}, "valueQuantity": {"value": 5, "comparator": "<", "unit": "mg"}},
        {"code": {"text": "b"}, "valueString": "low"},
    ],
}


def nodes(expression: str, resource: dict[str, Any] = PATIENT, *, strict: bool = False) -> list[Node]:
    """The nodes that an expression finds, compiled for the resource's type."""
    return fhirpath.compile(expression, resource["resourceType"], strict=strict)(resource)


def outcome(expression: str, resource: dict[str, Any] = PATIENT, *, hooks: Hooks | None = None) -> list[object]:
    """The values that an expression finds; dates, times and quantities as they are written."""
    found = fhirpath.compile(expression, resource["resourceType"], hooks=hooks)(resource)
    return [plain(node.value) for node in found]


def plain(value: object) -> object:
    """A value that compares with what a test can write down: a Decimal keeps its digits as a text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value if isinstance(value, bool | int | str | dict | None) else str(value)
