"""Paths through a resource: https://hl7.org/fhir/R5/fhirpath.html#paths."""

from __future__ import annotations

import pytest

from service.fhir import fhirpath
from service.fhir.fhirpath import Node
from tests.unit.fhir.fhirpath.evaluating import OBSERVATION, PATIENT, nodes, outcome


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("name.given", ["Ann", "Bea", "Annie"]),
        ("Patient.name.family", ["Lind"]),
        ("DomainResource.name.family", ["Lind"]),
        ("Resource.id", ["p"]),
        ("Encounter.id", []),
        ("name.suffix", []),
        ("deceased", [False]),
        ("multipleBirth", [2]),
        ("contained.name", ["Ward"]),
        ("birthDate.id", ["b"]),
        ("birthDate.extension.value", ["1970-03-01T10:00:00Z"]),
        ("gender", [None]),
        ("gender.extension.value", [True]),
        ("name[1].given.extension.value", ["x"]),
        ("birthDate.value", ["1970-03"]),
        ("name.given.first().value.length()", [3]),
    ],
)
def test_paths(expression: str, expected: list[object]) -> None:
    """A step leads to the element, whatever its type; primitives have ids and extensions of their own."""
    assert outcome(expression) == expected


def test_a_choice_has_one_name() -> None:
    """``value`` finds ``valueQuantity`` and ``valueString``, each with its type."""
    found = nodes("Observation.value | Observation.component.value", OBSERVATION)
    assert [node.type for node in found] == ["Quantity", "Quantity", "string"]
    assert outcome("Observation.component.value.ofType(string)", OBSERVATION) == ["low"]


@pytest.mark.parametrize(
    ("expression", "path", "key"),
    [
        ("name.given[1]", "Patient.name[0].given[1]", 1),
        ("deceased", "Patient.deceased", "deceasedBoolean"),
        ("contained.name", "Patient.contained[0].name", "name"),
        ("birthDate.extension", "Patient.birthDate.extension[0]", 0),
        ("name[1].given.extension", "Patient.name[1].given[0].extension[0]", 0),
        ("descendants().where($this is ContactPoint)[1].value", "Patient.telecom[1].value", "value"),
    ],
)
def test_a_node_knows_where_it_was_found(expression: str, path: str, key: str | int) -> None:
    """The path is a FHIRPath location, and container and key lead to the JSON value itself."""
    (node,) = nodes(expression)
    assert (node.path, node.key) == (path, key)
    assert node.container is not None
    assert node.container[node.key] is node.value  # type: ignore[index]


def test_a_root_and_a_computed_value_have_no_container() -> None:
    """What was not found in a resource has no place in it."""
    assert (nodes("$this")[0].path, nodes("$this")[0].container, nodes("$this")[0].key) == ("Patient", None, None)
    assert (nodes("1 + 1")[0].path, nodes("1 + 1")[0].container) == ("", None)
    assert "Integer" in repr(nodes("1 + 1")[0])


def test_backbone_elements_and_content_references() -> None:
    """A nested element has its path as type; an element that refers to another's content has that one's."""
    questionnaire = {"resourceType": "Questionnaire", "item": [{"linkId": "1", "item": [{"linkId": "2"}]}]}
    (inner,) = nodes("item.item", questionnaire)
    assert inner.type == "Questionnaire.item"
    assert inner.path == "Questionnaire.item[0].item[0]"
    assert outcome("item.item.type().name", questionnaire) == ["BackboneElement"]
    assert outcome("repeat(item).linkId", questionnaire) == ["1", "2"]


def test_children_and_descendants() -> None:
    """The tree below an element, with the nodes of primitive values that have only extensions."""
    assert outcome("name[0].children()") == ["official", "Lind", "Ann", "Bea"]
    assert outcome("gender.children().url") == ["http://example.org/unknown"]
    assert outcome("name.descendants().count()") == [9]
    assert outcome("contained.descendants()") == ["o", "Ward"]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"resourceType": "Patient", "name": "text"}, []),
        ({"resourceType": "Patient", "name": [None, 5, {"family": ["Lind"]}]}, ["Lind"]),
        ({"resourceType": "Patient", "name": {"family": "Lind"}}, ["Lind"]),
        ({"resourceType": "Patient", "name": [{"family": {"a": 1}}]}, [{"a": 1}]),
    ],
)
def test_a_resource_with_the_wrong_structure_is_no_crash(resource: dict[str, object], expected: list[object]) -> None:
    """Structure is judged elsewhere; navigation takes what there is."""
    assert outcome("name.family", resource) == expected


def test_an_unknown_resource_type_is_only_a_resource() -> None:
    """A resource of a type that R5 does not have has no elements that are known."""
    strange = {"resourceType": "Starship", "id": "s", "name": "x"}
    expression = fhirpath.compile("id")
    assert [node.value for node in expression(strange)] == ["s"]
    assert fhirpath.compile("name")(strange) == []
    assert fhirpath.compile("$this is Resource").boolean(strange) is True


def test_a_context_may_be_any_element() -> None:
    """An expression starts with the element that is given, and still sees its resource."""
    name = Node(PATIENT["name"][0], "HumanName")
    expression = fhirpath.compile("family & ' ' & %resource.id & %context.use", "HumanName")
    assert [node.value for node in expression(PATIENT, name)] == ["Lind pofficial"]
    assert fhirpath.compile("$this.length() < 5", "HumanName.family").boolean(PATIENT, Node("Lind", "string")) is True
