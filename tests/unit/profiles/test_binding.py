"""Required bindings: https://hl7.org/fhir/R5/terminologies.html#required."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.definitions import Grammar, ValueSetCodes
from service.profiles.rules import binding
from service.profiles.run import SINGLE, Run, Where

CLOSED = ValueSetCodes(systems={"http://a": frozenset({"x", "y"}), "http://b": frozenset({"z"})})
VALUE_SET = "http://example.org/ValueSet/v"
ROOT: Where = (None, "Thing.element", SINGLE)
ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}


def found(type_name: str, value: dict[str, Any], codes: ValueSetCodes = CLOSED) -> list[tuple[str, str]]:
    """Issue type and location of what a binding reports about a value of the type."""
    run = Run({})
    binding.BY_TYPE[type_name](codes, VALUE_SET)(value, ROOT, run)
    return [(issue.code, issue.expression[0]) for issue in run.issues]


@pytest.mark.parametrize("type_name", ["Coding", "Quantity"])
def test_a_coding_is_a_system_and_a_code(type_name: str) -> None:
    """A code counts in its own system only; a unit is coded in the same way."""
    assert found(type_name, {"system": "http://a", "code": "x"}) == []
    refused = [("code-invalid", "Thing.element.code")]
    assert found(type_name, {"system": "http://b", "code": "x"}) == refused
    assert found(type_name, {"system": "http://c", "code": "x"}) == refused
    assert found(type_name, {"code": "x"}) == refused
    assert found(type_name, {"display": "x"}) == refused
    assert found(type_name, {"system": ["http://a"], "code": {}}) == refused


def test_one_coding_of_a_concept_is_enough() -> None:
    """A concept may be coded in other systems as well."""
    good, other = {"system": "http://a", "code": "y"}, {"system": "http://other", "code": "1"}
    assert found("CodeableConcept", {"coding": [other, good]}) == []
    assert found("CodeableConcept", {"coding": [other]}) == [("code-invalid", "Thing.element")]


@pytest.mark.parametrize(
    "concept", [{"text": "x"}, {"coding": []}, {"coding": [None]}, {"coding": {"code": "x"}}, {"coding": 5}]
)
def test_a_concept_without_a_code_is_refused(concept: dict[str, Any]) -> None:
    """A required binding wants a code; a text, or something malformed, does not do."""
    assert found("CodeableConcept", concept) == [("code-invalid", "Thing.element")]


def test_an_absent_code_may_be_explained() -> None:
    """The extension data-absent-reason stands for a code that nobody knows; another extension does not."""
    assert found("CodeableConcept", {"extension": [ABSENT], "text": "x"}) == []
    assert found("Coding", {"extension": [ABSENT]}) == []
    assert found("Coding", {"extension": [{**ABSENT, "url": "http://example.org"}, "x"]}) != []
    assert found("Coding", {"extension": "x"}) != []


def test_the_concept_of_a_codeable_reference_is_bound() -> None:
    """With a reference alone there is no code to check."""
    concept = {"coding": [{"system": "http://a", "code": "z"}]}
    assert found("CodeableReference", {"concept": concept}) == [("code-invalid", "Thing.element.concept")]
    assert found("CodeableReference", {"reference": {"display": "x"}}) == []


@pytest.mark.parametrize(
    ("grammar", "code", "allowed"),
    [
        ("mime", "application/fhir+json", True),
        ("mime", "text/plain; charset=utf-8", True),
        ("mime", "application/dicom; variant=DICOM WADO-RS", True),
        ("mime", "image/*", True),
        ("mime", "json", True),
        ("mime", "jpeg", False),
        ("mime", "image/", False),
        ("mime", "image/jpeg png", False),
        ("language", "en", True),
        ("language", "de-CH-1996", True),
        ("language", "zh-Hant-TW", True),
        ("language", "sl-rozaj-biske", True),
        ("language", "x-private", True),
        ("language", "i-klingon", True),
        ("language", "e", False),
        ("language", "en_GB", False),
        ("language", "en-", False),
        ("language", "english language", False),
        ("unchecked", "anything", True),
        ("unchecked", "two words", True),
        ("unchecked", " space before it", False),
        ("unchecked", "", False),
    ],
)
def test_an_open_value_set_is_checked_by_grammar(grammar: Grammar, code: str, allowed: bool) -> None:
    """No list of MIME types or languages is complete, so only a malformed code is refused."""
    codes = ValueSetCodes(open=grammar)
    assert bool(binding.allows_code(codes)(code)) == allowed
    concept = {"coding": [{"system": "urn:any", "code": code}]}
    assert (found("CodeableConcept", concept, codes) == []) == allowed


def test_an_open_value_set_still_wants_a_code() -> None:
    """Without a grammar there is nothing to check but that there is a code."""
    assert found("CodeableConcept", {"text": "x"}, ValueSetCodes(open="unchecked")) != []


def test_the_message_names_code_and_value_set() -> None:
    """Whoever reads the message can look the value set up."""
    run = Run({})
    binding.codeable_concept(CLOSED, VALUE_SET)({"coding": [{"system": "http://a", "code": "q"}]}, ROOT, run)
    (issue,) = run.issues
    assert "'http://a|q'" in issue.diagnostics
    assert VALUE_SET in issue.diagnostics
