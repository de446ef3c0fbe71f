"""The official examples against the profiles that they claim, and their extensions against HL7's definitions."""

from __future__ import annotations

from collections import Counter

from service.fhir.json import loads
from service.profiles.definition.core import core_definitions
from service.profiles.validator import Validator
from service.terminology.base import Verdict
from tests.conformance.packages import resource_files

LARGE = 20_000_000
"""Bytes: larger files repeat what the smaller ones have."""

KNOWN: dict[str, dict[str | None, int]] = {
    # valueCodeableReference in an extension that takes a CodeableConcept or a Reference
    "Patient-patient-example-sex-and-gender.json": {"type": 5},
    # a body temperature without effective[x]
    "Observation-f202.json": {"cardinality": 1},
    # written for older definitions of two extensions, which were allowed at more places
    "PlanDefinition-low-suicide-risk-order-set.json": {"extension-context": 1},
    **{
        f"PlanDefinition-opioidcds-{number}.json": {"extension-context": 2} for number in ("04", "05", "07", "08", "11")
    },
    "PlanDefinition-opioidcds-10.json": {"extension-context": 10},
    # an extension of FHIR that is defined nowhere
    "PlanDefinition-KDN5.json": {"extension": 6},
    # nested concepts, and nothing that says what the nesting means
    "CodeSystem-fhir-types.json": {"scs-1": 1},
    "Bundle-valuesets.json": {"scs-1": 1},
}


class Silent:
    """A terminology that knows nothing, so that no code is judged."""

    def in_value_set(
        self, value_set: str, system: str | None, code: str, *, version: str | None = None, display: str | None = None
    ) -> Verdict:
        """Not known."""
        del value_set, system, code, version, display
        return Verdict(None)

    def in_code_system(
        self, system: str, code: str, *, version: str | None = None, display: str | None = None
    ) -> Verdict:
        """Not known."""
        del system, code, version, display
        return Verdict(None)

    def subsumes(self, system: str, ancestor: str, descendant: str) -> bool | None:
        """Not known."""
        del system, ancestor, descendant
        return None


def test_the_examples_conform_to_their_profiles() -> None:
    """Every error of a profile or extension in an official example is known by name; no other is found."""
    validator = Validator(core_definitions(), Silent())
    found: dict[str, Counter[str | None]] = {}
    for path in resource_files("hl7.fhir.r5.examples"):
        text = path.read_bytes()
        if len(text) > LARGE or (b'"profile"' not in text and b"xtension" not in text and b"loinc" not in text):
            continue
        errors = [
            issue
            for issue in validator.check(loads(text))
            if issue.severity == "error" and (issue.profile is not None or issue.rule == "extension")
        ]
        if errors:
            found[path.name] = Counter(issue.rule for issue in errors)
    assert found == KNOWN
