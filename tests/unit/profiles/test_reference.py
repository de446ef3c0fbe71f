"""Targets of references: https://hl7.org/fhir/R5/references.html#Reference."""

from __future__ import annotations

from typing import Any

import pytest

from service.profiles.rules.reference import target_type
from service.profiles.run import Run
from tests.support.validation import check_structure as check

CONTAINER = {
    "resourceType": "ResearchStudy",
    "contained": [{"resourceType": "Group", "id": "g"}, {"resourceType": 5, "id": "odd"}, {"id": ["x"]}, "none"],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient/1", "Patient"),
        ("Patient/1/_history/2", "Patient"),
        ("https://example.org/fhir/Patient/1", "Patient"),
        ("https://example.org/Group/x/Patient/1#part", "Patient"),
        ("Patient?identifier=a|b", "Patient"),
        ("#g", "Group"),
        ("#", "ResearchStudy"),
        ("#missing", None),
        ("#odd", None),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", None),
        ("https://example.org/documents/1", None),
        ("https://example.org/Document/1", None),
        ("Patient", None),
        ("", None),
        (5, None),
        (None, None),
    ],
)
def test_the_text_of_a_reference_tells_the_type_or_nothing(text: object, expected: str | None) -> None:
    """A RESTful or conditional reference names its type, a contained resource has one; nothing is fetched."""
    assert target_type(text, Run(CONTAINER)) == expected


@pytest.mark.parametrize("contained", [None, [], {}, "x"])
def test_a_reference_without_contained_resources_tells_nothing(contained: Any) -> None:
    """A malformed ``contained`` is reported elsewhere and does no harm here."""
    assert target_type("#g", Run({"resourceType": "ResearchStudy", "contained": contained})) is None


def targets(**reference: Any) -> list[tuple[str | None, str]]:
    """Rule and location of the issues about ResearchStudy.site (Location, Organization or ResearchStudy)."""
    contained = [{"resourceType": "Location", "id": "l"}, {"resourceType": "Device", "id": "d"}]
    study = {"resourceType": "ResearchStudy", "status": "active", "contained": contained, "site": [reference]}
    return [(issue.rule, issue.expression[0]) for issue in check(study)]


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Location/1"},
        {"reference": "https://example.org/fhir/Organization/1"},
        {"reference": "#l"},
        {"reference": "#"},
        {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
        {"reference": "Location/1", "type": "Location"},
        {"reference": "Location/1", "type": "http://hl7.org/fhir/StructureDefinition/Location"},
        {"type": "Organization", "identifier": {"value": "1"}},
        {"type": "http://example.org/StructureDefinition/Site", "display": "a logical model"},
        {"display": "x"},
    ],
)
def test_an_allowed_or_unknown_target_passes(reference: dict[str, Any]) -> None:
    """Only what is known to be wrong is reported."""
    assert targets(**reference) == []


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Patient/1"},
        {"reference": "https://example.org/fhir/Patient/1/_history/1"},
        {"reference": "Patient?name=x"},
        {"reference": "#d"},
        {"reference": "Patient/1", "type": "Patient"},
    ],
)
def test_a_target_of_another_type_is_refused(reference: dict[str, Any]) -> None:
    """The text or the contained resource gives the type away."""
    assert targets(**reference) == [("reference", "ResearchStudy.site[0].reference")]


def test_a_declared_type_is_checked_too() -> None:
    """``Reference.type`` decides where the text says nothing."""
    assert targets(type="Patient", display="x") == [("reference", "ResearchStudy.site[0].type")]


def test_a_declared_type_must_agree_with_the_text() -> None:
    """A reference to a Location does not say that it is an Organization."""
    assert targets(reference="Location/1", type="Organization") == [("reference", "ResearchStudy.site[0].type")]


def test_a_reference_to_anything_takes_any_resource_type() -> None:
    """Where the definition names no target, only a contradiction is reported."""
    entry: dict[str, Any] = {"item": {"reference": "Patient/1"}}
    resource = {"resourceType": "List", "status": "current", "mode": "working", "entry": [entry]}
    assert check(resource) == []
    entry["item"]["type"] = "Group"
    assert [issue.expression for issue in check(resource)] == [("List.entry[0].item.type",)]


def test_the_reference_in_a_codeable_reference_is_checked() -> None:
    """The targets of a CodeableReference are those of its reference."""
    intervention = {"reference": {"reference": "Patient/1"}}
    resource = {"resourceType": "ImagingStudy", "status": "available", "subject": {"display": "x"}}
    issues = check({**resource, "procedure": [intervention]})
    assert [issue.expression for issue in issues] == [("ImagingStudy.procedure[0].reference.reference",)]
    assert check({**resource, "procedure": [{"concept": {"text": "x"}}]}) == []


def test_a_reference_in_a_bundle_looks_into_its_own_resource() -> None:
    """Each entry has its own contained resources, and the one after it does not see them."""
    group = {"resourceType": "Group", "id": "g", "type": "person", "membership": "enumerated"}
    study = {"resourceType": "ResearchStudy", "status": "active", "site": [{"reference": "#g"}]}
    entries = [{"resource": {**study, "contained": [group]}}, {"resource": study}]
    issues = check({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert [issue.expression for issue in issues] == [("Bundle.entry[0].resource.site[0].reference",)]


def test_after_an_entry_the_bundle_is_the_container_again() -> None:
    """``#`` in the signature is the Bundle, which cannot sign, and not the Patient of the entry before it."""
    who = {"reference": "#"}
    entries = [{"resource": {"resourceType": "Patient", "id": "p"}}]
    issues = check({"resourceType": "Bundle", "type": "document", "entry": entries, "signature": {"who": who}})
    assert [issue.expression for issue in issues] == [("Bundle.signature.who.reference",)]
