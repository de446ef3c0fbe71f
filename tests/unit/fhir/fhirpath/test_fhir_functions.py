"""The functions and variables of FHIR: https://hl7.org/fhir/R5/fhirpath.html#functions."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir import fhirpath
from service.fhir.fhirpath import Hooks, Node
from tests.unit.fhir.fhirpath.evaluating import PATIENT, outcome


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("extension('http://example.org/colour').value", ["red"]),
        ("extension('http://example.org/nothing')", []),
        ("extension({})", []),
        ("birthDate.extension('http://example.org/time').value.exists()", [True]),
        ("birthDate.hasValue()", [True]),
        ("gender.hasValue()", [False]),
        ("photo.hasValue()", [False]),
        ("name.hasValue()", [False]),
        ("birthDate.getValue()", ["1970-03"]),
        ("gender.getValue()", []),
        ("name[0].getValue()", []),
        ("%sct", ["http://snomed.info/sct"]),
        ("%ucum | %loinc", ["http://unitsofmeasure.org", "http://loinc.org"]),
        ("%`vs-gender`", ["http://hl7.org/fhir/ValueSet/gender"]),
        ("%`ext-a` & %'ext-b'", ["http://hl7.org/fhir/StructureDefinition/ahttp://hl7.org/fhir/StructureDefinition/b"]),
        ("contained.select(%rootResource.id)", ["p"]),
    ],
)
def test_values_and_extensions(expression: str, expected: list[object]) -> None:
    """Extensions by url, the values of primitives, and the names that FHIR gives to systems."""
    assert outcome(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("generalPractitioner.where(resolve() is Practitioner).reference", ["Practitioner/1"]),
        ("generalPractitioner.where(resolve() is Organization).count()", [1]),
        ("generalPractitioner.where(resolve() is PractitionerRole).display", ["the doctor"]),
        ("generalPractitioner.resolve().id", ["1", "2"]),
        ("managingOrganization.resolve().name", ["Ward"]),
        ("managingOrganization.resolve() is Organization", [True]),
        ("'#o'.resolve().name", ["Ward"]),
        ("'#'.resolve().id", ["p"]),
        ("'#missing'.resolve()", []),
        ("'Patient/1|2'.resolve().id", ["1"]),
        ("'Starship/1'.resolve()", []),
        ("'Resource/1'.resolve()", []),
    ],
)
def test_resolve_fetches_nothing(expression: str, expected: list[object]) -> None:
    """What a reference points to is told by its text, its type, or the contained resource."""
    assert outcome(expression) == expected


def test_a_caller_may_resolve() -> None:
    """In a Bundle the other entries are known: they are asked first, and what they do not know is a stub."""
    asked: list[tuple[str, str]] = []

    def resolver(text: str, node: Node) -> dict[str, Any] | None:
        asked.append((text, node.path))
        return {"resourceType": "Practitioner", "id": "1", "active": True} if text == "Practitioner/1" else None

    expression = fhirpath.compile("generalPractitioner.resolve().active", "Patient")
    assert expression.values(PATIENT, resolver=resolver) == [True]
    assert asked[0] == ("Practitioner/1", "Patient.generalPractitioner[0]")
    assert expression.typed(PATIENT, resolver=resolver) == [("boolean", True)]
    assert expression.values(PATIENT) == []


def test_a_contained_resource_sees_its_container() -> None:
    """%resource is the contained resource, %rootResource the one around it; ``#id`` is looked up in the latter."""
    held = PATIENT["contained"][0]
    expression = fhirpath.compile("%resource.id & %rootResource.id & '#o'.resolve().name", "Organization")
    assert expression(held, root_resource=PATIENT)[0].value == "opWard"


def test_a_terminology_answers() -> None:
    """Membership and subsumption are questions to the caller, whose \"unknown\" is an empty outcome."""
    hooks = Hooks(
        member_of=lambda node, value_set: None if value_set == "unknown" else node.value == value_set,
        subsumes=lambda one, other: len(one.value["text"]) < len(other.value["text"]),
        conforms_to=lambda node, profile: profile.endswith(node.type),
    )
    patient = {"resourceType": "Patient", "gender": "male", "maritalStatus": {"text": "ab"}, "communication": []}
    assert outcome("gender.memberOf('male')", patient, hooks=hooks) == [True]
    assert outcome("gender.memberOf('female')", patient, hooks=hooks) == [False]
    assert outcome("gender.memberOf('unknown')", patient, hooks=hooks) == []
    assert outcome("photo.memberOf('male')", patient, hooks=hooks) == []
    assert outcome("maritalStatus.subsumes(%context.maritalStatus)", patient, hooks=hooks) == [False]
    assert outcome("maritalStatus.subsumedBy({})", patient, hooks=hooks) == []
    assert outcome("conformsTo('http://example.org/Patient')", patient, hooks=hooks) == [True]


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        ("htmlChecks", "<div>a</div>", True),
        ("htmlChecks", "<div><script/>a</div>", False),
        ("htmlChecks", "<div> </div>", False),
        ("htmlChecks1", "<div> </div>", True),
        ("htmlChecks1", "<div><form/></div>", False),
        ("htmlChecks2", "<div><form/>a</div>", True),
        ("htmlChecks2", "<div/>", False),
    ],
)
def test_html_checks(function: str, text: str, expected: bool) -> None:
    """One function for what a narrative may hold, one for whether it shows anything, and one for both."""
    resource = {"resourceType": "Basic", "text": {"status": "generated", "div": text}}
    assert outcome(f"text.div.{function}()", resource) == [expected]
    assert outcome(f"text.status.value.select(1).{function}()", resource) == []
