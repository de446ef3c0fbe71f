"""Which uses a binding is for: https://hl7.org/fhir/R5/metadatatypes.html#UsageContext."""

from __future__ import annotations

from typing import Any

import pytest

from service.profiles.rules.usage import applies

AGE = {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "age"}
UCUM = "http://unitsofmeasure.org"


def years(value: int, code: str = "a") -> dict[str, Any]:
    """A number of years, or of another unit."""
    return {"value": value, "system": UCUM, "code": code}


def concept(*codes: str) -> dict[str, Any]:
    """A concept with these codes."""
    return {"coding": [{"system": "http://example.org", "code": code} for code in codes]}


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        ({"valueCodeableConcept": concept("a", "b")}, {"valueCodeableConcept": concept("b", "c")}, True),
        ({"valueCodeableConcept": concept("a")}, {"valueCodeableConcept": concept("c")}, False),
        ({"valueCodeableConcept": {"text": "a"}}, {"valueCodeableConcept": {"text": "a"}}, False),
        ({"valueQuantity": years(5)}, {"valueQuantity": years(5)}, True),
        ({"valueQuantity": years(5)}, {"valueQuantity": years(6)}, False),
        ({"valueRange": {"low": years(2), "high": years(5)}}, {"valueQuantity": years(5)}, True),
        ({"valueRange": {"low": years(2), "high": years(5)}}, {"valueQuantity": years(6)}, False),
        ({"valueRange": {"low": years(2)}}, {"valueQuantity": years(30, "mo")}, True),
        ({"valueRange": {"low": years(2)}}, {"valueQuantity": years(12, "mo")}, False),
        ({"valueRange": {"low": years(2)}}, {"valueQuantity": years(30, "kg")}, False),
        ({"valueRange": {"low": years(2)}}, {"valueRange": {"low": years(2)}}, True),
        ({"valueReference": {"reference": "Group/1"}}, {"valueReference": {"reference": "Group/1"}}, True),
        ({"valueReference": {"reference": "Group/1"}}, {"valueQuantity": years(5)}, False),
        ({}, {}, False),
    ],
)
def test_a_use_is_met_by_what_it_has_in_common(wanted: dict[str, Any], given: dict[str, Any], expected: bool) -> None:
    """A concept by one coding, a quantity in a range by its amount, whichever the unit; the rest as it is written."""
    assert applies([{"code": AGE, **wanted}], [{"code": AGE, **given}]) is expected
    assert applies([{"code": AGE, **wanted}], [{"code": {**AGE, "code": "task"}, **given}]) is False


def test_one_use_of_several_is_enough() -> None:
    """What names no use is for all, and what names one is for nobody who names none."""
    child, adult = ({"code": AGE, "valueQuantity": years(value)} for value in (5, 50))
    assert applies([], [])
    assert applies([], [child])
    assert not applies([child], [])
    assert applies([child, adult], [adult])
