"""Token parameters: https://hl7.org/fhir/R5/search.html#token."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Invalid
from service.fhir.library import Library
from service.search.types import Context
from service.terminology.service import TerminologyService
from tests.unit.search.matching import asked, matches

SNOMED = "http://snomed.info/sct"
STATUS = "http://hl7.org/fhir/publication-status"
CONDITION = {
    "resourceType": "Condition",
    "code": {
        "coding": [{"system": SNOMED, "code": "Ab1", "display": "Acute headache"}, {"code": "local"}],
        "text": "Céphalée",
    },
}
STUDY = {
    "resourceType": "ResearchStudy",
    "status": "active",
    "identifier": [
        {
            "system": "https://clinicaltrials.gov",
            "value": "NCT1",
            "type": {
                "coding": [{"system": "http://t", "code": "MR", "display": "Record"}, {"code": "X"}],
                "text": "Number",
            },
            "assigner": {"display": "Sponsor"},
        },
        {"value": "a|b"},
    ],
}
PATIENT = {
    "resourceType": "Patient",
    "active": True,
    "telecom": [{"system": "phone", "value": "555-1"}, {"system": "email", "value": "A@b"}],
    "deceasedDateTime": "2020",
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en-AU"}]}}],
}
CODE = "[code] matches a Coding.code or Identifier.value irrespective of the system"
BOTH = "[system]|[code]: both match"
NONE = "|[code]: the Coding/Identifier has no system property"
ANY = "[system]|: any element where the system matches"
CASE = "Match is case sensitive"
IMPLIED = "code: the system is defined in the value set"
TEXT = ":text: CodeableConcept.text, Coding.display, Identifier.type.text: begins with or is, case-insensitive"
CODE_TEXT = ":code-text: a coded value, starts with or is, case-insensitive"
OF_TYPE = ":of-type: [system]|[code]|[value], where system and code refer to Identifier.type.coding"


@pytest.mark.parametrize(
    ("resource", "name", "text", "expected", "sentence"),
    [
        (CONDITION, "code", "Ab1", True, CODE),
        (CONDITION, "code", f"{SNOMED}|Ab1", True, BOTH),
        (CONDITION, "code", "http://other|Ab1", False, BOTH),
        (CONDITION, "code", "|local", True, NONE),
        (CONDITION, "code", "|Ab1", False, NONE),
        (CONDITION, "code", f"{SNOMED}|", True, ANY),
        (CONDITION, "code", "http://other|", False, ANY),
        (CONDITION, "code", f"{SNOMED}|local", False, BOTH),
        (CONDITION, "code", "ab1", False, CASE),
        (CONDITION, "code", "Ab", False, "matches are literal"),
        (CONDITION, "code:not", "Ab1", False, ":not"),
        (CONDITION, "code:not", "other", True, ":not: the negation applies to the set"),
        ({"resourceType": "Condition"}, "code:not", "Ab1", True, ":not: including those that do not have a code"),
        (CONDITION, "code:text", "cephal", True, TEXT),
        (CONDITION, "code:text", "ACUTE", True, TEXT),
        (CONDITION, "code:text", "headache", False, TEXT),
        (CONDITION, "code:text-advanced", "headache", True, ":text-advanced: word-boundary recognition"),
        (CONDITION, "code:code-text", "aB", True, CODE_TEXT),
        (CONDITION, "code:code-text", "loc", True, CODE_TEXT),
        (CONDITION, "code:code-text", "acute", False, CODE_TEXT),
        (CONDITION, "code:missing", "false", True, ":missing"),
        ({"resourceType": "Condition"}, "code:missing", "true", True, ":missing"),
        (STUDY, "status", "active", True, CODE),
        (STUDY, "status", f"{STATUS}|active", True, IMPLIED),
        (STUDY, "status", "|active", False, IMPLIED),
        (STUDY, "status", f"{STATUS}|", True, IMPLIED),
        (STUDY, "identifier", "NCT1", True, CODE),
        (STUDY, "identifier", "https://clinicaltrials.gov|NCT1", True, BOTH),
        (STUDY, "identifier", r"a\|b", True, "an escaped separator does not separate"),
        (STUDY, "identifier", r"|a\|b", True, NONE),
        (STUDY, "identifier:text", "numb", True, TEXT),
        (STUDY, "identifier:text", "record", True, TEXT),
        (STUDY, "identifier:text", "sponsor", True, TEXT),
        (STUDY, "identifier:of-type", "http://t|MR|NCT1", True, OF_TYPE),
        (STUDY, "identifier:of-type", "http://t|MR|NCT2", False, OF_TYPE),
        (STUDY, "identifier:of-type", "http://t|X|NCT1", False, OF_TYPE),
        (PATIENT, "active", "true", True, "boolean"),
        (PATIENT, "active", "false", False, "boolean"),
        (PATIENT, "phone", "555-1", True, "ContactPoint.value"),
        (PATIENT, "phone", "A@b", False, "only those of system phone"),
        (PATIENT, "telecom", "A@b", True, "ContactPoint.value"),
        (PATIENT, "deceased", "true", True, "a date of death is a death"),
        ({"resourceType": "Patient"}, "deceased", "false", True, "deceased always yields a boolean"),
        (PATIENT, "language:code-text", "en", True, "language:code-text=en finds en-AU"),
    ],
)
def test_a_token_against_a_value(resource: dict[str, Any], name: str, text: str, expected: bool, sentence: str) -> None:
    """The four forms, over all data types, and the modifiers of tokens."""
    assert matches(resource, name, text) is expected, sentence


@pytest.mark.parametrize("text", ["1.0-Beta", "1.0-BETA", "1.0-beta", "|1.0-BETA"])
def test_strings_are_tokens_of_any_case(text: str) -> None:
    """A string is no code: "if the underlying datatype is string then the search is not case sensitive"."""
    assert matches({"resourceType": "ValueSet", "version": "1.0-Beta"}, "version", text)


def test_identifiers_keep_their_case() -> None:
    """Only strings are compared without case, an identifier is not."""
    study = {"resourceType": "ResearchStudy", "identifier": [{"system": "s", "value": "Xy"}]}
    assert matches(study, "identifier", "Xy")
    assert not matches(study, "identifier", "xy")


def test_tags_of_all_types_are_under_one_key() -> None:
    """_tag, _security, _profile, _source and _language are parameters of every resource."""
    assert asked("Patient", "_tag", "t") == asked("Resource", "_tag", "t") == asked("Bundle", "_tag", "t")
    assert matches({"resourceType": "Bundle", "meta": {"tag": [{"system": "s", "code": "t"}]}}, "_tag", "s|t")
    assert matches({"resourceType": "Bundle", "language": "en-AU"}, "_language", "urn:ietf:bcp:47|en-AU")


@pytest.mark.parametrize("modifier", ["in", "not-in", "above", "below"])
def test_without_a_terminology_nothing_is_known(modifier: str) -> None:
    """Modifiers over value sets and hierarchies of codes are refused where these cannot be looked up, never ignored."""
    with pytest.raises(Invalid, match="is not known here") as refusal:
        asked("Condition", f"code:{modifier}", "http://s.test|x")
    assert refusal.value.issues[0].code == "not-found"
    assert refusal.value.issues[0].expression == (f"code:{modifier}",)


def condition(system: str, code: str) -> dict[str, Any]:
    """A Condition with one code."""
    return {"resourceType": "Condition", "code": {"coding": [{"system": system, "code": code}]}}


def listing(system: str, *codes: str) -> Context:
    """Where a value set of these codes is known."""
    include = [{"system": system, "concept": [{"code": code} for code in codes]}]
    library = Library()
    library.add({"resourceType": "ValueSet", "url": "http://v.test", "compose": {"include": include}})
    return Context(terminology=TerminologyService(library))


def test_a_value_set_is_its_codes() -> None:
    """search.html#modifierin: each code counts with its system."""
    context = listing("http://s.test", "a", "b")
    for system, code, inside in (("http://s.test", "b", True), ("http://s.test", "c", False), ("urn:o", "b", False)):
        assert matches(condition(system, code), "code:in", "http://v.test", context) is inside
        assert matches(condition(system, code), "code:not-in", "http://v.test", context) is not inside


def test_a_bare_code_without_a_system_of_its_own_counts_by_itself() -> None:
    """An element of type code whose system does not follow from its binding is indexed without one."""
    context = listing("urn:ietf:bcp:13", "text/plain")
    for type_, found in (("text/plain", True), ("text/html", False)):
        binary = {"resourceType": "DocumentReference", "content": [{"attachment": {"contentType": type_}}]}
        assert matches(binary, "contenttype:in", "http://v.test", context) is found


def test_a_value_set_that_is_too_large_is_refused() -> None:
    """A search takes ten thousand codes; more are refused with the number."""
    codes = [f"c{number}" for number in range(10_001)]
    assert matches(condition("http://s.test", "c1"), "code:in", "http://v.test", listing("http://s.test", *codes[:-1]))
    with pytest.raises(Invalid, match="10001 codes; a search takes 10000") as refusal:
        asked("Condition", "code:in", "http://v.test", listing("http://s.test", *codes))
    assert refusal.value.issues[0].code == "too-costly"


@pytest.mark.parametrize("modifier", ["exact", "contains", "identifier", "iterate", "Patient", "", "x"])
def test_other_modifiers_are_refused(modifier: str) -> None:
    """A modifier that the type does not have is refused with both names (https://hl7.org/fhir/R5/search.html#modifiers)."""
    with pytest.raises(Invalid, match=f"code is a token parameter: :{modifier} is not supported"):
        asked("Condition", f"code:{modifier}", "x")


def test_of_type_is_for_identifiers() -> None:
    """:of-type is for elements of type Identifier only."""
    with pytest.raises(Invalid, match="only for identifiers, and code is none"):
        asked("Condition", "code:of-type", "a|b|c")


@pytest.mark.parametrize("text", ["", "|", "a|b|c", "a\\", "||", "||x", r"a\b"])
def test_what_is_no_token_is_refused(text: str) -> None:
    """Bad syntax is an error that names the parameter (https://hl7.org/fhir/R5/search.html#errors)."""
    with pytest.raises(Invalid) as refusal:
        asked("Condition", "code", text)
    assert refusal.value.issues[0].expression == ("code",)


@pytest.mark.parametrize("text", ["", "MR|NCT1", "http://t||NCT1", "a|b|c|d", "|MR|NCT1"])
def test_of_type_needs_all_three_parts(text: str) -> None:
    """:of-type: "All three parts must be present"."""
    with pytest.raises(Invalid, match="none may be missing"):
        asked("ResearchStudy", "identifier:of-type", text)
