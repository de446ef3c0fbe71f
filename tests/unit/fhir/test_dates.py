"""Dates as intervals: https://hl7.org/fhir/R5/search.html#date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.fhir.dates import http_date, interval, parse_http_date

SECOND = 1_000_000
DAY = 86_400 * SECOND


def micro(*parts: int) -> int:
    """Return microseconds since the epoch of a moment in UTC."""
    delta = datetime(*parts, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)  # type: ignore[arg-type, misc]
    return delta // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "start", "length"),
    [
        ("2020", micro(2020, 1, 1), 366 * DAY),
        ("2021", micro(2021, 1, 1), 365 * DAY),
        ("2020-02", micro(2020, 2, 1), 29 * DAY),
        ("2020-12", micro(2020, 12, 1), 31 * DAY),
        ("2020-02-29", micro(2020, 2, 29), DAY),
        ("2020-01-01T10:30Z", micro(2020, 1, 1, 10, 30), 60 * SECOND),
        ("2020-01-01T10:30:15Z", micro(2020, 1, 1, 10, 30, 15), SECOND),
        ("2020-01-01T10:30:15.5Z", micro(2020, 1, 1, 10, 30, 15, 500_000), SECOND // 10),
        ("2020-01-01T10:30:15.123Z", micro(2020, 1, 1, 10, 30, 15, 123_000), 1000),
        ("2020-01-01T10:30:15.123456789Z", micro(2020, 1, 1, 10, 30, 15, 123_456), 1),
        ("2020-01-01T10:30:15+05:30", micro(2020, 1, 1, 5, 0, 15), SECOND),
        ("2020-01-01T00:30:00-01:00", micro(2020, 1, 1, 1, 30), SECOND),
        ("2020-01-01T00:30:00+14:00", micro(2019, 12, 31, 10, 30), SECOND),
        ("2020-01-01T10:30:15", micro(2020, 1, 1, 10, 30, 15), SECOND),
        ("2020-12-31T23:59:60Z", micro(2021, 1, 1), SECOND),
        ("0001", micro(1, 1, 1), 365 * DAY),
        ("9999", micro(9999, 1, 1), 365 * DAY),
        ("9999-12-31", micro(9999, 12, 31), DAY),
        ("1969-12-31T23:59:59.999Z", -1000, 1000),
    ],
)
def test_the_interval_of_a_value(text: str, start: int, length: int) -> None:
    """search.html#date: the precision of a value is the interval that it covers."""
    assert interval(text) == (start, start + length)


def test_a_value_without_a_zone_is_in_the_given_one() -> None:
    """search.html#date: without a zone, that of the server."""
    zone = timezone(timedelta(hours=2))
    assert interval("2020-01-01", zone) == (micro(2019, 12, 31, 22), micro(2020, 1, 1, 22))
    assert interval("2020-01-01T10:00:00Z", zone) == interval("2020-01-01T10:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20",
        "20200",
        "2020-1",
        "2020-13",
        "2020-00",
        "2020-02-30",
        "2021-02-29",
        "2020-01-00",
        "0000",
        "0000-01-01",
        "2020-01-01T",
        "2020-01-01T10",
        "2020-01-01T24:00:00Z",
        "2020-01-01T10:60:00Z",
        "2020-01-01T10:30:61Z",
        "2020-01-01T10:30:15.Z",
        "2020-01-01T10:30:15+15:00",
        "2020-01-01T10:30:15+05:60",
        "2020-01-01T10:30:15+0500",
        "2020-01-01 10:30",
        "2020-01-01Z",
        "2020-01-01\n",
        "٢٠٢٠",
        "２０２０-01-01",
        "now",
    ],
)
def test_what_is_no_date(text: str) -> None:
    """datatypes.html#dateTime: four-digit years, real days, and the offsets that there are."""
    with pytest.raises(ValueError, match=r"is not|has a time"):
        interval(text)


def test_http_dates() -> None:
    """RFC 9110, 5.6.7: seconds in GMT; whatever is no date is none."""
    assert http_date(1_577_836_800_999) == "Wed, 01 Jan 2020 00:00:00 GMT"
    assert parse_http_date("Wed, 01 Jan 2020 00:00:00 GMT") == 1_577_836_800
    assert parse_http_date(http_date(0)) == 0
    for text in ("", "x", "2020-01-01", "Wed, 99 Jan 2020 00:00:00 GMT", "Mon, 01 Jan 99999999999999 00:00:00 GMT"):
        assert parse_http_date(text) is None
