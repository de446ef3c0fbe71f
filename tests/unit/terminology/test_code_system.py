"""Code systems: https://hl7.org/fhir/R5/codesystem.html."""

from __future__ import annotations

import pytest

from service.terminology.code_system import FLAT, System
from tests.unit.terminology.making import DISEASES, Json, S, service

SYSTEM = System(S, DISEASES)


@pytest.mark.parametrize(
    ("ancestor", "descendant", "expected"),
    [
        ("leukaemia", "apl", True),
        ("aml", "aml", True),
        ("apl", "leukaemia", False),
        ("aml", "all", False),
        ("aml", "nothing", False),
        ("nothing", "nothing", False),
    ],
)
def test_subsumption(ancestor: str, descendant: str, expected: bool) -> None:
    """codesystem.html#hierarchy: a code subsumes itself and whatever lies below it."""
    assert SYSTEM.subsumes(ancestor, descendant) is expected


def test_a_hierarchy_that_is_no_kind_of() -> None:
    """codesystem-hierarchyMeaning: parts and groups lie below each other without being subsumed."""
    for meaning in ("part-of", "grouped-by", "classified-with"):
        system = System(S, {**DISEASES, "hierarchyMeaning": meaning})
        assert system.subsumes("leukaemia", "aml") is False
        assert system.below("leukaemia") == {"aml", "apl", "all"}


def test_a_hierarchy_that_is_not_known() -> None:
    """What is here only in part, or without its hierarchy, says nothing about it; only that a code is itself."""
    for change in ({"content": "fragment"}, {"extension": [{"url": FLAT, "valueBoolean": True}]}):
        system = System(S, {**DISEASES, **change})
        assert system.subsumes("leukaemia", "aml") is None
        assert system.subsumes("aml", "aml") is True


def test_parents_and_children_by_property() -> None:
    """concept-properties: parent and child say the same as nesting, and together make one graph; a circle ends."""
    several: Json = {
        "url": S,
        "content": "complete",
        "concept": [
            {"code": "a", "property": [{"code": "child", "valueCode": "c"}]},
            {"code": "b", "concept": [{"code": "c"}]},
            {"code": "d", "property": [{"code": "parent", "valueCode": "c"}, {"code": "child", "valueCode": "b"}]},
        ],
    }
    system = System(S, several)
    assert sorted(system.concept("c").parents) == ["a", "b"]
    assert system.below("a") == {"b", "c", "d"}
    assert system.above("d") == {"a", "b", "c", "d"}


def test_flags() -> None:
    """concept-properties: a retired code is inactive, a deprecated one is not; what cannot be selected is abstract."""
    flags = {code: (concept.abstract, concept.inactive) for code, concept in SYSTEM.concepts.items()}
    assert flags["leukaemia"] == (True, False)
    assert flags["old"] == (False, True)
    assert flags["aged"] == flags["aml"] == (False, False)


def test_a_property_counts_by_its_uri() -> None:
    """codesystem.html#properties: a code's own meaning of a name is not the standard one."""
    other = {**DISEASES, "property": [{"code": "status", "uri": "http://other.test/status", "type": "code"}]}
    assert System(S, other).concept("old").inactive  # no uri of the standard ones: the name is taken for what it says
    named = {**DISEASES, "property": [{"code": "grade", "uri": "http://hl7.org/fhir/concept-properties#inactive"}]}
    named["concept"] = [{"code": "x", "property": [{"code": "grade", "valueBoolean": True}]}]
    assert System(S, named).concept("x").inactive


@pytest.mark.parametrize(("sensitive", "expected"), [(True, False), (None, False), (False, True)])
def test_case(sensitive: bool | None, expected: bool) -> None:
    """codesystem-caseSensitive: only a system that says that case does not matter takes a code in any case."""
    system = System(S, {**DISEASES, "caseSensitive": sensitive})
    assert system.has("AML") is expected
    assert system.subsumes("Leukaemia", "APL") is expected


def test_what_is_not_listed() -> None:
    """codesystem-content-mode: a code that is not listed is wrong only where the system is here as a whole."""
    for content, expected in (("complete", False), ("fragment", None), ("example", None), ("not-present", None)):
        assert System(S, {**DISEASES, "content": content}).has("nothing") is expected


def test_a_grammar_has_more_codes_than_are_listed() -> None:
    """terminologies-systems.html: a language or a unit is one by the way it is written."""
    languages = System("urn:ietf:bcp:47", {"content": "complete", "concept": [{"code": "de", "display": "German"}]})
    assert [languages.has(code) for code in ("de", "de-AT", "not a language")] == [True, True, False]


def test_supplements_add_and_never_change() -> None:
    """codesystem.html#supplements: designations and properties are added to codes that the system has."""
    supplement: Json = {
        "resourceType": "CodeSystem",
        "url": "http://supplement.test",
        "content": "supplement",
        "supplements": f"{S}|1",
        "concept": [
            {"code": "apl", "display": "Not this", "designation": [{"language": "fr", "value": "LAP"}]},
            {"code": "new", "display": "Nor this"},
        ],
    }
    known = service(DISEASES, supplement)
    system = known.system(S)
    assert system is not None
    assert system.concept("apl").display == "Acute promyelocytic leukaemia"
    assert system.concept("apl").designations == [{"language": "fr", "value": "LAP"}]
    assert system.has("new") is False
    assert known.system("http://supplement.test") is None
    assert service(DISEASES).in_code_system(S, "apl", display="lap").wrong_display
    assert not known.in_code_system(S, "apl", display="lap").wrong_display
