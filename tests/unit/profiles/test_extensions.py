"""Extensions, and the siblings of primitives that carry them: https://hl7.org/fhir/R5/json.html#primitive."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.validation import check_structure as check
from tests.unit.profiles.checking import found, study


def test_extensions_may_stand_for_a_value() -> None:
    """A required primitive that has only extensions is there."""
    absent = {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}
    assert check(study(status=None, _status=absent)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"_title": "x"}, ("structure", "type", "ResearchStudy.title"), id="no object"),
        pytest.param({"_title": [{"id": "x"}]}, ("structure", "cardinality", "ResearchStudy.title"), id="array"),
        pytest.param({"_title": {}}, ("structure", "content", "ResearchStudy.title"), id="empty"),
        pytest.param({"_title": {"value": "x"}}, ("structure", "unknown", "ResearchStudy.title.value"), id="unknown"),
        pytest.param({"_condition": [{}]}, ("structure", "unknown", "ResearchStudy._condition"), id="not primitive"),
        pytest.param(
            {"_title": {"extension": [{"valueString": "x"}]}},
            ("required", "cardinality", "ResearchStudy.title.extension[0].url"),
            id="extension",
        ),
    ],
)
def test_the_sibling_of_a_primitive_is_checked(changes: dict[str, Any], expected: tuple[str, str, str]) -> None:
    """``_title`` is an object that holds the id and the extensions of the title, and nothing else."""
    assert found(study(**changes)) == [expected]


def named(**name: Any) -> dict[str, Any]:
    """A Patient with one name; ``given`` is an array of primitive values."""
    return {"resourceType": "Patient", "name": [name]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param({"_given": {"id": "x"}}, ("structure", "cardinality", "Patient.name[0].given"), id="no array"),
        pytest.param({"_given": []}, ("structure", "content", "Patient.name[0].given"), id="empty array"),
        pytest.param(
            {"given": ["a"], "_given": [{"id": "x"}, {"id": "y"}]},
            ("structure", "siblings", "Patient.name[0].given"),
            id="lengths",
        ),
        pytest.param(
            {"given": ["a", "b"], "_given": [None, "x"]}, ("structure", "type", "Patient.name[0].given[1]"), id="item"
        ),
        pytest.param({"given": ["a", 5]}, ("structure", "type", "Patient.name[0].given[1]"), id="value"),
        pytest.param({"given": ["a", ["b"]]}, ("structure", "cardinality", "Patient.name[0].given[1]"), id="nested"),
        pytest.param({"given": "a"}, ("structure", "cardinality", "Patient.name[0].given"), id="single"),
    ],
)
def test_the_siblings_of_an_array_are_checked(name: dict[str, Any], expected: tuple[str, str, str]) -> None:
    """``_given`` is an array as long as ``given``, with an object wherever a value has extensions."""
    assert found(named(**name)) == [expected]


def test_null_in_an_array_needs_an_extension_in_its_place() -> None:
    """The two arrays of a repeating primitive complete each other; a place empty in both is a mistake."""
    assert found(named(given=["a", None], _given=[None, {"id": "x"}])) == []
    assert found(named(_given=[{"id": "x"}])) == []
    assert found(named(given=[None])) == [("structure", "null", "Patient.name[0].given[0]")]
    assert found(named(given=["a", None], _given=[{"id": "x"}, None])) == [
        ("structure", "null", "Patient.name[0].given[1]")
    ]
    assert found(named(_given=[{"id": "x"}, None])) == [("structure", "null", "Patient.name[0].given[1]")]


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        pytest.param({"valueString": "x"}, ("required", "cardinality", "{}.url"), id="without url"),
        pytest.param({"url": "http://example.org/x"}, ("invariant", "ext-1", "{}"), id="neither"),
        pytest.param(
            {"url": "http://example.org/x", "valueString": "x", "extension": [{"url": "y", "valueCode": "z"}]},
            ("invariant", "ext-1", "{}"),
            id="both",
        ),
        pytest.param(
            {"url": "http://example.org/x", "extension": [{"url": "y", "valueDate": "z"}]},
            ("value", "format", "{}.extension[0].value.ofType(date)"),
            id="nested",
        ),
        pytest.param(
            {"url": "http://example.org/x", "valueCode": "x", "valueString": "x"},
            ("structure", "choice", "{}.value"),
            id="two",
        ),
    ],
)
def test_an_extension_has_a_url_and_either_value_or_extensions(
    extension: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    """The structure of extensions holds for all of them, known or not."""
    code, rule, where = expected
    assert found(study(extension=[extension])) == [(code, rule, where.format("ResearchStudy.extension[0]"))]
