"""Many paths at once find what each finds alone, and what the nodes find."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.fhir import fhirpath
from service.fhir.fhirpath.fast import Path
from service.fhir.fhirpath.fast_tree import Tree, head_of

EXPRESSIONS = [
    "Evidence",
    "Evidence.status",
    "Evidence.meta.profile",
    "Evidence.identifier",
    "Evidence.identifier.value",
    "Evidence.where(status = 'a')",
    "Evidence.where(status = 'a').identifier",
    "Evidence.where(meta.profile.exists()).identifier.where(value = 'a')",
    "Evidence.identifier.where(value = 'a' or value = 'b').value",
    "Evidence.identifier.where(value in ('a' | 'b')).type.coding.code",
    "Evidence.identifier.where(type.coding.where(code = 'a' or code = 'b').exists())",
    "Evidence.identifier.where(type.coding.where(code = 'a').exists()).value",
    "Evidence.identifier.where(type.coding.where(code = 'b').exists()).type.coding",
    "Evidence.identifier.where(type.coding.where(code = 'a').empty()).value",
    "Evidence.identifier.where(type.coding.exists(code = 'a' or code = 'b')).value",
    "Evidence.identifier.where(type.coding.where(code = 'a' and display.exists()).exists()).value",
    "Evidence.identifier.where(extension.exists(url = 'a')).value",
    "Evidence.identifier.extension('a').value.ofType(code)",
    "Evidence.identifier.extension('a')",
    "Evidence.identifier.first().type.coding.where(code != 'a')",
    "Evidence.identifier.exists()",
    "Evidence.identifier.where(value = 'a').empty()",
    "Evidence.identifier.exists(value = 'a')",
    "Evidence.useContext.value.ofType(CodeableConcept).coding",
    "Evidence.useContext.value.ofType(Quantity)",
    "Evidence.variableDefinition.observed.where(resolve() is Group)",
    "Evidence.variableDefinition.observed.where(resolve() is Group).display",
]

HEADLESS = {
    "Evidence",
    "Evidence.where(status = 'a')",
    "Evidence.identifier.exists()",
    "Evidence.identifier.where(value = 'a').empty()",
    "Evidence.identifier.exists(value = 'a')",
}
"""What is found in every resource, or found to be false."""

CODES = st.sampled_from(["a", "b", "c"])
ONLY_EXTENDED = {"extension": [{"url": "a", "valueCode": "a"}]}


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects of which each member may be missing."""
    return st.fixed_dictionaries({}, optional=members)


def several(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """JSON arrays of one to three items."""
    return st.lists(items, min_size=1, max_size=3)


EXTENSIONS = several(objects(url=CODES, valueCode=CODES, valueString=CODES))
CONCEPTS = objects(coding=several(objects(code=CODES, _code=st.just(ONLY_EXTENDED), display=CODES)), text=CODES)
REFERENCES = objects(
    reference=st.sampled_from(["Group/a", "EvidenceVariable/a", "#g", "#v"]), type=st.just("Group"), display=CODES
)
RESOURCES = objects(
    contained=st.just([{"resourceType": "Group", "id": "g"}, {"resourceType": "EvidenceVariable", "id": "v"}]),
    status=CODES,
    _status=st.just(ONLY_EXTENDED),
    meta=objects(profile=several(st.none() | CODES), _profile=st.just([ONLY_EXTENDED])),
    identifier=several(objects(value=CODES, _value=st.just(ONLY_EXTENDED), type=CONCEPTS, extension=EXTENSIONS)),
    useContext=several(objects(valueCodeableConcept=CONCEPTS) | objects(valueQuantity=objects(value=st.integers()))),
    variableDefinition=several(objects(observed=REFERENCES)),
).map(lambda members: {"resourceType": "Evidence", **members})


def paths_of(expression: str) -> tuple[Path, ...]:
    """The paths of an expression, which has a fast form."""
    extract = fhirpath.compile(expression, "Evidence").extract
    assert extract is not None
    assert not extract.distinct
    return extract.paths


PATHS = [(expression, path) for expression in EXPRESSIONS for path in paths_of(expression)]
TREE = Tree(path for _, path in PATHS)


@given(RESOURCES)
@example({"resourceType": "Evidence", "meta": {"profile": [None]}, "identifier": [{"value": "a"}]})
def test_all_at_once_find_what_the_nodes_find(resource: dict[str, Any]) -> None:
    """For each expression the values are those of its nodes that have one, in their order."""
    found: dict[str, list[Any]] = {expression: [] for expression in EXPRESSIONS}
    for number, values in TREE.find(resource):
        found[PATHS[number][0]] += values
    for expression in EXPRESSIONS:
        nodes = fhirpath.compile(expression, "Evidence")(resource)
        assert found[expression] == [node.value for node in nodes if node.value is not None], expression


@given(RESOURCES)
def test_each_that_finds_something_is_named_once_in_order(resource: dict[str, Any]) -> None:
    """The numbers rise, and no list of values is empty."""
    found = TREE.find(resource)
    assert [number for number, _ in found] == [n for n, (_, path) in enumerate(PATHS) if path.get(resource)]
    assert all(values for _, values in found)


@given(RESOURCES)
def test_without_its_head_a_path_finds_nothing(resource: dict[str, Any]) -> None:
    """The head of a path is a member of the root, except for what the root itself is or answers."""
    for expression, path in PATHS:
        head = head_of(path)
        assert (head is None) is (expression in HEADLESS)
        if head is not None and head not in resource:
            assert not path.get(resource)


@pytest.mark.parametrize("odd", [{"identifier": "a"}, {"identifier": ["a"]}, {"meta": [1]}, {"identifier": 1}])
def test_what_is_not_of_its_type_is_not_guessed_at(odd: dict[str, Any]) -> None:
    """Only the nodes take any JSON, so the caller is told to ask them."""
    with pytest.raises((AttributeError, TypeError)):
        TREE.find({"resourceType": "Evidence", **odd})
