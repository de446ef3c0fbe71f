"""Chains of profiles, differentials and snapshots: https://hl7.org/fhir/R5/profiling.html."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.library import Library
from service.profiles.definition.problems import ProfileError
from service.profiles.definition.snapshot import snapshot
from service.profiles.definition.tree import Trees
from tests.unit.profiles.profiling import HERE, found, observation, profile

CORE = "http://hl7.org/fhir/StructureDefinition/"


def trees(*definitions: dict[str, Any]) -> Trees:
    """The trees of these definitions."""
    library = Library()
    for definition in definitions:
        library.add(definition)
    return Trees(library)


def elements(*definitions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The elements of the snapshot of the first definition, by id."""
    made = trees(*definitions)
    tree = made.usable(definitions[0]["url"])
    assert tree is not None
    return {element["id"]: element for element in snapshot(tree, made)["snapshot"]["element"]}


def problems(definition: dict[str, Any], *others: dict[str, Any]) -> list[tuple[str, str]]:
    """Place and text of what is wrong with a definition."""
    tree = trees(definition, *others).find(definition["url"])
    assert tree is not None
    return [(issue.expression[0], issue.diagnostics) for issue in tree.issues]


FIRST = profile("first", "Observation", {"id": "Observation.subject", "min": 1, "short": "whom"})
SECOND = profile(
    "second",
    "Observation",
    {"id": "Observation.subject", "max": "1"},
    {"id": "Observation.method", "min": 1},
    base=HERE + "first",
)


def test_a_chain_of_profiles_holds_as_a_whole() -> None:
    """What a profile does not say is what its base says, down to the type."""
    assert [where for _, where in found(observation(subject=None), SECOND, FIRST)] == [
        "Observation.subject",
        "Observation.method",
    ]
    made = elements(SECOND, FIRST)
    assert (made["Observation.subject"]["min"], made["Observation.subject"]["short"]) == (1, "whom")
    assert made["Observation.status"]["min"] == 1
    assert made["Observation.status"]["binding"]["strength"] == "required"


def test_a_snapshot_alone_is_as_good() -> None:
    """A profile whose base is not known is read from its snapshot, of which only what is tighter is checked."""
    made = trees(SECOND, FIRST)
    tree = made.usable(SECOND["url"])
    assert tree is not None
    whole = snapshot(tree, made)
    del whole["differential"]
    assert [where for _, where in found(observation(subject=None), whole)] == [
        "Observation.subject",
        "Observation.method",
    ]
    assert found(observation(method={"text": "x"}), whole) == []


@pytest.mark.parametrize("with_ids", [True, False])
def test_elements_without_ids_belong_to_the_slice_above(with_ids: bool) -> None:
    """Ids may be missing; then order and slice names tell the same."""
    slicing = {"discriminator": [{"type": "value", "path": "code"}], "rules": "open"}
    demand = profile(
        "p",
        "Observation",
        {"id": "Observation.component", "slicing": slicing},
        {"id": "Observation.component:a", "max": "1"},
        {"id": "Observation.component:a.code.text", "fixedString": "a"},
        {"id": "Observation.component:b", "min": 1},
        {"id": "Observation.component:b.code.text", "fixedString": "b"},
        {"id": "Observation.bodySite.text", "min": 1},
    )
    for element in demand["differential"]["element"]:
        if not with_ids:
            del element["id"]
    a = {"code": {"text": "a"}}
    assert [
        where for _, where in found(observation(component=[a, a], bodySite={"coding": [{"code": "x"}]}), demand)
    ] == [
        "Observation.component",
        "Observation.component",
        "Observation.bodySite.text",
    ]


@pytest.mark.parametrize("id_", ["Observation.valueQuantity", "Observation.value[x]:valueQuantity"])
def test_a_type_of_a_choice_is_a_slice(id_: str) -> None:
    """Both ways to write it mean the same: https://hl7.org/fhir/R5/elementdefinition.html#path."""
    made = elements(profile("p", "Observation", {"id": id_, "min": 1}, {"id": id_ + ".unit", "min": 1}))
    assert made["Observation.value[x]:valueQuantity"]["type"] == [{"code": "Quantity"}]
    assert made["Observation.value[x]:valueQuantity"]["sliceName"] == "valueQuantity"
    assert made["Observation.value[x]:valueQuantity.unit"]["path"] == "Observation.value[x].unit"
    assert made["Observation.value[x]"]["type"] == [{"code": "Quantity"}]


def test_a_type_of_a_choice_that_has_only_it_is_no_slice() -> None:
    """Where one type is left, ``valueQuantity`` is the element itself."""
    kind = {"id": "Observation.value[x]", "type": [{"code": "Quantity"}]}
    made = elements(profile("p", "Observation", kind, {"id": "Observation.valueQuantity.unit", "min": 1}))
    assert made["Observation.value[x].unit"]["min"] == 1


def test_the_types_that_an_extension_names_are_the_only_ones() -> None:
    """``Extension.valueBoolean`` without ``value[x]`` leaves no other type, as HL7's tools have it."""
    named = [{"id": "Extension.valueBoolean", "max": "1"}, {"id": "Extension.valueCode", "max": "1"}]
    made = elements(profile("p", "Extension", *named))
    assert made["Extension.value[x]"]["type"] == [{"code": "boolean"}, {"code": "code"}]
    opened = elements(profile("p", "Extension", {"id": "Extension.value[x]", "min": 1}, *named))
    assert len(opened["Extension.value[x]"]["type"]) > 40


def test_a_snapshot_has_the_elements_of_the_type_in_their_order() -> None:
    """Elements of data types are there only where a profile walks into them."""
    made = list(elements(profile("p", "Observation", {"id": "Observation.code.text", "min": 1})))
    assert made[:3] == ["Observation", "Observation.id", "Observation.meta"]
    at = made.index("Observation.code")
    assert made[at + 1 : at + 5] == [
        "Observation.code.id",
        "Observation.code.extension",
        "Observation.code.coding",
        "Observation.code.text",
    ]
    assert "Observation.subject.reference" not in made
    assert "Observation.component.code" in made


def test_a_snapshot_says_where_an_element_comes_from() -> None:
    """``base`` names the element as it was first defined."""
    made = elements(profile("p", "Observation"))
    assert made["Observation.id"]["base"] == {"path": "Resource.id", "min": 0, "max": "1"}
    assert made["Observation.component.extension"]["base"]["path"] == "Element.extension"
    assert made["Observation.code"]["base"]["path"] == "Observation.code"
    assert made["Observation.component.referenceRange"]["contentReference"].endswith("#Observation.referenceRange")
    assert [c["key"] for c in made["Observation"]["constraint"] if c["key"].startswith("obs-")] == [
        "obs-6",
        "obs-7",
        "obs-8",
    ]


@pytest.mark.parametrize(
    ("definition", "place", "text"),
    [
        (
            profile("p", "Observation", {"id": "Observation.nothing"}),
            "StructureDefinition.differential.element[0].path",
            "Observation has no element nothing",
        ),
        (
            profile("p", "Observation", {"id": "Observation.code.nothing"}),
            "StructureDefinition.differential.element[0].path",
            "CodeableConcept has no element nothing",
        ),
        (
            profile("p", "Observation", {"id": "Patient.name"}),
            "StructureDefinition.differential.element[0].path",
            "must begin with Observation",
        ),
        (profile("p", "Observation", base=HERE + "p"), "StructureDefinition.baseDefinition", "derived from itself"),
        (profile("p", "Observation", base=HERE + "nowhere"), "StructureDefinition.baseDefinition", "is not known"),
        (
            profile("p", "Observation", base=CORE + "Patient"),
            "StructureDefinition.type",
            "is about Patient, not Observation",
        ),
        (profile("p", "Nonsense"), "StructureDefinition.type", "only constraints on the types of R5"),
        (profile("p", "Observation", derivation="specialization"), "StructureDefinition.type", "only constraints"),
    ],
)
def test_what_is_wrong_with_a_definition_is_said_about_the_definition(
    definition: dict[str, Any], place: str, text: str
) -> None:
    """Nothing is raised while it is read; using it raises, with the same issues."""
    ((where, said),) = problems(definition)
    assert (where, text in said) == (place, True)
    with pytest.raises(ProfileError, match=text):
        trees(definition).usable(definition["url"])


def test_a_circle_over_several_profiles_is_found() -> None:
    """It ends, and each of them is told."""
    one = profile("one", "Observation", base=HERE + "two")
    two = profile("two", "Observation", base=HERE + "one")
    assert problems(one, two)
    assert problems(two, one)


def test_a_profile_without_a_base_is_wrong() -> None:
    """A constraint constrains something."""
    alone = profile("p", "Observation")
    del alone["baseDefinition"]
    assert problems(alone) == [("StructureDefinition.baseDefinition", "a profile needs a baseDefinition")]


def test_a_profile_of_an_abstract_type_can_be_narrowed_to_a_type() -> None:
    """A profile of DomainResource is a base for profiles of every type that it stands for."""
    base = profile("base", "DomainResource", {"id": "DomainResource.text", "min": 1})
    made = trees(profile("p", "Observation", base=CORE + "DomainResource"), base)
    assert made.usable(HERE + "p") is not None
