"""Dates and times as FHIR writes them (https://hl7.org/fhir/R5/datatypes.html#dateTime).

A partial date is not an instant but the interval that it covers; so every value becomes a half-open interval
[start, end) at its own precision (https://hl7.org/fhir/R5/search.html#date).
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from fractions import Fraction
from functools import lru_cache
from typing import Final

_DATE_TIME: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MICROSECONDS: Final = 1_000_000

Interval = tuple[int, int]
"""[start, end) in microseconds since the epoch."""


def interval(text: str, zone: timezone = UTC) -> Interval:
    """Return the interval that a date, dateTime or instant covers; ``zone`` is that of a value without one.

    Raises ValueError where the text is none of these, or names a day that no calendar has.
    """
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date, dateTime or instant")
    part = found.groupdict()
    year, month, day = int(part["year"]), int(part["month"] or 1), int(part["day"] or 1)
    first = _microseconds(year, month, day, _zone(part["zone"], zone))
    if part["month"] is None:
        return first, _microseconds(year + 1, 1, 1, zone)
    if part["day"] is None:
        following = (year + month // 12, month % 12 + 1)
        return first, _microseconds(*following, 1, zone)
    if part["hour"] is None:
        return first, first + 86_400 * _MICROSECONDS
    return _time(first, part, text)


def _time(day: int, part: dict[str, str | None], text: str) -> Interval:
    hour, minute, second = int(part["hour"] or 0), int(part["minute"] or 0), int(part["second"] or 0)
    if hour > 23 or minute > 59 or second > 60:  # 60: a leap second
        raise ValueError(f"{text!r} has a time that no clock shows")
    start = day + ((hour * 60 + minute) * 60 + second) * _MICROSECONDS
    if part["second"] is None:
        return start, start + 60 * _MICROSECONDS
    if part["fraction"] is None:
        return start, start + _MICROSECONDS
    width = Fraction(_MICROSECONDS, 10 ** len(part["fraction"]))
    start += int(int(part["fraction"]) * width)
    return start, start + max(1, int(width))  # nothing is finer than a microsecond here


def _zone(text: str | None, default: timezone) -> timezone:
    if text is None:
        return default
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    if offset > timedelta(hours=14) or int(text[4:6]) > 59:
        raise ValueError(f"{text!r} is not an offset from UTC")
    return timezone(-offset if text[0] == "-" else offset)


def _microseconds(year: int, month: int, day: int, zone: timezone) -> int:
    if year == 10_000:  # the end of the last year that has four digits
        return _microseconds(9999, 12, 31, zone) + 86_400 * _MICROSECONDS
    if not 1 <= month <= 12 or not 1 <= day <= monthrange(max(year, 1), month)[1] or year < 1:
        raise ValueError(f"{year:04}-{month:02}-{day:02} is not a day of the calendar")
    offset = zone.utcoffset(None)
    days = date(year, month, day).toordinal() - _EPOCH
    return (days * 86_400 - int(offset.total_seconds())) * _MICROSECONDS


def http_date(milliseconds: int) -> str:
    """Return an HTTP date (seconds, GMT) for milliseconds since the epoch."""
    return _http_date(milliseconds // 1000)


@lru_cache(maxsize=4096)  # what was loaded in one commit has one date
def _http_date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def parse_http_date(text: str) -> int | None:
    """Return the seconds since the epoch of an HTTP date; None where it is not one, as RFC 9110 wants it ignored."""
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None
