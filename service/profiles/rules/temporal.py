"""Dates and times: https://hl7.org/fhir/R5/datatypes.html#dateTime.

Stricter than the regular expressions of the specification in two points that its text makes: the day has to exist in
the calendar, and a time of day comes with a time zone. Each type has a quick test, one regular expression that accepts
most good values (every month has 28 days, so only the last few days need the calendar), and a function that decides
about the others and finds the words for what is wrong.
"""

from __future__ import annotations

import re
from calendar import monthrange
from typing import Final

_YEAR: Final = "(?!0000)[0-9]{4}"
_MONTH: Final = "-(?:0[1-9]|1[0-2])"
_DAY: Final = "-(?:0[1-9]|[12][0-9]|3[01])"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]{1,9})?"
_ZONE: Final = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

_SAFE_DAY: Final = "-(?:0[1-9]|1[0-9]|2[0-8])"

is_plain_date: Final = re.compile(f"{_YEAR}(?:{_MONTH}(?:{_SAFE_DAY})?)?").fullmatch
is_plain_date_time: Final = re.compile(f"{_YEAR}(?:{_MONTH}(?:{_SAFE_DAY}(?:T{_TIME}{_ZONE})?)?)?").fullmatch
is_plain_instant: Final = re.compile(f"{_YEAR}{_MONTH}{_SAFE_DAY}T{_TIME}{_ZONE}").fullmatch
is_time: Final = re.compile(_TIME).fullmatch

_DATE: Final = re.compile(f"{_YEAR}(?:{_MONTH}(?:{_DAY})?)?")
_DATE_TIME: Final = re.compile(f"{_YEAR}(?:{_MONTH}(?:{_DAY}(?:T{_TIME}{_ZONE})?)?)?")
_INSTANT: Final = re.compile(f"{_YEAR}{_MONTH}{_DAY}T{_TIME}{_ZONE}")
_WITHOUT_ZONE: Final = re.compile(f"{_YEAR}{_MONTH}{_DAY}T{_TIME}")


def date_problem(text: str) -> str | None:
    """What is wrong with a ``date``, or None."""
    if _DATE.fullmatch(text) is None:
        return "is not a date: YYYY, YYYY-MM or YYYY-MM-DD"
    return _calendar_problem(text)


def date_time_problem(text: str) -> str | None:
    """What is wrong with a ``dateTime``, or None."""
    if _DATE_TIME.fullmatch(text) is None:
        if _WITHOUT_ZONE.fullmatch(text):
            return "has a time without a time zone (Z or +hh:mm)"
        return "is not a dateTime: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone"
    return _calendar_problem(text)


def instant_problem(text: str) -> str | None:
    """What is wrong with an ``instant``, or None."""
    if _INSTANT.fullmatch(text) is None:
        return "is not an instant: YYYY-MM-DDThh:mm:ss with a time zone"
    return _calendar_problem(text)


def time_problem(text: str) -> str | None:
    """What is wrong with a ``time``, or None."""
    return None if is_time(text) else "is not a time of day: hh:mm:ss"


def _calendar_problem(text: str) -> str | None:
    day = text[8:10]
    if day > "28" and int(day) > monthrange(int(text[:4]), int(text[5:7]))[1]:
        return "is a day that the calendar does not have"
    return None
