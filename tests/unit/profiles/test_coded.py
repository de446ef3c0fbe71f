"""Bindings of profiles: https://hl7.org/fhir/R5/terminologies.html#strength."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.library import Library
from service.profiles.definition.core import core_definitions
from service.profiles.profile_run import Question
from service.profiles.validator import Validator
from service.terminology.service import TerminologyService
from tests.unit.profiles.profiling import COLOURS, SETS, issues, observation, profile, validator

DATA_ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
TEXT = "Observation.value[x]"


def binding(strength: str, name: str, **more: Any) -> dict[str, Any]:
    """The binding of Observation.code to a value set."""
    return {"id": "Observation.code", "binding": {"strength": strength, "valueSet": SETS + name, **more}}


def judged(resource: dict[str, Any], element: dict[str, Any]) -> list[tuple[str, str]]:
    """Severity and issue type of what is found about bindings."""
    there = issues(resource, profile("p", "Observation", element), at_least="information")
    return [(issue.severity, issue.code) for issue in there if issue.rule in ("binding", "display")]


def coded(*codes: str, system: str = COLOURS) -> dict[str, Any]:
    """An Observation with these codes."""
    return observation(component=None, code={"coding": [{"system": system, "code": code} for code in codes]})


@pytest.mark.parametrize(
    ("strength", "severity"),
    [("required", "error"), ("extensible", "warning"), ("preferred", "information"), ("example", None)],
)
def test_a_code_outside_the_set_matters_as_much_as_the_binding_is_strong(strength: str, severity: str | None) -> None:
    """Only a required binding makes an error; an example binds nobody."""
    assert judged(coded("red"), binding(strength, "warm")) == []
    assert judged(coded("blue", "red"), binding(strength, "warm")) == []
    assert judged(coded("blue"), binding(strength, "warm")) == ([(severity, "code-invalid")] if severity else [])


@pytest.mark.parametrize(
    ("strength", "expected"),
    [("required", [("error", "code-invalid")]), ("extensible", [("warning", "code-invalid")]), ("preferred", [])],
)
def test_a_text_is_no_code(strength: str, expected: list[tuple[str, str]]) -> None:
    """A concept with a text alone has no code from the value set."""
    assert judged(observation(code={"text": "rather red"}), binding(strength, "warm")) == expected


def test_a_value_set_that_changes_changes_the_verdict() -> None:
    """A code is judged by the value set as it is now, whatever it was when the code was judged before."""
    library = Library(core_definitions())
    value_set = {"resourceType": "ValueSet", "url": SETS + "changing", "status": "active"}

    def allow(*codes: str) -> None:
        include = [{"system": COLOURS, "concept": [{"code": code} for code in codes]}]
        library.add({**value_set, "compose": {"include": include}})

    allow("red", "blue")
    demand = profile("p", "Observation", binding("required", "changing"))
    library.add(demand)
    colours = [{"code": code} for code in ("red", "blue")]
    library.add({"resourceType": "CodeSystem", "url": COLOURS, "content": "complete", "concept": colours})
    checker = Validator(library, TerminologyService(library))

    def errors(code: str) -> list[str]:
        return [issue.code for issue in checker.check(coded(code), [demand["url"]]) if issue.severity == "error"]

    assert (errors("red"), errors("blue")) == ([], [])
    allow("red")
    assert (errors("red"), errors("blue")) == ([], ["code-invalid"])
    allow("blue")
    assert (errors("red"), errors("blue")) == (["code-invalid"], [])


@pytest.mark.parametrize("strength", ["required", "extensible", "preferred"])
def test_what_is_found_of_a_concept_is_what_would_be_found_of_it_alone(strength: str) -> None:
    """Whatever was judged before, by whichever binding, a concept is judged as if it were the first."""
    blue, red = {"system": COLOURS, "code": "blue"}, {"system": COLOURS, "code": "red"}
    concepts = [
        {"coding": [blue]},
        {"coding": [blue], "extension": [DATA_ABSENT]},
        {"coding": [blue, red]},
        {"coding": [red]},
        {"coding": [{**red, "display": "Rot"}]},
        {"coding": [{**red, "system": "http://example.org/other"}]},
        {"coding": [{"code": "red"}]},
        {"text": "rather red"},
    ]
    component = {"id": "Observation.component.code", "binding": {"strength": strength, "valueSet": SETS + "warm"}}
    weaker = {"id": "Observation.interpretation", "binding": {"strength": "preferred", "valueSet": SETS + "warm"}}
    demand = profile("p", "Observation", component, weaker)

    def said(checker: Validator, components: list[Any], interpretations: list[Any]) -> set[tuple[str, ...]]:
        made = [{"code": concept} for concept in components]
        resource = observation(component=made or None, interpretation=interpretations or None)
        found = checker.check(resource, [demand["url"]])
        return {(i.severity, i.code, i.diagnostics, i.expression[0]) for i in found if i.profile == demand["url"]}

    expected = set()
    for index, concept in enumerate(concepts * 2):
        alone = said(validator(demand), [concept], []) | said(validator(demand), [], [concept])
        for severity, code, text, place in alone:
            expected.add((severity, code, text, place.replace("[0]", f"[{index}]", 1)))
    assert said(validator(demand), concepts * 2, concepts * 2) == expected


def test_what_is_known_of_a_bare_code_says_nothing_of_a_coding() -> None:
    """A value of type code has the system of its value set; a Coding without a system has none, whatever was asked."""
    bound_to = {"binding": {"strength": "required", "valueSet": SETS + "warm"}}
    demand = profile("p", "Observation", {"id": "Observation.language", **bound_to}, binding("required", "warm"))
    checker = validator(demand)

    def rules(resource: dict[str, Any]) -> list[str | None]:
        return [issue.rule for issue in checker.check(resource, [demand["url"]]) if issue.severity == "error"]

    without_system = observation(component=None, code={"coding": [{"code": "red"}]})
    assert "binding" not in rules({**coded("red"), "language": "red"})
    assert "binding" in rules(without_system)


def test_an_extension_may_say_why_there_is_no_code() -> None:
    """https://hl7.org/fhir/R5/extensibility.html: data-absent-reason stands in for the code."""
    demand = profile("p", "Observation", binding("required", "warm"))
    assert issues(observation(code={"extension": [DATA_ABSENT]}), demand) == []


@pytest.mark.parametrize("strength", ["required", "extensible"])
def test_a_code_that_is_not_known_here_is_a_question(strength: str) -> None:
    """It is a warning and kept for an external terminology server; never an error, and never passed silently."""
    demand = profile("p", "Observation", binding(strength, "warm"))
    outcome = validator(demand).check_full(coded("x", system="http://loinc.org"), [demand["url"]])
    there = [issue for issue in outcome.issues if issue.rule == "binding"]
    assert [(i.severity, i.code) for i in there] == [("warning", "not-supported")]
    where = "Observation.code.coding[0]"
    assert outcome.questions == [Question(SETS + "warm", "http://loinc.org", None, "x", None, strength, where)]


def test_a_coding_without_a_system_is_in_no_value_set() -> None:
    """https://hl7.org/fhir/R5/datatypes.html#Coding: the meaning of a code is that of its system; a bare code has one.

    That a value of type ``code`` or ``string`` was right before does not make a coding without system right.
    """
    demand = profile("p", "Observation", binding("required", "warm"), {**binding("required", "warm"), "id": TEXT})
    checker = validator(demand)
    bare = observation(component=None, valueQuantity=None, valueString="red", code={"coding": [{"code": "red"}]})
    for _ in range(2):
        there = [i for i in checker.check(bare, [demand["url"]]) if i.rule == "binding"]
        assert [(i.severity, *i.expression) for i in there] == [("error", "Observation.code")]


def test_one_right_code_is_enough_beside_unknown_ones() -> None:
    """There is nothing to ask where a coding is known to be in the set."""
    demand = profile("p", "Observation", binding("required", "warm"))
    concept = {"coding": [{"system": "http://loinc.org", "code": "x"}, {"system": COLOURS, "code": "red"}]}
    outcome = validator(demand).check_full(observation(component=None, code=concept), [demand["url"]])
    assert outcome.questions == []


def test_a_wrong_display_is_a_warning() -> None:
    """The code is right, so the binding is kept."""
    concept = {"coding": [{"system": COLOURS, "code": "red", "display": "green"}]}
    assert judged(observation(component=None, code=concept), binding("required", "warm")) == [("warning", "invalid")]


@pytest.mark.parametrize(
    ("element", "changes"),
    [
        (
            {"id": "Observation.code.coding"},
            {"component": None, "code": {"coding": [{"system": COLOURS, "code": "red"}]}},
        ),
        ({"id": "Observation.value[x]"}, {"valueQuantity": {"value": 1, "system": COLOURS, "code": "red"}}),
        ({"id": "Observation.value[x]"}, {"valueQuantity": None, "valueString": "red"}),
        (
            {"id": "Observation.value[x]"},
            {"valueQuantity": None, "valueCodeableConcept": {"coding": [{"system": COLOURS, "code": "red"}]}},
        ),
    ],
)
def test_all_types_with_codes_can_be_bound(element: dict[str, Any], changes: dict[str, Any]) -> None:
    """Coding, Quantity, string and CodeableConcept: https://hl7.org/fhir/R5/terminologies.html#4.1."""
    for name, expected in (("warm", []), ("cold", [("error", "code-invalid")])):
        bound = {**element, "binding": {"strength": "required", "valueSet": SETS + name}}
        assert judged(observation(**changes), bound) == expected


def test_the_concept_of_a_codeable_reference_is_bound() -> None:
    """A CodeableReference that has only a reference has no code to judge."""
    demand = {"id": "MedicationRequest.medication", "binding": {"strength": "required", "valueSet": SETS + "warm"}}
    request = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "x"}}

    def rules(medication: dict[str, Any]) -> list[str | None]:
        there = issues({**request, "medication": medication}, profile("p", "MedicationRequest", demand))
        return [issue.rule for issue in there]

    assert rules({"concept": {"coding": [{"system": COLOURS, "code": "red"}]}}) == []
    assert rules({"concept": {"coding": [{"system": COLOURS, "code": "blue"}]}}) == ["binding"]
    assert rules({"reference": {"reference": "Medication/1"}}) == []


MAXIMUM = {
    "url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet",
    "valueCanonical": SETS + "all",
}


@pytest.mark.parametrize(
    ("more", "code", "expected"),
    [
        ({"extension": [MAXIMUM]}, "grey", ["warning"]),
        ({"extension": [MAXIMUM]}, "green", ["warning", "error"]),
        ({"additional": [{"purpose": "maximum", "valueSet": SETS + "all"}]}, "green", ["warning", "error"]),
        ({"additional": [{"purpose": "required", "valueSet": SETS + "cold"}]}, "red", ["error"]),
        ({"additional": [{"purpose": "extensible", "valueSet": SETS + "cold"}]}, "red", ["warning"]),
        ({"additional": [{"purpose": "candidate", "valueSet": SETS + "cold"}]}, "red", []),
        ({"additional": [{"purpose": "required", "valueSet": SETS + "cold", "usage": [{}]}]}, "red", []),
    ],
)
def test_additional_bindings_and_the_maximum_value_set(more: dict[str, Any], code: str, expected: list[str]) -> None:
    """Some purposes bind, the others advise; what holds for some uses only does not hold where no use is told."""
    assert [severity for severity, _ in judged(coded(code), binding("extensible", "warm", **more))] == expected


def test_an_additional_binding_may_ask_for_one_of_the_repetitions() -> None:
    """With ``any``, one occurrence of the element with such a code is enough."""
    extra = {"purpose": "required", "valueSet": SETS + "cold", "any": True}
    element = {"id": "Observation.code.coding", "binding": {"strength": "example", "additional": [extra]}}
    assert judged(coded("red", "blue"), element) == []
    assert judged(coded("red", "orange"), element) == [("error", "code-invalid")]


def test_a_binding_that_the_base_has_is_not_checked_twice() -> None:
    """A snapshot repeats the base's bindings, which the base check has decided."""
    status = {
        "id": "Observation.status",
        "binding": {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/observation-status|5.0.0"},
    }
    assert judged(observation(status="nonsense"), status) == [("error", "code-invalid")]


def test_the_extensible_bindings_of_the_base_are_judged_unless_a_profile_binds() -> None:
    """Without a profile the binding of FHIR itself holds; what a profile binds or fixes stands in its place."""
    category = {"coding": [{"system": COLOURS, "code": "red"}]}
    resource = {"resourceType": "Citation", "status": "draft", "classification": [{"type": category}]}
    there = [i for i in validator().check(resource) if i.rule == "binding"]
    where = "Citation.classification[0].type.coding[0]"
    assert [(i.severity, i.expression, i.profile) for i in there] == [("warning", (where,), None)]
    own = {"id": "Citation.classification.type", "binding": {"strength": "extensible", "valueSet": SETS + "warm"}}
    for element in (own, {"id": "Citation.classification.type", "patternCodeableConcept": category}):
        demand = profile("p", "Citation", element)
        assert [i for i in validator(demand).check(resource, [demand["url"]]) if i.rule == "binding"] == []
