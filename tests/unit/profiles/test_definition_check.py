"""What a profile may say: https://hl7.org/fhir/R5/profiling.html#limitations."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.library import Library
from service.profiles.definition.core import core_definitions
from service.profiles.definition_check import check_definition
from tests.unit.profiles.profiling import SETS, profile

SLICING = {
    "id": "Observation.component",
    "slicing": {"discriminator": [{"type": "value", "path": "code"}], "rules": "open"},
}


def wrong(*elements: dict[str, Any], base: dict[str, Any] | None = None, **more: Any) -> list[tuple[str | None, str]]:
    """Rule and place, from the element on, of what is wrong with a profile of Observation."""
    library = Library(core_definitions())
    if base:
        library.add(base)
        more["base"] = base["url"]
    there = check_definition(profile("p", "Observation", *elements, **more), library)
    return [(i.rule, i.expression[0].removeprefix("StructureDefinition.differential.")) for i in there]


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"id": "Observation.subject", "min": 1}, []),
        ({"id": "Observation.status", "min": 0}, [("cardinality", "element[0].min")]),
        ({"id": "Observation.subject", "max": "*"}, [("cardinality", "element[0].max")]),
        ({"id": "Observation.subject", "max": "2"}, [("cardinality", "element[0].max")]),
        ({"id": "Observation.performer", "min": 3, "max": "2"}, [("cardinality", "element[0].max")]),
        ({"id": "Observation.status", "max": "0"}, [("cardinality", "element[0].max")]),
        ({"id": "Observation.value[x]", "type": [{"code": "Quantity"}]}, []),
        (
            {"id": "Observation.value[x]", "type": [{"code": "Quantity"}, {"code": "Address"}]},
            [("type", "element[0].type[1].code")],
        ),
        (
            {"id": "Observation.status", "binding": {"strength": "extensible", "valueSet": SETS + "warm"}},
            [("binding", "element[0].binding.strength")],
        ),
        ({"id": "Observation.code", "binding": {"strength": "required", "valueSet": SETS + "warm"}}, []),
        (
            {"id": "Observation", "constraint": [{"key": "a", "severity": "error", "expression": "code.exists("}]},
            [("invariant", "element[0].constraint[0].expression")],
        ),
        (
            {
                "id": "Observation.component",
                "constraint": [{"key": "a", "severity": "error", "expression": "code.exists()"}],
            },
            [],
        ),
        ({"id": "Observation.nothing"}, [("path", "element[0].path")]),
        ({"id": "Observation.component:a"}, [("slicing", "element[0].slicing")]),
    ],
)
def test_a_profile_only_narrows(element: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """What the base does not permit cannot be permitted, and what cannot be evaluated is refused early."""
    assert wrong(element) == expected


def test_a_profile_only_narrows_the_profile_that_it_is_derived_from() -> None:
    """The base is a profile, not the type alone."""
    base = profile(
        "base",
        "Observation",
        {"id": "Observation.performer", "min": 1, "max": "2"},
        {"id": "Observation.value[x]", "type": [{"code": "Quantity"}]},
    )
    assert wrong({"id": "Observation.performer", "min": 0, "max": "3"}, base=base) == [
        ("cardinality", "element[0].min"),
        ("cardinality", "element[0].max"),
    ]
    assert wrong({"id": "Observation.value[x]", "type": [{"code": "string"}]}, base=base) == [
        ("type", "element[0].type[0].code")
    ]
    assert wrong({"id": "Observation.method", "min": 1}, base=base) == []


def test_slices_need_a_difference() -> None:
    """Each slice says something about what the discriminator leads to."""
    assert wrong(SLICING, {"id": "Observation.component:a.code.text", "fixedString": "a"}) == []
    assert [rule for rule, _ in wrong(SLICING, {"id": "Observation.component:a", "min": 1})] == ["slicing"]


@pytest.mark.parametrize(("slicing", "severity"), [([SLICING], "warning"), ([], "error")])
def test_a_slice_that_cannot_be_told_is_not_evaluated(slicing: list[dict[str, Any]], severity: str) -> None:
    """The rest of the profile can be checked; without any discriminator there is no slicing at all."""
    there = check_definition(
        profile("p", "Observation", *slicing, {"id": "Observation.component:a", "min": 1}), core_definitions()
    )
    assert [(issue.severity, issue.rule) for issue in there] == [(severity, "slicing")]


def test_a_base_that_is_not_known_may_come() -> None:
    """Nor need it be the next one: of a chain that ends nowhere nothing else can be said."""
    nowhere = profile("derived", "Observation", base=SETS + "nowhere")
    library = Library(core_definitions())
    library.add(nowhere)
    for definition in (nowhere, profile("again", "Observation", base=nowhere["url"])):
        (issue,) = check_definition(definition, library)
        assert (issue.severity, issue.expression) == ("warning", ("StructureDefinition.baseDefinition",))
    wrong_base = profile("derived", "Observation", {"id": "Observation.nothing"})
    library.add(wrong_base)
    (issue,) = check_definition(profile("again", "Observation", base=wrong_base["url"]), library)
    assert issue.severity == "error"


@pytest.mark.parametrize(
    "path",
    [
        "code.where(text = 'x')",
        "code.first()",
        "code..text",
        "%resource",
        "component",
        "code.nothing",
        "extension('x').nothing",
    ],
)
def test_a_discriminator_is_a_restricted_path(path: str) -> None:
    """https://hl7.org/fhir/R5/fhirpath.html#simple: few functions can be used, and the elements that there are."""
    odd = {
        "id": "Observation.component",
        "slicing": {"discriminator": [{"type": "value", "path": path}], "rules": "open"},
    }
    there = wrong(odd, {"id": "Observation.component:a.code.text", "fixedString": "a"})
    assert {rule for rule, _ in there} == {"slicing"}


def test_an_id_is_used_once() -> None:
    """Two elements with one id cannot both be meant."""
    assert wrong({"id": "Observation.subject", "min": 1}, {"id": "Observation.subject", "max": "1"}) == [
        ("id", "element[1].id")
    ]


@pytest.mark.parametrize(
    "broken",
    [{"differential": 5}, {"differential": {"element": [5, {}]}}, {"type": None}, {"baseDefinition": 5}, {"url": None}],
)
def test_nothing_is_raised_for_a_malformed_definition(broken: dict[str, Any]) -> None:
    """A write of it is answered with issues, whatever was sent."""
    assert isinstance(check_definition({**profile("p", "Observation"), **broken}, core_definitions()), list)


def test_new_types_are_not_checked() -> None:
    """Logical models and the definitions of FHIR itself are not constraints."""
    assert check_definition(profile("p", "Nonsense", derivation="specialization"), core_definitions()) == []


def test_the_profiles_of_hl7_have_known_faults_only() -> None:
    """All that is wrong is that some slices cannot be told apart: https://hl7.org/fhir/R5/profilelist.html.

    Two cannot be stored: one slices without a discriminator, one by a discriminator that leads nowhere.
    """
    faulty, refused = {}, set()
    for definition in core_definitions().of_type("StructureDefinition"):
        there = check_definition(definition, core_definitions())
        if there:
            faulty[definition["name"]] = {issue.rule for issue in there}
            refused |= {definition["name"] for issue in there if issue.severity == "error"}
    names = ("DocumentStructure", "HistoryBundle", "ProfileForCatalog", "QuantityConfidenceInterval")
    others = ("SearchSetBundle", "SubscriptionNotificationBundle")
    assert faulty == {name: {"slicing"} for name in (*names, *others)}
    assert refused == {"ProfileForCatalog", "SubscriptionNotificationBundle"}
