"""What the registry knows by itself: https://hl7.org/fhir/R5/terminologies.html."""

from __future__ import annotations

import pytest

from service.terminology.core import core_library
from service.terminology.service import TerminologyService

SETS = "http://hl7.org/fhir/ValueSet/"


@pytest.mark.parametrize(
    ("value_set", "system", "code", "expected"),
    [
        ("questionnaire-item-control", "http://hl7.org/fhir/questionnaire-item-control", "help", True),
        ("questionnaire-item-control", "http://hl7.org/fhir/questionnaire-item-control", "nothing", False),
        ("standards-status", None, "normative", True),
        ("hl7-work-group", "http://hl7.org/fhir/hl7-work-group", "brr", True),
        ("time-duration-units", "http://unitsofmeasure.org", "a", True),
        ("animal-breeds", "http://snomed.info/sct", "1", None),
    ],
)
def test_the_value_sets_of_extensions(value_set: str, system: str | None, code: str, expected: bool | None) -> None:
    """Those of HL7's extensions come with the tables, but for lists of codes that may not be passed on."""
    assert TerminologyService(core_library()).in_value_set(SETS + value_set, system, code).result is expected


@pytest.mark.parametrize(("code", "expected"), [("001", True), ("999", None)])
def test_what_an_expansion_tells_of_a_property(code: str, expected: bool | None) -> None:
    """A code that is listed where a property is asked for has it; of a code that nobody lists nothing is known."""
    m49 = "http://unstats.un.org/unsd/methods/m49/m49.htm"
    assert TerminologyService(core_library()).in_value_set(SETS + "jurisdiction", m49, code).result is expected
