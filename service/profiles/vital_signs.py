"""Observations that are vital signs, whatever they claim: https://hl7.org/fhir/R5/observation-vitalsigns.html.

Whoever uses one of these codes of LOINC has to conform to the profile that goes with it.
"""

from __future__ import annotations

from typing import Any, Final

from service.profiles.definition.problems import STRUCTURE

LOINC: Final = "http://loinc.org"

PROFILES: Final = {
    "85353-1": "vitalspanel",
    "9279-1": "resprate",
    "8867-4": "heartrate",
    "2708-6": "oxygensat",
    "8310-5": "bodytemp",
    "8302-2": "bodyheight",
    "9843-4": "headcircum",
    "29463-7": "bodyweight",
    "39156-5": "bmi",
    "85354-9": "bp",
}
"""Code -> name of the profile."""


def implied(resource: dict[str, Any]) -> list[str]:
    """The profiles that the codes of an Observation demand, empty for other resources."""
    code = resource.get("code") if resource.get("resourceType") == "Observation" else None
    codings = code.get("coding") if isinstance(code, dict) else None
    found = []
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and coding.get("system") == LOINC and isinstance(coding.get("code"), str):
            name = PROFILES.get(coding["code"])
            if name:
                found.append(STRUCTURE + name)
    return found
