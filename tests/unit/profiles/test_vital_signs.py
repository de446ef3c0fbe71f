"""Vital signs by their code: https://hl7.org/fhir/R5/observation-vitalsigns.html."""

from __future__ import annotations

from typing import Any

import pytest

from service.profiles.definition.core import core_definitions
from service.profiles.vital_signs import PROFILES, implied
from tests.unit.profiles.profiling import observation, validator


def coded(code: str) -> dict[str, Any]:
    """An Observation with a code of LOINC and no profile."""
    return observation(code={"coding": [{"system": "http://loinc.org", "code": code}]})


@pytest.mark.parametrize("name", PROFILES.values())
def test_each_profile_of_the_table_is_known(name: str) -> None:
    """The names are those of definitions of HL7."""
    assert core_definitions().find("StructureDefinition", f"http://hl7.org/fhir/StructureDefinition/{name}")


def test_a_vital_sign_has_to_conform_whatever_it_claims() -> None:
    """The code alone demands the profile: a category, and the coded unit."""
    errors = [i for i in validator().check(coded("8310-5")) if i.severity == "error"]
    assert {issue.profile for issue in errors} == {"http://hl7.org/fhir/StructureDefinition/bodytemp"}
    assert "Observation.category" in {issue.expression[0] for issue in errors}
    assert [i for i in validator().check(coded("1-1")) if i.severity == "error"] == []


@pytest.mark.parametrize("code", [None, 5, {"coding": 5}, {"coding": [5, {"system": "http://loinc.org", "code": []}]}])
def test_malformed_codes_demand_nothing(code: Any) -> None:
    """They are reported by the base check."""
    assert implied(observation(code=code)) == []
