"""What ``tools/compare_validators.py`` takes for the same place (``tools/faults.py``)."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Issue
from tools.faults import SPELLINGS, Fault, after_form, differences, of_hl7, of_ours, respelled


def ours(rule: str, place: str) -> Issue:
    """One of our errors."""
    return Issue("error", "invalid", "text", (place,), rule)


def theirs(place: str, text: str = "", key: str | None = None, **members: Any) -> dict[str, Any]:
    """One of the HL7 validator's errors."""
    return {"severity": "error", "expression": place, "id": key, "text": text, **members}


def compared(one: Issue, other: dict[str, Any]) -> tuple[list[Fault], list[Fault]]:
    """What only one of the two has, of an error each."""
    mine = of_ours([one])
    return differences(mine, respelled(mine, of_hl7([other])))


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
    (ours("cardinality", "A.extension[0].url"), theirs("A.extension[0]", "", "Extension_EXT_Url_NotFound")),
    (ours("format", "A.identifier.system"), theirs("A.identifier", "", "Type_Specific_Checks_DT_Identifier_System")),
    (
        ours("bundle", "Bundle.entry[0].resource.subject.reference"),
        theirs("Bundle", "(Bundle.entry[0].resource.subject)", "BUNDLE_BUNDLE_ENTRY_NOTFOUND"),
    ),
    (ours("extension-context", "A.b.extension[2]"), theirs("A.b", "", "Extension_EXTP_Context_Wrong")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_place_is_the_same_however_it_is_written(one: Issue, other: dict[str, Any]) -> None:
    """Each equivalence that the module lists holds for an example of it."""
    assert compared(one, other) == ([], [])


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
    assert compared(one, other) != ([], [])


def test_what_was_written_differently_is_told() -> None:
    """Every spelling that a place was changed by is named, and has a rule that is printed."""
    found: set[str] = set()
    for one, other in SAME:
        mine = of_ours([one])
        found.update(key for fault in (*mine, *respelled(mine, of_hl7([other]))) for key in fault.spelled)
    assert found == SPELLINGS.keys()


def test_a_fault_of_form_is_one_that_both_find() -> None:
    """A property that only one of the two finds wrong does not tell that they read different values."""
    one = of_ours([ours("type", "A.b")])
    assert after_form(one, of_hl7([theirs("A.b")]))
    assert not after_form(one, of_hl7([theirs("A.c")]))
    assert not after_form(of_ours([ours("per-1", "A.b")]), of_hl7([theirs("A.b")]))
