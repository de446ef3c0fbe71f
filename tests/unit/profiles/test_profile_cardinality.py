"""How often elements and slices occur: https://hl7.org/fhir/R5/profiling.html#cardinality."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.profiles.profiling import HERE, found, issues, observation, profile


@pytest.mark.parametrize(
    ("element", "changes", "expected"),
    [
        ({"id": "Observation.subject", "min": 1}, {}, []),
        ({"id": "Observation.subject", "min": 1}, {"subject": None}, ["Observation.subject"]),
        ({"id": "Observation.performer", "min": 2}, {}, []),
        ({"id": "Observation.performer", "min": 3}, {}, ["Observation.performer"]),
        ({"id": "Observation.performer", "max": "2"}, {}, []),
        ({"id": "Observation.performer", "max": "1"}, {}, ["Observation.performer"]),
        ({"id": "Observation.performer", "max": "0"}, {}, ["Observation.performer"]),
        ({"id": "Observation.bodySite", "max": "0"}, {}, []),
        ({"id": "Observation.value[x]", "min": 1}, {}, []),
        ({"id": "Observation.value[x]", "min": 1}, {"valueQuantity": None}, ["Observation.value"]),
        ({"id": "Observation.value[x]", "max": "0"}, {}, ["Observation.value"]),
        ({"id": "Observation.code.text", "min": 1}, {}, []),
        ({"id": "Observation.code.text", "min": 1}, {"code": {"coding": [{"code": "x"}]}}, ["Observation.code.text"]),
        ({"id": "Observation.code.coding.display", "min": 1}, {}, ["Observation.code.coding[0].display"]),
        ({"id": "Observation.component.value[x]", "max": "0"}, {}, ["Observation.component[0].value"]),
        ({"id": "Observation.component.interpretation", "min": 1}, {"component": None}, []),
        ({"id": "Observation.value[x].unit", "min": 1}, {}, []),
        ({"id": "Observation.value[x].comparator", "min": 1}, {}, ["Observation.value.ofType(Quantity).comparator"]),
        (
            {"id": "Observation.valueQuantity.comparator", "min": 1},
            {},
            ["Observation.value.ofType(Quantity).comparator"],
        ),
        ({"id": "Observation.valueQuantity.comparator", "min": 1}, {"valueQuantity": None, "valueString": "x"}, []),
        (
            {"id": "Observation.valueQuantity", "min": 1},
            {"valueQuantity": None, "valueString": "x"},
            ["Observation.value"],
        ),
        (
            {"id": "Observation.valueString", "max": "0"},
            {"valueQuantity": None, "valueString": "x"},
            ["Observation.value"],
        ),
        ({"id": "Observation.valueString", "max": "0"}, {}, []),
        ({"id": "Observation.component.referenceRange.text", "min": 1}, {}, []),
    ],
)
def test_an_element_occurs_as_often_as_the_profile_says(
    element: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    """Minimum and maximum hold in every object that has the element, also in data types and for one type of several."""
    there = found(observation(**changes), profile("p", "Observation", element))
    assert there[:1] == [("cardinality", where) for where in expected]


def test_a_primitive_that_has_only_an_extension_is_there() -> None:
    """An element without a value counts: https://hl7.org/fhir/R5/json.html#primitive."""
    absent = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    resource = observation(effectiveDateTime=None, _effectiveDateTime={"extension": [absent]})
    assert found(resource, profile("p", "Observation", {"id": "Observation.effective[x]", "min": 1})) == []


def test_an_extension_of_a_primitive_can_be_demanded() -> None:
    """Profiles walk into primitive types, whose extensions stand beside the value."""
    demand = profile("p", "Observation", {"id": "Observation.status.extension", "min": 1})
    assert found(observation(), demand) == [("cardinality", "Observation.status.extension")]
    given = {"extension": [{"url": "http://example.org/why", "valueString": "x"}]}
    assert found(observation(_status=given), demand) == []


def test_a_content_reference_is_walked_into() -> None:
    """Elements below a content reference are those of the element that it names."""
    demand = profile("p", "Observation", {"id": "Observation.component.referenceRange.text", "min": 1})
    component = {"code": {"text": "x"}, "referenceRange": [{"low": {"value": 1}}]}
    assert found(observation(component=[component]), demand) == [
        ("cardinality", "Observation.component[0].referenceRange[0].text")
    ]


def test_an_issue_names_its_profile() -> None:
    """Every issue says which profile demands it; what FHIR itself demands has none."""
    resource = observation(subject=None, status=None)
    by_rule = {
        issue.expression[0]: issue
        for issue in issues(resource, profile("p", "Observation", {"id": "Observation.subject", "min": 1}))
    }
    assert by_rule["Observation.subject"].profile == HERE + "p"
    assert by_rule["Observation.subject"].code == "required"
    assert by_rule["Observation.status"].profile is None


@pytest.mark.parametrize(
    "broken", [{"performer": "x"}, {"performer": [None]}, {"performer": {}}, {"code": 5}, {"component": [[]]}]
)
def test_malformed_json_is_left_to_the_base(broken: dict[str, Any]) -> None:
    """A profile looks at what has the right form; the rest is reported once, by the base check."""
    demand = profile(
        "p", "Observation", {"id": "Observation.performer.display", "min": 1}, {"id": "Observation.code.text", "min": 1}
    )
    assert all(issue.profile is None or issue.rule == "cardinality" for issue in issues(observation(**broken), demand))
