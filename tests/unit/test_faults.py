"""What ``tools/compare_validators.py`` takes for the same place (``tools/faults.py``)."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Issue
from tools.faults import Fault, differences, of_hl7, of_ours, without_consequences


def ours(rule: str, place: str) -> Issue:
    """One of our errors."""
    return Issue("error", "invalid", "text", (place,), rule)


def theirs(place: str, text: str = "", key: str | None = None, **members: Any) -> dict[str, Any]:
    """One of the HL7 validator's errors."""
    return {"severity": "error", "expression": place, "id": key, "text": text, **members}


SAME = [
    (ours("format", "A.value.ofType(date)"), theirs("A.value[x]")),
    (ours("per-1", "B.entry[0].resource.period"), theirs("B.entry[0].resource/*A/1*/.period")),
    (ours("cardinality", "A.b.c"), theirs("A.b", "A.b.c: minimum required = 1, but", "Validation_VAL_Profile_Minimum")),
    (
        ours("cardinality", "A.b"),
        theirs("A", "Slice 'A.b:one': a matching slice is", "Validation_VAL_Profile_Minimum_SLICE"),
    ),
    (ours("unknown", "A.foo"), theirs("A", "Unrecognized property 'foo'")),
    (ours("choice", "A.value"), theirs("A", "Unrecognized property 'valueString'")),
    (ours("type", "A.b[0]"), theirs("A.b", "Error parsing JSON: the primitive value must be a string")),
    (ours("format", "A.url"), theirs("A", "", "Extension_EXT_URL_Absolute")),
    (ours("extension-context", "A.b.extension[2]"), theirs("A.b", "", "Extension_EXTP_Context_Wrong")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_place_is_the_same_however_it_is_written(one: Issue, other: dict[str, Any]) -> None:
    """Each equivalence that the module lists holds for an example of it."""
    assert differences(of_ours([one]), of_hl7([other])) == ([], [])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ours("format", "A.b"), theirs("A")),
        (ours("format", "A.b[0]"), theirs("A.b[1]")),
        (ours("cardinality", "A.b"), theirs("A", "A.c: minimum required = 1, but", "Validation_VAL_Profile_Minimum")),
        (ours("unknown", "A.foo"), theirs("A", "Unrecognized property 'bar'")),
        (ours("per-1", "A.b"), theirs("A.b", tx=True)),
        (ours("per-1", "A.b"), theirs("A.b", severity="warning")),
    ],
)
def test_another_place_is_a_difference(one: Issue, other: dict[str, Any]) -> None:
    """A parent, another index, another element, or what is not an error is not the same."""
    assert differences(of_ours([one]), of_hl7([other])) != ([], [])


def test_consequences_are_around_or_in_the_fault() -> None:
    """What is beside a value of the wrong form, or only begins like it, is not taken for its consequence."""
    only = [Fault("k", place, "") for place in ("A", "A.b", "A.b.c[0].d", "A.b.other", "A.b.c")]
    assert [fault.place for fault in without_consequences(only, {"A.b.c"})] == ["A.b.other", "A.b.c"]
