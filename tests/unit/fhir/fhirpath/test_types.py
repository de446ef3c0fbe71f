"""Types: https://hl7.org/fhirpath/#types and https://hl7.org/fhir/R5/fhirpath.html#types."""

from __future__ import annotations

import pytest

from service.fhir.fhirpath import model
from tests.unit.fhir.fhirpath.evaluating import OBSERVATION, outcome


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$this is Patient", True),
        ("$this is DomainResource", True),
        ("$this is FHIR.Resource", True),
        ("$this is Observation", False),
        ("active is boolean", True),
        ("active is System.Boolean", False),
        ("active.getValue() is System.Boolean", True),
        ("true is Boolean", True),
        ("name[0].use is code", True),
        ("name[0].use is string", True),
        ("name[0].use is uri", False),
        ("name[0] is Element", True),
        ("1 is System.Patient", False),
        ("5 'mg' is Quantity", True),
        ("5 'mg' is System.Quantity", True),
        ("@2020 is Date", True),
        ("@2020T is DateTime", True),
        ("contained[0].is(Organization)", True),
    ],
)
def test_is(expression: str, expected: bool) -> None:
    """``is`` counts everything that a type specialises; the types of FHIR are not those of the language."""
    assert outcome(expression) == [expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(deceased as boolean)", [False]),
        ("(deceased as dateTime)", []),
        ("name[0].use.as(code)", ["official"]),
        ("name[0].use.as(string)", []),
        ("name.use.ofType(string)", []),
        ("name.given.ofType(FHIR.string).count()", [3]),
        ("contained.ofType(DomainResource).id", ["o"]),
        ("contained.ofType(Patient)", []),
        ("(name as HumanName).use", ["official", "usual"]),
        ("active.type().namespace + active.type().name", ["FHIRboolean"]),
        ("true.type().namespace + true.type().name", ["SystemBoolean"]),
        ("contact.type()", []),
    ],
)
def test_casts(expression: str, expected: list[object]) -> None:
    """A cast keeps what is of the type; a code is not what ``ofType(string)`` asks for."""
    assert outcome(expression) == expected


def test_age_is_a_quantity() -> None:
    """A specialisation of Quantity is found under either name, and has its elements."""
    condition = {"resourceType": "Condition", "onsetAge": {"value": 5, "unit": "a"}}
    assert outcome("onset.ofType(Quantity).unit", condition) == ["a"]
    assert outcome("onset.ofType(Age).value", condition) == [5]
    assert outcome("onset is Duration", condition) == [False]
    assert outcome("value is Quantity and value.code = 'kg'", OBSERVATION) == [True]


def test_the_types_of_an_element() -> None:
    """A path leads to its types: several for a choice, the other element's for a contentReference."""
    assert model.types_at("Patient") == {"Patient"}
    assert model.types_at("Patient.contact") == {"Patient.contact"}
    assert model.types_at("Patient.deceased") == model.types_at("Patient.deceased[x]") == {"boolean", "dateTime"}
    assert model.types_at("Questionnaire.item.item") == {"Questionnaire.item"}
    assert model.steps("SimpleQuantity").keys() == model.steps("Quantity").keys()


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("code", "System.String"),
        ("integer64", "System.Integer"),
        ("instant", "System.DateTime"),
        ("Duration", "System.Quantity"),
        ("System.Date", "System.Date"),
        ("HumanName", None),
        ("Patient.contact", None),
    ],
)
def test_what_a_type_converts_to(name: str, system: str | None) -> None:
    """Primitive types and quantities become System values by themselves."""
    assert model.system_type(name) == system


def test_a_long_number_is_an_integer() -> None:
    """integer64 is a text in JSON and a number in an expression."""
    resource = {"resourceType": "Parameters", "parameter": [{"name": "n", "valueInteger64": "9007199254740993"}]}
    assert outcome("parameter.value + 1", resource) == [9007199254740994]
