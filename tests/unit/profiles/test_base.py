"""Validation against the base definitions: what is reported, where, and that good resources pass."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir import definitions
from service.profiles.rules.primitive import MAX_STRING
from service.profiles.rules.unknown import LONGEST_NAME, unknown
from service.profiles.run import SINGLE, Run
from tests.support.validation import check_structure as check
from tests.unit.profiles.checking import STUDY, found, only, study


def test_a_valid_resource_has_no_issue() -> None:
    """Nothing is reported about what is right."""
    assert check(study()) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"status": None}, ("required", "cardinality", "ResearchStudy.status"), id="missing"),
        pytest.param({"foo": 1}, ("structure", "unknown", "ResearchStudy.foo"), id="unknown element"),
        pytest.param({"title": 5}, ("structure", "type", "ResearchStudy.title"), id="JSON type"),
        pytest.param({"title": ""}, ("value", "content", "ResearchStudy.title"), id="empty string"),
        pytest.param({"title": ["a"]}, ("structure", "cardinality", "ResearchStudy.title"), id="array of one"),
        pytest.param(
            {"condition": {"text": "a"}}, ("structure", "cardinality", "ResearchStudy.condition"), id="no array"
        ),
        pytest.param({"condition": []}, ("structure", "content", "ResearchStudy.condition"), id="empty array"),
        pytest.param({"condition": [{}]}, ("structure", "content", "ResearchStudy.condition[0]"), id="empty object"),
        pytest.param({"condition": [None]}, ("structure", "null", "ResearchStudy.condition[0]"), id="null object"),
        pytest.param({"condition": ["a"]}, ("structure", "type", "ResearchStudy.condition[0]"), id="no object"),
        pytest.param(
            {"condition": [[]]}, ("structure", "cardinality", "ResearchStudy.condition[0]"), id="nested array"
        ),
        pytest.param({"title": "x" * (MAX_STRING + 1)}, ("too-long", "range", "ResearchStudy.title"), id="long string"),
        pytest.param(
            {"condition": [{"id": "a b", "text": "x"}]},
            ("value", "format", "ResearchStudy.condition[0].id"),
            id="id of an element",
        ),
        pytest.param({"meta": []}, ("structure", "cardinality", "ResearchStudy.meta"), id="object as array"),
        pytest.param({"meta": "a"}, ("structure", "type", "ResearchStudy.meta"), id="object as string"),
        pytest.param({"date": "2023-02-30"}, ("value", "format", "ResearchStudy.date"), id="no such day"),
        pytest.param({"id": "a b"}, ("value", "format", "ResearchStudy.id"), id="id"),
        pytest.param({"status": "running"}, ("code-invalid", "binding", "ResearchStudy.status"), id="required code"),
        pytest.param({"status": " active"}, ("value", "format", "ResearchStudy.status"), id="white space in a code"),
        pytest.param(
            {"language": "not a language"}, ("code-invalid", "binding", "ResearchStudy.language"), id="language"
        ),
        pytest.param(
            {"recruitment": {"targetNumber": -1}},
            ("value", "range", "ResearchStudy.recruitment.targetNumber"),
            id="range",
        ),
        pytest.param(
            {"recruitment": {"targetNumber": Decimal("1.0")}},
            ("value", "type", "ResearchStudy.recruitment.targetNumber"),
            id="fraction",
        ),
        pytest.param(
            {"site": [{"reference": "Patient/1"}]},
            ("structure", "reference", "ResearchStudy.site[0].reference"),
            id="target",
        ),
        pytest.param(
            {"comparisonGroup": [{"name": "A", "type": {"coding": [{"code": "a"}, {"code": "b "}]}}]},
            ("value", "format", "ResearchStudy.comparisonGroup[0].type.coding[1].code"),
            id="deep",
        ),
    ],
)
def test_a_problem_is_reported_where_it_is(changes: dict[str, Any], expected: tuple[str, str, str]) -> None:
    """Each kind of problem has its issue type, its rule, and the exact FHIRPath location."""
    resource = study(**changes)
    assert found(resource) == [expected]
    assert only(resource).severity == "error"


def test_a_code_of_a_set_that_nobody_can_list_is_still_a_code() -> None:
    """The form of a code is checked whatever its binding: currencies have no list here."""
    notice = {
        "resourceType": "PaymentNotice",
        "status": "active",
        "created": "2024-01-01",
        "recipient": {"display": "x"},
        "amount": {"value": 1, "currency": " EUR"},
    }
    assert found(notice) == [("value", "format", "PaymentNotice.amount.currency")]
    assert found({**notice, "amount": {"value": 1, "currency": "EUR"}}) == []


def test_a_null_property_is_refused() -> None:
    """A property without a value is left out in FHIR, not null."""
    assert found({**STUDY, "description": None}) == [("structure", "null", "ResearchStudy.description")]
    assert found({**STUDY, "meta": None}) == [("structure", "null", "ResearchStudy.meta")]
    assert found({**STUDY, "condition": None}) == [("structure", "null", "ResearchStudy.condition")]


def test_every_problem_is_reported_at_once() -> None:
    """One mistake does not hide another, neither beside it nor below it."""
    resource = study(status=None, title=5, condition=[{"coding": [{"cod": "x"}, {"system": "a b"}]}], foo="bar")
    assert sorted(where for _, _, where in found(resource)) == [
        "ResearchStudy.condition[0].coding[0].cod",
        "ResearchStudy.condition[0].coding[1].system",
        "ResearchStudy.foo",
        "ResearchStudy.status",
        "ResearchStudy.title",
    ]


@pytest.mark.parametrize("resource", [{}, {"id": "x"}, {"resourceType": None}])
def test_a_resource_without_a_type_is_refused(resource: dict[str, Any]) -> None:
    """Nothing can be said about a resource of which the type is not known."""
    assert found(resource) == [("structure", "resource-type", "Resource")]


@pytest.mark.parametrize("name", ["Study", "DomainResource", "Resource", "Quantity", "", 5, ["Patient"]])
def test_only_concrete_resource_types_have_instances(name: object) -> None:
    """Neither an abstract type nor a data type is a resource."""
    assert found({"resourceType": name}) == [("structure", "resource-type", "Resource")]


def test_a_misspelt_element_is_recognised() -> None:
    """The message names the element that was probably meant."""
    assert "did you mean title?" in only(study(titel="x")).diagnostics
    assert "did you mean" not in only(study(qqqqqq="x")).diagnostics


def test_suggestions_end_with_many_problems() -> None:
    """Guessing costs time, so a resource full of mistakes does not get a guess for each."""
    resource = study(**{f"titel{number}": "x" for number in range(60)})
    hints = ["did you mean" in issue.diagnostics for issue in check(resource)]
    assert hints == [True] * 50 + [False] * 10


def test_there_is_no_suggestion_for_a_very_long_name() -> None:
    """Comparing names takes time that grows with their length, and a client chooses the length."""
    known = "x" * (LONGEST_NAME - 2)
    run = Run({})
    for name in (known + "y", known + "yyy"):
        unknown("Thing", [known], {})(name, (None, "Thing", SINGLE), run)
    assert ["did you mean" in issue.diagnostics for issue in run.issues] == [True, False]


def test_a_resource_type_belongs_to_resources_only() -> None:
    """``resourceType`` inside a data type is an unknown element."""
    resource = study(condition=[{"resourceType": "Patient", "text": "x"}])
    assert found(resource) == [("structure", "unknown", "ResearchStudy.condition[0].resourceType")]


OBSERVATION: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": "weight"}}


def test_a_choice_has_one_type() -> None:
    """``value[x]`` is one element: two types of it contradict each other."""
    resource = {**OBSERVATION, "valueString": "a", "valueInteger": 1}
    assert found(resource) == [("structure", "choice", "Observation.value")]
    assert "valueInteger and valueString" in only(resource).diagnostics


def test_a_value_and_its_extensions_are_one_type() -> None:
    """``valueString`` and ``_valueString`` are the same choice, ``_valueInteger`` is another."""
    sibling = {"extension": [{"url": "http://example.org/x", "valueBoolean": True}]}
    assert found({**OBSERVATION, "valueString": "a", "_valueString": sibling}) == []
    assert found({**OBSERVATION, "valueString": "a", "_valueInteger": sibling}) == [
        ("structure", "choice", "Observation.value")
    ]


def test_a_choice_takes_the_types_of_its_definition_only() -> None:
    """``valueAddress`` is no type of Observation.value, and the message lists those that are."""
    issue = only({**OBSERVATION, "valueAddress": {"text": "x"}})
    assert (issue.code, issue.rule, issue.expression) == ("structure", "choice", ("Observation.valueAddress",))
    assert "Quantity" in issue.diagnostics


def test_a_location_in_a_choice_names_the_type() -> None:
    """In FHIRPath there is no ``valueQuantity``; the location can be evaluated as it stands."""
    resource = {**OBSERVATION, "valueQuantity": {"value": "1"}}
    assert found(resource) == [("structure", "type", "Observation.value.ofType(Quantity).value")]


def test_a_required_choice_is_missing_when_no_type_is_there() -> None:
    """Any type will do, and so will extensions without a value."""
    resource = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "x"}}
    assert found(resource) == [("required", "cardinality", "MedicationRequest.medication")]
    annotation = {"text": "x", "authorString": "y"}
    assert found(study(note=[annotation])) == []


def test_a_float_has_lost_digits_and_is_refused() -> None:
    """Decimals are parsed without loss; a float can only come from a parser that is not ours."""
    quantity = {**OBSERVATION, "valueQuantity": {"value": 1.5}}
    assert found(quantity) == [("structure", "type", "Observation.value.ofType(Quantity).value")]
    assert check({**OBSERVATION, "valueQuantity": {"value": Decimal("1.50")}}) == []


def test_contained_resources_are_checked() -> None:
    """A contained resource is a resource of its own type, located inside its container."""
    contained = [{"resourceType": "Group", "id": "men", "type": "person", "membership": "some"}, {"id": "x"}]
    assert found(study(contained=contained)) == [
        ("code-invalid", "binding", "ResearchStudy.contained[0].membership"),
        ("structure", "resource-type", "ResearchStudy.contained[1]"),
    ]


def test_resources_in_bundles_and_parameters_are_checked() -> None:
    """Any element that holds a resource is followed."""
    wrong = {"resourceType": "Patient", "gender": "m"}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": STUDY}, {"resource": wrong}]}
    assert found(bundle) == [("code-invalid", "binding", "Bundle.entry[1].resource.gender")]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "in", "resource": wrong}]}
    assert found(parameters) == [("code-invalid", "binding", "Parameters.parameter[0].resource.gender")]


def test_the_issues_of_a_bundle_are_an_operation_outcome() -> None:
    """Bundle.issues admits one resource type only."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}
    assert found({"resourceType": "Bundle", "type": "searchset", "issues": outcome}) == []
    assert found({"resourceType": "Bundle", "type": "searchset", "issues": {"resourceType": "Patient"}}) == [
        ("structure", "resource-type", "Bundle.issues")
    ]


def test_recursive_elements_are_checked_at_every_level() -> None:
    """A content reference repeats the definition of an element above it."""
    inner = {"linkId": "1.1", "type": "wish"}
    items = [{"linkId": "1", "type": "group", "item": [inner]}]
    resource = {"resourceType": "Questionnaire", "status": "draft", "item": items}
    assert found(resource) == [("code-invalid", "binding", "Questionnaire.item[0].item[0].type")]


def test_a_simple_quantity_has_no_comparator() -> None:
    """Where the definition says SimpleQuantity, the element that it removes is not allowed."""
    resource = {**OBSERVATION, "referenceRange": [{"low": {"value": 1, "comparator": "<"}}]}
    assert found(resource) == [("structure", "cardinality", "Observation.referenceRange[0].low.comparator")]
    assert found({**OBSERVATION, "valueQuantity": {"value": 1, "comparator": "<"}}) == []


@pytest.mark.parametrize("name", definitions.resource_types())
def test_every_resource_type_compiles(name: str) -> None:
    """Of every type an unknown element is reported, and all that is required is missed."""
    definition = definitions.type_definition(name)
    required = [f"{name}.{element.name}" for element in definition.children[name] if element.min]
    expected = [("structure", "unknown", f"{name}.nothing"), *(("required", "cardinality", path) for path in required)]
    assert sorted(found({"resourceType": name, "nothing": 1})) == sorted(expected)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


CONDITION: dict[str, Any] = {
    "resourceType": "Condition",
    "clinicalStatus": {"coding": [{"system": "http://example.org", "code": "x"}]},
    "subject": {"reference": "Patient/1", "type": "Patient"},
    "onsetDateTime": "2023-01-31T10:00:00Z",
    "extension": [{"url": "http://example.org/x", "valueQuantity": {"value": Decimal("1.0")}}],
}


@settings(deadline=None)  # the first resource of a type compiles its definition
@given(st.sampled_from([STUDY, CONDITION]), JSON_VALUES, st.data())
def test_no_content_makes_it_raise(resource: dict[str, Any], value: Any, data: st.DataObject) -> None:
    """Whatever stands anywhere in a resource, there are issues or none, but never an exception."""
    spoiled = deepcopy(resource)
    owner: Any = spoiled
    while True:
        keys = sorted(owner) if isinstance(owner, dict) else range(len(owner))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(owner[key], (dict, list)) or not owner[key] or data.draw(st.booleans()):
            break
        owner = owner[key]
    owner[key] = value
    if isinstance(owner, dict):
        owner["_" + key] = value
    assert isinstance(check(spoiled), list)
