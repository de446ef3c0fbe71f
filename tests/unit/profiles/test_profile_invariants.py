"""Constraints of profiles: https://hl7.org/fhir/R5/conformance-rules.html#constraints."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.profiles.profiling import HERE, SETS, bundle, found, issues, observation, profile


def constraint(expression: str, key: str = "ex-1", severity: str = "error", **more: Any) -> list[dict[str, Any]]:
    """A list of one constraint."""
    return [{"key": key, "severity": severity, "human": "what is demanded", "expression": expression, **more}]


@pytest.mark.parametrize(
    ("path", "expression", "expected"),
    [
        ("Observation", "status = 'final'", []),
        ("Observation", "status = 'amended'", ["Observation"]),
        ("Observation.component", "code.exists()", []),
        ("Observation.component", "value.is(integer)", ["Observation.component[0]"]),
        ("Observation.status", "$this = 'final'", []),
        ("Observation.status", "length() > 5", ["Observation.status"]),
        ("Observation.value[x]", "value > 5", ["Observation.value.ofType(Quantity)"]),
        ("Observation.code.coding", "%resource.status = 'final'", []),
        ("Observation.component:x", "false", []),
    ],
)
def test_a_constraint_holds_for_each_item_of_its_element(path: str, expression: str, expected: list[str]) -> None:
    """Also for primitives, for any type of a choice, and below data types."""
    slicing = {"discriminator": [{"type": "value", "path": "code"}], "rules": "open"}
    sliced: list[dict[str, Any]] = [
        {"id": "Observation.component", "slicing": slicing},
        {"id": "Observation.component:x.code.text", "fixedString": "x"},
    ]
    demand = profile("p", "Observation", *sliced, {"id": path, "constraint": constraint(expression)})
    assert found(observation(), demand) == [("ex-1", where) for where in expected]


def test_a_constraint_can_be_a_warning() -> None:
    """Its severity is that of the issue, which names key and profile."""
    demand = profile("p", "Observation", {"id": "Observation", "constraint": constraint("false", severity="warning")})
    (issue,) = issues(observation(), demand, at_least="warning")
    assert (issue.severity, issue.code, issue.rule, issue.profile) == ("warning", "invariant", "ex-1", HERE + "p")
    assert "what is demanded" in issue.diagnostics


def test_constraints_of_bases_hold_as_well() -> None:
    """A derived profile adds to the constraints of its base."""
    base = profile("base", "Observation", {"id": "Observation", "constraint": constraint("false", "ex-1")})
    demand = profile(
        "p", "Observation", {"id": "Observation", "constraint": constraint("false", "ex-2")}, base=HERE + "base"
    )
    assert [rule for rule, _ in found(observation(), demand, base)] == ["ex-1", "ex-2"]


def test_a_constraint_of_the_base_type_is_not_evaluated_again() -> None:
    """A snapshot repeats the constraints of the base definitions, which have been checked."""
    repeated = constraint("false", "obs-x", source="http://hl7.org/fhir/StructureDefinition/Observation")
    assert found(observation(), profile("p", "Observation", {"id": "Observation", "constraint": repeated})) == []


def test_what_cannot_be_evaluated_is_said_to_be_so() -> None:
    """Never passed silently: a warning, once, however many items there are."""
    demand = profile("p", "Observation", {"id": "Observation.component", "constraint": constraint("nonsense(")})
    there = issues(observation(), demand, at_least="warning")
    assert [(i.severity, i.rule) for i in there] == [("warning", "ex-1")]


def test_a_constraint_may_ask_the_terminology_and_other_profiles() -> None:
    """``memberOf`` and ``conformsTo`` are answered by what this validator knows."""
    cold = profile("cold", "Observation", {"id": "Observation.code.text", "min": 1})
    asks = constraint(f"code.memberOf('{SETS}warm') and conformsTo('{cold['url']}')")
    demand = profile("p", "Observation", {"id": "Observation", "constraint": asks})
    red = {"coding": [{"system": "http://example.org/fhir/CodeSystem/colours", "code": "red"}], "text": "x"}
    assert found(observation(code=red), demand, cold) == []
    blue = {"coding": [{"system": "http://example.org/fhir/CodeSystem/colours", "code": "blue"}], "text": "x"}
    assert found(observation(code=blue, component=None), demand, cold) == [("ex-1", "Observation")]
    textless = {"coding": [{"system": "http://example.org/fhir/CodeSystem/colours", "code": "red"}]}
    assert found(observation(code=textless), demand, cold) == [("ex-1", "Observation")]


def test_the_resource_of_a_constraint_is_the_one_that_it_is_in() -> None:
    """In a Bundle and in ``contained``, %resource is the resource within."""
    demand = profile("p", "Patient", {"id": "Patient", "constraint": constraint("%resource.id = 'p'")})
    patient = {"resourceType": "Patient", "id": "p", "meta": {"profile": [HERE + "p"]}}
    resource = observation(contained=[patient], subject={"reference": "#p"})
    assert found(resource, profile("o", "Observation"), demand) == []
    assert found(bundle(patient, observation()), profile("b", "Bundle"), demand) == []
