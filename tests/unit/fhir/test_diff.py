"""What changed between two resources: https://hl7.org/fhir/R5/fhirpatch.html."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Invalid
from service.fhir.diff import diff, patch
from service.fhir.fhirpath_patch import apply
from service.fhir.json import dumps, loads

STUDY: dict[str, Any] = {
    "resourceType": "ResearchStudy",
    "meta": {"versionId": "3", "lastUpdated": "2026-01-01T00:00:00Z"},
    "status": "active",
    "_title": {"extension": [{"url": "http://example.org/t", "valueString": "x"}]},
    "label": [{"value": "a"}, {"value": "b"}, {"value": "c"}],
    "recruitment": {"targetNumber": 10},
}


def changed(**members: Any) -> dict[str, Any]:
    """The study with other members; None takes one away."""
    return {name: value for name, value in {**STUDY, **members}.items() if value is not None}


CASES: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "nothing, but for the server's meta": (changed(meta={"versionId": "4"}), []),
    "a value": (changed(status="retired"), [("replace", "ResearchStudy.status")]),
    "a value that comes": (changed(version="2"), [("add", "ResearchStudy.version")]),
    "a value that goes": (changed(recruitment=None), [("delete", "ResearchStudy.recruitment")]),
    "an element of an element": (
        changed(recruitment={"targetNumber": 11}),
        [("replace", "ResearchStudy.recruitment.targetNumber")],
    ),
    "an item in front": (changed(label=[{"value": "n"}, *STUDY["label"]]), [("insert", "ResearchStudy.label[0]")]),
    "an item at the end": (changed(label=[*STUDY["label"], {"value": "n"}]), [("insert", "ResearchStudy.label[3]")]),
    "an item gone": (changed(label=STUDY["label"][::2]), [("delete", "ResearchStudy.label[1]")]),
    "an item changed": (
        changed(label=[{"value": "a"}, {"value": "B"}, {"value": "c"}]),
        [("replace", "ResearchStudy.label[1].value")],
    ),
    "a first item": (changed(note=[{"text": "n"}]), [("add", "ResearchStudy.note")]),
    "what stands beside a value": (changed(_title=None), [("delete", "ResearchStudy.title")]),
    "an extension without a value of its own": (
        changed(extension=[{"url": "http://e.org", "extension": [{"url": "a", "valueDecimal": 1}]}]),
        [("add", "ResearchStudy.extension")],
    ),
    "a tag beside the server's meta": (
        changed(meta={"versionId": "4", "tag": [{"code": "t"}]}),
        [("add", "ResearchStudy.meta.tag")],
    ),
    "a contained resource": (
        changed(contained=[{"resourceType": "Group", "id": "g", "type": "person", "membership": "definitional"}]),
        [("add", "ResearchStudy.contained")],
    ),
}


@pytest.mark.parametrize(("after", "expected"), CASES.values(), ids=CASES.keys())
def test_a_difference_is_the_smallest_operation_at_its_place(
    after: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """What is equal is not named, and applied to the first resource the patch makes the second."""
    found = diff(STUDY, after)
    assert [(difference.operation, difference.element) for difference in found] == expected
    if found:
        result = apply(STUDY, loads(dumps(patch(found))))
        assert {**result, "meta": 0} == {**after, "meta": 0}
        assert result["meta"].get("tag") == after["meta"].get("tag")
    else:
        assert patch(found) == {"resourceType": "Parameters"}


def test_a_number_written_with_other_digits_is_another() -> None:
    """The precision of a decimal is significant: 1.0 and 1.00 are not the same statement."""
    before, after = (
        loads(f'{{"resourceType":"Evidence","statistic":[{{"quantity":{{"value":{digits}}}}}]}}')
        for digits in ("1.0", "1.00")
    )
    (difference,) = diff(before, after)
    assert difference.element == "Evidence.statistic[0].quantity.value"
    assert difference.before is not None
    assert difference.after is not None
    assert (difference.before.text(), difference.after.text()) == ("1.0", "1.00")


def test_resources_of_two_types_are_not_compared() -> None:
    """A patch changes the elements of a resource, never its type."""
    with pytest.raises(Invalid, match="nothing to compare"):
        diff(STUDY, {"resourceType": "Patient"})
