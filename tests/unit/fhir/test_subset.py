"""Parts of resources: https://hl7.org/fhir/R5/search.html#summary."""

from __future__ import annotations

from typing import Any

from service.fhir import definitions
from service.fhir.subset import pick, summarize, unknown_elements

GROUP: dict[str, Any] = {
    "resourceType": "Group",
    "id": "a",
    "meta": {"versionId": "1", "tag": [{"code": "kept"}]},
    "implicitRules": "urn:x",
    "language": "en",
    "text": {"status": "generated", "div": "<div/>"},
    "extension": [{"url": "urn:x", "valueString": "x"}],
    "modifierExtension": [{"url": "urn:x", "valueString": "x"}],
    "type": "person",
    "_type": {"id": "t"},
    "membership": "definitional",
    "name": "Name",
    "_name": {"id": "n"},
    "description": "Long",
    "characteristic": [{"code": {"text": "c"}, "valueBoolean": True, "exclude": False}],
}
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
HEAD = ["resourceType", "id", "meta"]


def names(resource: dict[str, Any]) -> set[str]:
    """Return the members of a part apart from those that every part has; it must be tagged once."""
    assert list(resource)[:3] == HEAD
    assert resource["meta"]["tag"] == [{"code": "kept"}, SUBSETTED]
    return set(resource) - set(HEAD)


def test_summaries() -> None:
    """search.html#summary: what each mode keeps."""
    for mode in ("false", "count"):
        assert summarize(GROUP, mode) is GROUP
    assert names(summarize(GROUP, "data")) == set(GROUP) - set(HEAD) - {"text"}
    assert names(summarize(GROUP, "text")) == {"text", "type", "_type", "membership"}
    marked = {
        name
        for element in definitions.type_definition("Group").children["Group"]
        if element.summary
        for name in element.json_names
    }
    summary = names(summarize(GROUP, "true"))
    assert {name.removeprefix("_") for name in summary} == {name for name in GROUP if name in marked} - set(HEAD)
    assert {"name", "_name", "type"} <= summary
    assert "text" not in summary


def test_elements() -> None:
    """search.html#elements: the named ones, the mandatory ones, and those that modify the meaning."""
    always = {"type", "_type", "membership", "implicitRules", "modifierExtension"}
    assert names(pick(GROUP, ["description"])) == always | {"description"}
    assert names(pick(GROUP, ["Group.name"])) == always | {"name", "_name"}
    assert names(pick(GROUP, [])) == always


def test_a_choice_is_named_without_its_type() -> None:
    """search.html#elements: value[x] is asked for as value."""
    observation = {"resourceType": "Observation", "status": "final", "code": {}, "valueString": "x", "issued": "y"}
    assert set(pick(observation, ["value"])) == {"resourceType", "meta", "status", "code", "valueString"}
    assert unknown_elements(["Observation"], ["value", "Observation.value"]) == []
    assert unknown_elements(["Observation"], ["valueString"]) == ["valueString"]


def test_unknown_elements() -> None:
    """search.html#elements: base elements are named, alone or below their type; of several types, those of any."""
    asked = ["name", "Group.name", "id", "meta", "Patient.name", "name.family", "birthDate", ""]
    assert unknown_elements(["Group"], asked) == ["Patient.name", "name.family", "birthDate", ""]
    assert unknown_elements(["Group", "Patient"], asked) == ["name.family", ""]


def test_a_part_is_tagged_once_and_the_whole_stays() -> None:
    """search.html#summary: the tag is not added twice, and the resource itself is not touched."""
    part = summarize(GROUP, "data")
    assert summarize(part, "true")["meta"]["tag"] == [{"code": "kept"}, SUBSETTED]
    assert GROUP["meta"]["tag"] == [{"code": "kept"}]


def test_a_backbone_element_keeps_its_own_summary() -> None:
    """search.html#summary: of a backbone element in the summary, only what is marked itself."""
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2020",
        "kind": "instance",
        "fhirVersion": "5.0.0",
        "format": ["json"],
        "software": {"name": "n", "version": "1"},
        "rest": [{"mode": "server", "documentation": "x", "resource": [{"type": "Group", "searchInclude": ["x"]}]}],
    }
    rest = summarize(statement, "true")["rest"][0]
    assert "documentation" not in rest
    assert "searchInclude" not in rest["resource"][0]
    assert rest["resource"][0]["type"] == "Group"
