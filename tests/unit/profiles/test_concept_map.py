"""The codes of a ConceptMap: https://hl7.org/fhir/R5/conceptmap-definitions.html#ConceptMap.group.source."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.library import Library
from service.profiles.definition.core import core_definitions
from service.profiles.validator import Validator
from service.terminology.service import TerminologyService

COLOURS = "http://example.org/fhir/CodeSystem/colours"
WARM = "http://example.org/fhir/ValueSet/warm"


@pytest.fixture(scope="module")
def checker() -> Validator:
    """A validator that knows three colours, two of them warm."""
    library = Library(core_definitions())
    codes = [{"code": "red", "display": "Red"}, {"code": "orange"}, {"code": "blue"}]
    head = {"status": "active", "version": "1"}
    library.add({"resourceType": "CodeSystem", "url": COLOURS, "content": "complete", "concept": codes, **head})
    include = [{"system": COLOURS, "concept": [{"code": "red"}, {"code": "orange"}]}]
    library.add({"resourceType": "ValueSet", "url": WARM, "compose": {"include": include}, **head})
    return Validator(library, TerminologyService(library))


def concept_map(source: dict[str, Any], target: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A map from one colour to another."""
    group = {"source": COLOURS, "target": COLOURS, **more.pop("group", {})}
    element = {**source, "target": [{"relationship": "equivalent", **target}]}
    return {"resourceType": "ConceptMap", "status": "active", "group": [{**group, "element": [element]}], **more}


def found(checker: Validator, resource: dict[str, Any]) -> list[tuple[str, str]]:
    """Severity and place, from the group on, of what is found about codes."""
    there = [issue for issue in checker.check(resource) if issue.rule in ("concept-map", "display")]
    return [(issue.severity, issue.expression[0].rpartition("group[0].")[2]) for issue in there]


RED, BLUE, GREEN = {"code": "red"}, {"code": "blue"}, {"code": "green"}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (concept_map(RED, BLUE), []),
        (concept_map(GREEN, BLUE), [("error", "element[0].code")]),
        (concept_map(RED, GREEN), [("error", "element[0].target[0].code")]),
        (concept_map({**RED, "display": "Rouge"}, BLUE), [("warning", "element[0].display")]),
        (concept_map({**RED, "display": "Red"}, {}), []),
        (concept_map(RED, BLUE, group={"unmapped": {"mode": "fixed", **GREEN}}), [("error", "unmapped.code")]),
        (concept_map(GREEN, BLUE, group={"source": f"{COLOURS}|1"}), [("error", "element[0].code")]),
        (concept_map(GREEN, BLUE, group={"source": f"{COLOURS}|2"}), [("warning", "source")]),
        (concept_map(GREEN, BLUE, group={"source": "http://snomed.info/sct"}), [("warning", "source")]),
        (concept_map(RED, BLUE, sourceScopeCanonical=WARM), []),
        (concept_map(BLUE, RED, sourceScopeCanonical=WARM), [("warning", "element[0].code")]),
        (concept_map(RED, BLUE, targetScopeUri=WARM), [("warning", "element[0].target[0].code")]),
        (concept_map(RED, BLUE, targetScopeUri="http://example.org/unknown"), []),
        (concept_map(GREEN, BLUE, sourceScopeCanonical=WARM), [("error", "element[0].code")]),
    ],
)
def test_a_code_is_one_of_the_system_and_in_the_scope(
    checker: Validator, resource: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """The system decides whether there is such a code; what the scope lacks is a warning; what is unknown is said."""
    assert found(checker, resource) == expected


def test_a_group_without_systems_says_nothing(checker: Validator) -> None:
    """Without its system a code means nothing that could be looked up."""
    bare = concept_map(GREEN, GREEN)
    del bare["group"][0]["source"], bare["group"][0]["target"]
    assert found(checker, bare) == []


def test_contained_maps_are_checked(checker: Validator) -> None:
    """A map within another resource is checked where it stands."""
    inner = {**concept_map(GREEN, BLUE), "id": "map"}
    outer = {"resourceType": "Basic", "code": {"text": "x"}, "contained": [inner]}
    (issue,) = [issue for issue in checker.check(outer) if issue.rule == "concept-map"]
    assert issue.expression == ("Basic.contained[0].group[0].element[0].code",)


@pytest.mark.parametrize(
    "group",
    [5, [5], [{"source": 5}], [{"source": COLOURS, "element": [5, {"code": ["x"], "target": [5]}], "unmapped": 5}]],
)
def test_nothing_is_raised_for_a_malformed_map(checker: Validator, group: Any) -> None:
    """What is wrong with the form is told by the base."""
    assert found(checker, {"resourceType": "ConceptMap", "status": "active", "group": group}) == []
