"""Types narrowed by a profile: https://hl7.org/fhir/R5/elementdefinition-definitions.html#ElementDefinition.type."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.profiles.profiling import HERE, bundle, found, issues, observation, profile

GRAMS = profile("grams", "Quantity", {"id": "Quantity.code", "min": 1, "fixedCode": "g"})
KILOGRAMS = profile("kilograms", "Quantity", {"id": "Quantity.code", "min": 1, "fixedCode": "kg"})


def value_type(*types: dict[str, Any]) -> dict[str, Any]:
    """A profile that leaves these types to the value."""
    return profile("p", "Observation", {"id": "Observation.value[x]", "type": list(types)})


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("Quantity", "string"), []),
        (("Quantity",), []),
        (("string",), [("type", "Observation.value.ofType(Quantity)")]),
    ],
)
def test_a_choice_is_narrowed_to_some_types(codes: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    """A value of a type that the profile leaves out is refused."""
    assert found(observation(), value_type(*({"code": code} for code in codes))) == expected


@pytest.mark.parametrize(
    ("profiles", "rules"),
    [(("kilograms",), []), (("grams",), ["fixed"]), (("grams", "kilograms"), []), (("grams", "grams"), ["profile"])],
)
def test_a_value_conforms_to_a_profile_of_its_type(profiles: tuple[str, ...], rules: list[str]) -> None:
    """Of several profiles one is enough; of a single one its own issues are reported, in its name."""
    demand = value_type({"code": "Quantity", "profile": [HERE + name for name in profiles]})
    there = issues(observation(), demand, GRAMS, KILOGRAMS)
    assert [issue.rule for issue in there] == rules
    if rules == ["fixed"]:
        assert there[0].profile == HERE + "grams"
        assert there[0].expression == ("Observation.value.ofType(Quantity).code",)


def test_only_values_of_the_type_have_to_conform_to_its_profile() -> None:
    """The profile of one type of a choice says nothing about the others."""
    demand = value_type({"code": "Quantity", "profile": [HERE + "grams"]}, {"code": "string"})
    assert found(observation(valueQuantity=None, valueString="x"), demand, GRAMS) == []


def test_an_unknown_profile_of_a_type_is_reported() -> None:
    """What cannot be checked is never passed silently."""
    demand = value_type({"code": "Quantity", "profile": [HERE + "nowhere"]})
    there = issues(observation(), demand, at_least="warning")
    assert [(i.severity, i.rule, i.expression) for i in there] == [
        ("warning", "unknown-profile", ("Observation.value.ofType(Quantity)",))
    ]


def test_a_resource_in_an_entry_is_of_the_type_and_conforms() -> None:
    """Elements of type Resource can be narrowed to a type, and to a profile of it."""
    final = profile("final", "Observation", {"id": "Observation.status", "fixedCode": "final"})
    demand = profile(
        "b", "Bundle", {"id": "Bundle.entry.resource", "type": [{"code": "Observation", "profile": [final["url"]]}]}
    )
    assert found(bundle(observation()), demand, final) == []
    assert found(bundle(observation(status="amended")), demand, final) == [("fixed", "Bundle.entry[0].resource.status")]
    other = {"resourceType": "Basic", "id": "weight", "code": {"text": "x"}}
    assert ("type", "Bundle.entry[0].resource") in found(bundle(other), demand, final)


def test_a_profile_can_walk_into_a_resource_within() -> None:
    """The elements of a resource in a Bundle can be constrained where it stands."""
    demand = profile(
        "b",
        "Bundle",
        {"id": "Bundle.entry.resource", "type": [{"code": "Observation"}]},
        {"id": "Bundle.entry.resource.subject", "min": 1},
    )
    assert found(bundle(observation(subject=None)), demand) == [("cardinality", "Bundle.entry[0].resource.subject")]
