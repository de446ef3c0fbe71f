"""Minimum and maximum values and lengths:
https://hl7.org/fhir/R5/elementdefinition-definitions.html#ElementDefinition.minValue_x_."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.profiles.profiling import HERE, issues, observation, profile


def rules(resource: dict[str, Any], element: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Severity and rule of what is found."""
    there = issues(resource, profile("p", "Observation", element), at_least="warning")
    return [(issue.severity, issue.rule) for issue in there if issue.profile == HERE + "p"]


ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
BEYOND = [("error", "range")]


@pytest.mark.parametrize(
    ("limits", "value", "expected"),
    [
        ({"minValueInteger": 5}, {"valueInteger": 5}, []),
        ({"minValueInteger": 5}, {"valueInteger": 4}, BEYOND),
        ({"maxValueInteger": 5}, {"valueInteger": 5}, []),
        ({"maxValueInteger": 5}, {"valueInteger": 6}, BEYOND),
        ({"minValueTime": "08:00:00"}, {"valueTime": "07:59:59.9"}, BEYOND),
        ({"maxValueTime": "08:00:00"}, {"valueTime": "08:00:00"}, []),
        ({"minValueDateTime": "2020-06-01"}, {"valueDateTime": "2020-06-01"}, []),
        ({"minValueDateTime": "2020-06-01"}, {"valueDateTime": "2020-05-31"}, BEYOND),
        ({"minValueDateTime": "2020-06-01"}, {"valueDateTime": "2020"}, []),
        ({"minValueDateTime": "2020-06-01"}, {"valueDateTime": "2019"}, BEYOND),
        ({"maxValueDateTime": "2020-06"}, {"valueDateTime": "2020-06-30T23:00:00Z"}, []),
        ({"maxValueDateTime": "2020-06"}, {"valueDateTime": "2020-07-01T00:00:00Z"}, BEYOND),
        ({"maxValueDateTime": "2020-06"}, {"valueDateTime": "2020-07-01T00:30:00+01:00"}, []),
        ({"minValueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "kg"}}, {}, []),
        ({"minValueQuantity": {"value": 6, "system": "http://unitsofmeasure.org", "code": "kg"}}, {}, BEYOND),
        ({"minValueQuantity": {"value": 4999, "system": "http://unitsofmeasure.org", "code": "g"}}, {}, []),
        ({"maxValueQuantity": {"value": 4999, "system": "http://unitsofmeasure.org", "code": "g"}}, {}, BEYOND),
        (
            {"maxValueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "m"}},
            {},
            BEYOND,
        ),
        ({"maxValueQuantity": {"value": 1, "code": "furlong"}}, {}, [("warning", "range")]),
        ({"maxValueInteger": 3}, {}, []),
        ({"minValueInteger": 5}, {"valueInteger": None, "_valueInteger": {"extension": [ABSENT]}}, []),
    ],
)
def test_a_value_is_within_its_limits(
    limits: dict[str, Any], value: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """A limit is inclusive; a partial date is beyond it as a whole only; what cannot be compared is said to be so."""
    changes = {"valueQuantity": None, **value} if value else {}
    assert rules(observation(**changes), {"id": "Observation.value[x]", **limits}) == expected


@pytest.mark.parametrize(("days", "expected"), [(-40, BEYOND), (-20, [])])
def test_a_limit_for_a_date_may_be_a_duration_from_now(days: int, expected: list[tuple[str, str]]) -> None:
    """A duration counts back from now for a minimum."""
    month = {"value": Decimal(1), "system": "http://unitsofmeasure.org", "code": "mo"}
    when = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    resource = observation(effectiveDateTime=when)
    assert rules(resource, {"id": "Observation.effective[x]", "minValueQuantity": month}) == expected


def test_a_decimal_is_compared_as_a_number() -> None:
    """Limits of decimals do not depend on how these are written."""
    element = {"id": "Observation.valueQuantity.value", "maxValueDecimal": Decimal("5.00")}
    assert rules(observation(), element) == []
    heavy = observation(valueQuantity={"value": Decimal("5.001")})
    assert rules(heavy, element) == BEYOND


@pytest.mark.parametrize(("most", "expected"), [(8, []), (7, [("error", "length")])])
def test_a_text_has_at_most_so_many_characters(most: int, expected: list[tuple[str, str]]) -> None:
    """maxLength counts characters, not bytes."""
    assert rules(observation(code={"text": "a colöur"}), {"id": "Observation.code.text", "maxLength": most}) == expected
