"""The variables of FHIR that always have the same value (https://hl7.org/fhir/R5/fhirpath.html#variables)."""

from __future__ import annotations

from typing import Final

_CONSTANTS: Final = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
_PREFIXES: Final = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}


def constant_value(name: str) -> str | None:
    """The value of ``%name``, None if it is not one of these variables."""
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    for prefix, base in _PREFIXES.items():
        if name.startswith(prefix):
            return base + name.removeprefix(prefix)
    return None
