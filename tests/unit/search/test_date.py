"""Date parameters: https://hl7.org/fhir/R5/search.html#date and https://hl7.org/fhir/R5/search.html#prefix."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Invalid
from service.fhir.dates import interval
from service.search.query import Updated
from service.search.types import Context
from service.search.types.date import updated
from tests.unit.search.matching import asked, matches

NOW = interval("2023-01-01")[0]


def period(start: str | None, end: str | None) -> dict[str, Any]:
    """An encounter with a period."""
    ends = {"start": start, "end": end}
    return {"resourceType": "Encounter", "actualPeriod": {name: value for name, value in ends.items() if value}}


def moment(value: str) -> dict[str, Any]:
    """A resource with a date of any precision."""
    return {"resourceType": "Condition", "onsetDateTime": value}


NOON = period("2013-01-13T12:00:00Z", "2013-01-14T12:00:00Z")
MORNING = period("2013-01-14T08:00:00Z", "2013-01-15T08:00:00Z")
AFTERNOON = period("2013-01-14T12:00:00Z", "2013-01-15T12:00:00Z")
ONWARDS = period("2013-01-21", None)
UNTIL = period(None, "2013-01-21")


@pytest.mark.parametrize(
    ("value", "text", "expected", "why"),
    [
        ("2013-01-14T00:00:00Z", "eq2013-01-14", True, "obviously"),
        ("2013-01-14T10:00:00Z", "2013-01-14", True, "inside the day"),
        ("2013-01-15T00:00:00Z", "eq2013-01-14", False, "it's not in the range"),
        ("2013-01", "eq2013-01-14", False, "the day does not fully contain the month"),
        ("2013-01-14", "eq2013-01", True, "the month fully contains the day"),
        ("2013-01-14", "eq2013", True, "the year fully contains the day"),
        ("2013-01-15T00:00:00Z", "ne2013-01-14", True, "it's not in the range"),
        ("2013-01-14T00:00:00Z", "ne2013-01-14", False, "it's in the range"),
        ("2013-01", "ne2013-01-14", True, "the day does not fully contain the month"),
        ("2013-01-14", "lt2013-01-14T10:00", True, "it includes the part of 14-Jan 2013 before 10am"),
        ("2013-01-14", "gt2013-01-14T10:00", True, "it includes the part of 14-Jan 2013 after 10am"),
        ("2013-01-14", "gt2013-01-14", False, "nothing of the day is after the day"),
        ("2013-01-14", "ge2013-01-14", True, "equal"),
        ("2013-01-14", "le2013-01-14", True, "equal"),
        ("2013-01-13", "ge2013-01-14", False, "before"),
        ("2013-01-15", "sa2013-01-14", True, "starts after"),
        ("2013-01-14", "sa2013-01-14", False, "starts with, not after"),
        ("2013-01-13", "eb2013-01-14", True, "ends before"),
        ("2013-01-14", "eb2013-01-14", False, "does not end before"),
        ("2013", "eq2013", True, "same precision"),
        ("2013-01-14T10:00:00+02:00", "2013-01-14T08:00:00Z", True, "the same instant in another zone"),
        ("2013-01-14T10:00:00+02:00", "2013-01-14T10:00:00 02:00", True, "a plus sign that arrives as a space"),
        ("2013-01-14T10:00:00.5Z", "2013-01-14T10:00:00Z", True, "the second contains its parts"),
    ],
)
def test_a_date_against_a_date(value: str, text: str, expected: bool, why: str) -> None:
    """Every date is a range at its own precision, and ranges are compared."""
    assert matches(moment(value), "onset-date", text) is expected, why


@pytest.mark.parametrize(
    ("resource", "text", "expected", "why"),
    [
        (NOON, "lt2013-01-14T10:00", True, "it includes the part of 14-Jan 2013 until noon"),
        (MORNING, "lt2013-01-14T10:00", True, "it includes the part of 14-Jan 2013 before 10:00"),
        (NOON, "gt2013-01-14T10:00", True, "it includes the part of 14-Jan 2013 until noon"),
        (AFTERNOON, "gt2013-01-14T10:00", True, "it includes the part of 14-Jan 2013 after noon"),
        (ONWARDS, "ge2013-03-14", True, "that period may include times after 14-Mar 2013"),
        (ONWARDS, "le2013-03-14", True, "that period may include times before 14-Mar 2013"),
        (period("2013-03-15", None), "sa2013-03-14", True, "that period starts after 14-Mar 2013"),
        (ONWARDS, "sa2013-03-14", False, "that period starts before 14-Mar 2013"),
        (UNTIL, "sa2013-03-14", False, "that period starts (and ends) before 14-Mar 2013"),
        (NOON, "sa2013-01-14", False, "it starts before 14-Jan 2013 begins"),
        (AFTERNOON, "sa2013-01-14", False, "it starts before 14-Jan 2013 ends"),
        (period("2013-03-15", None), "eb2013-03-14", False, "that period starts after 14-Mar 2013"),
        (ONWARDS, "eb2013-03-14", False, "it does not end before 14-Mar 2013"),
        (UNTIL, "eb2013-03-14", True, "that period ends before 14-Mar 2013"),
        (NOON, "eb2013-01-14", False, "it ends after 14-Jan 2013 begins"),
        (ONWARDS, "eq2013", False, "an open end is in no year"),
        (UNTIL, "eq2013", False, "an open start is in no year"),
        (UNTIL, "lt1900", True, "a missing lower boundary is less than any actual date"),
        (ONWARDS, "gt2900", True, "a missing upper boundary is greater than any actual date"),
        (period("2013-02-01", "2013-02-28"), "2013-02", True, "exactly the month"),
    ],
)
def test_a_period_against_a_date(resource: dict[str, Any], text: str, expected: bool, why: str) -> None:
    """The boundaries of a period are compared; a missing one is open."""
    assert matches(resource, "date", text) is expected, why


@pytest.mark.parametrize(
    ("value", "expected"), [("2013-03-14", True), ("2013-01-21", True), ("2015-06-15", False), ("2013", True)]
)
def test_approximately_is_a_tenth_of_the_gap_from_now(value: str, expected: bool) -> None:
    """Ap: "10% of the gap between now and the date", asked here on 1 January 2023."""
    assert matches(moment(value), "onset-date", "ap2013-03-14", Context(now=NOW)) is expected


def test_approximately_now_is_no_less_than_the_precision() -> None:
    """At no distance from now the range is still that of the value itself."""
    assert matches(moment("2023-01-01T23:00:00Z"), "onset-date", "ap2023-01-01", Context(now=NOW))
    assert not matches(moment("2023-01-02"), "onset-date", "ap2023-01-01", Context(now=NOW))


@pytest.mark.parametrize(
    ("timing", "text", "expected"),
    [
        ({"event": ["2013-01-31", "2013-03-24"]}, "2013", True),
        ({"event": ["2013-01-31", "2013-03-24"]}, "ap2013-02-01", True),
        ({"event": ["2013-01-31", "2013-03-24"]}, "2013-02", False),
        ({"repeat": {"boundsPeriod": {"start": "2013-01-31", "end": "2013-03-24"}}}, "ap2013-02-01", True),
        ({"repeat": {"boundsPeriod": {"start": "2013-01-31"}}}, "gt2020", True),
        ({"event": ["2012-01-01"], "repeat": {"boundsPeriod": {"start": "2013-01-31"}}}, "lt2012-06", True),
        ({"repeat": {"frequency": 2}}, "gt1900", False),
    ],
)
def test_only_the_outer_limits_of_a_timing_matter(timing: dict[str, Any], text: str, expected: bool) -> None:
    """Timing: "the specified scheduling details are ignored and only the outer limits matter"."""
    procedure = {"resourceType": "Procedure", "occurrenceTiming": timing}
    assert matches(procedure, "date", text, Context(now=interval("2013-02-01")[0])) is expected


def test_dates_without_a_zone_are_in_that_of_the_server() -> None:
    """Where neither side has a zone both are in that of the server, which is UTC."""
    assert matches(moment("2013-01-14"), "onset-date", "2013-01-14")
    assert matches(moment("2013-01-14T23:30:00-01:00"), "onset-date", "2013-01-15")


@pytest.mark.parametrize("text", ["", "x", "zz2013", "2013-13", "2013-02-30", "2013-01-01T10", "13", "eq", "2013,x"])
def test_what_is_no_date_is_refused_by_name(text: str) -> None:
    """Bad syntax is an error that names the parameter (https://hl7.org/fhir/R5/search.html#errors)."""
    with pytest.raises(Invalid, match=r"^onset-date"):
        asked("Condition", "onset-date", text)


def test_a_date_has_no_modifiers() -> None:
    """A modifier that the type does not have is refused with both names."""
    with pytest.raises(Invalid, match="onset-date is a date parameter: :exact is not supported"):
        asked("Condition", "onset-date:exact", "2013")


@pytest.mark.parametrize(
    ("text", "since", "before"),
    [
        ("1970-01-01T00:00:01Z", 1000, 2000),
        ("gt1970-01-01T00:00:01Z", 2000, None),
        ("sa1970-01-01T00:00:01Z", 2000, None),
        ("ge1970-01-01T00:00:01Z", 1000, None),
        ("lt1970-01-01T00:00:01Z", None, 1000),
        ("eb1970-01-01T00:00:01Z", None, 1000),
        ("le1970-01-01T00:00:01Z", None, 2000),
        ("1970-01-01T00:00:00.0015Z", 2, 2),
        ("ap1970-01-01T00:00:01Z", 900, 2100),
    ],
)
def test_last_updated_is_an_instant_in_milliseconds(text: str, since: int | None, before: int | None) -> None:
    """_lastUpdated: "Value precision sets the range" (https://hl7.org/fhir/R5/search.html#_lastUpdated)."""
    found = updated("_lastUpdated", text, Context(now=3_000_000))
    if since == before:
        assert found != Updated(since, before)
    else:
        assert found == Updated(since, before)
