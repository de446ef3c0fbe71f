"""What counts as read of JSON that does not have the form of FHIR (``service/profiles/readable.py``)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from service.fhir.json import loads
from service.profiles.base import check
from service.profiles.readable import readable, without_empty
from tests.unit.profiles.checking import STUDY, found, study

GROUP = {"resourceType": "Group", "type": "person", "membership": "enumerated"}


def test_a_resource_of_the_right_form_is_itself() -> None:
    """Nothing is copied where nothing has to be changed."""
    assert readable(STUDY) is STUDY


def test_a_resource_of_no_known_type_is_itself() -> None:
    """Without a type nothing is known about the form."""
    unknown = {"resourceType": "Nothing", "name": [5]}
    assert readable(unknown) is unknown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"name": 5}', {"name": "5"}),
        ('{"name": 1.50}', {"name": "1.50"}),
        ('{"name": true}', {"name": "true"}),
        ('{"quantity": "5"}', {"quantity": 5}),
        ('{"quantity": "1.0"}', {"quantity": "1.0"}),
        ('{"quantity": "many"}', {"quantity": "many"}),
        ('{"active": "true"}', {"active": True}),
        ('{"active": "yes"}', {"active": "yes"}),
        ('{"name": ["a"]}', {}),
        ('{"name": {"x": 1}}', {}),
        ('{"code": "a"}', {}),
        ('{"code": [{"text": "a"}]}', {}),
        ('{"code": {"text": 5}}', {"code": {"text": "5"}}),
        ('{"identifier": {"value": "a"}}', {"identifier": [{"value": "a"}]}),
        ('{"identifier": ["a", {"value": "b"}]}', {"identifier": [None, {"value": "b"}]}),
        ('{"identifier": ["a"]}', {}),
        ('{"identifier": []}', {}),
        (
            '{"characteristic": [{"valueQuantity": {"value": "1.50"}}]}',
            {"characteristic": [{"valueQuantity": {"value": Decimal("1.50")}}]},
        ),
        ('{"unheardOf": [5]}', {"unheardOf": [5]}),
        ('{"contained": [{"resourceType": "Basic", "id": 5}]}', {"contained": [{"resourceType": "Basic", "id": "5"}]}),
    ],
)
def test_what_counts_as_read(text: str, expected: dict[str, Any]) -> None:
    """A primitive by its text, a single object as the only one; what cannot be read is not there, at its place."""
    read = readable({**GROUP, **loads(text)})
    assert {name: value for name, value in read.items() if name not in GROUP} == expected


def test_the_form_is_judged_as_it_stands() -> None:
    """A number for a code is an error of its type, and the code that its text says breaks the binding."""
    assert found(study(status=5)) == [
        ("structure", "type", "ResearchStudy.status"),
        ("code-invalid", "binding", "ResearchStudy.status"),
    ]


def test_an_invariant_is_judged_by_what_can_be_read() -> None:
    """A period whose start is an array has no start; one whose end is before the start by its text breaks per-1."""
    not_read = check(study(period={"start": ["2021"], "end": "2020"}))
    assert [(issue.rule, *issue.expression) for issue in not_read] == [("cardinality", "ResearchStudy.period.start")]
    read = check(study(period={"start": 2025, "end": "2020"}))
    assert [(issue.rule, *issue.expression) for issue in read] == [
        ("type", "ResearchStudy.period.start"),
        ("per-1", "ResearchStudy.period"),
    ]


def test_an_item_that_cannot_be_read_does_not_fill_what_is_required() -> None:
    """A required element is missing if none of its items can be read, which is said once beside the item itself."""
    assert found({**GROUP, "resourceType": "BodyStructure", "patient": {"display": "x"}, "includedStructure": ["x"]})[
        -2:
    ] == [
        ("structure", "type", "BodyStructure.includedStructure[0]"),
        ("required", "cardinality", "BodyStructure.includedStructure"),
    ]


def test_the_empty_are_left_out_for_those_around_them() -> None:
    """Where an object has empty ones in it, there is one without them; arrays keep the places of their items."""
    inner = {"a": {}, "b": [{}, {"c": 1}], "d": [{}], "e": 5}
    outer = {"inner": inner, "other": {"f": [1]}, "gone": {"g": {}}}
    found = without_empty(outer)
    assert found[id(inner)] == {"b": [None, {"c": 1}], "e": 5}
    assert found[id(outer)] == {"inner": found[id(inner)], "other": outer["other"]}
    assert found[id(outer["gone"])] == {}
    assert without_empty({"a": {"b": [1]}}) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"relatedArtifact": [{"type": "citation", "resourceReference": {}}]},
            [
                ("content", "ResearchStudy.relatedArtifact[0].resourceReference"),
                ("ref-2", "ResearchStudy.relatedArtifact[0].resourceReference"),
            ],
        ),
        (
            {
                "extension": [
                    {"url": "http://example.org/x", "valueRatio": {"numerator": {"value": 1}, "denominator": {}}}
                ]
            },
            [
                ("content", "ResearchStudy.extension[0].value.ofType(Ratio).denominator"),
                ("rat-1", "ResearchStudy.extension[0].value.ofType(Ratio)"),
            ],
        ),
        (
            {"extension": [{"url": "http://example.org/x", "valueReference": {"reference": ["Group/1"]}}]},
            [
                ("cardinality", "ResearchStudy.extension[0].value.ofType(Reference).reference"),
                ("ref-2", "ResearchStudy.extension[0].value.ofType(Reference)"),
                ("ext-1", "ResearchStudy.extension[0]"),
            ],
        ),
    ],
)
def test_what_is_empty_does_not_exist_to_an_invariant(changes: Any, expected: list[tuple[str, str]]) -> None:
    """types.html#Element: an element has a value or children, else there is none; what it lacks itself is told too."""
    errors = [issue for issue in check(study(**changes)) if issue.severity == "error"]
    assert [(issue.rule, issue.expression[0]) for issue in errors] == expected


def test_an_empty_object_lacks_what_it_requires() -> None:
    """An empty object is told what it has to have, so that all is said at once."""
    assert found(study(comparisonGroup=[{}])) == [
        ("structure", "content", "ResearchStudy.comparisonGroup[0]"),
        ("required", "cardinality", "ResearchStudy.comparisonGroup[0].name"),
    ]
