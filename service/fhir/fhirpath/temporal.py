"""Date, DateTime and Time with their precision (https://hl7.org/fhirpath/#datetime, #date, #time).

A value knows no more than was written: ``@2012-04`` is a month. So a comparison is decided only as far as both sides
are known, and is otherwise uncertain. Seconds and their fraction are one precision, as the specification has it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

Kind = Literal["Date", "DateTime", "Time"]

_DATE: Final = r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?"
_TIME: Final = r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?"
_PATTERN: Final[dict[str, re.Pattern[str]]] = {
    "Date": re.compile(_DATE),
    "DateTime": re.compile(rf"(\d{{4}})(?:-(\d\d)(?:-(\d\d)(?:T{_TIME}(Z|[+-]\d\d:\d\d)?)?)?)?"),
    "Time": re.compile(rf"T?{_TIME}"),
}
_FAR: Final = timedelta(hours=14), timedelta(hours=12)
_ALLOWED: Final = {"Date": 3, "DateTime": 6, "Time": 3}
_DIGITS: Final = {"Date": (4, 6, 8), "DateTime": (4, 6, 8, 10, 12, 17), "Time": (2, 4, 9)}


class TemporalError(ValueError):
    """A text that is no date or time."""


@dataclass(frozen=True, slots=True)
class Temporal:
    """A date or time: its known parts, from the year (Time: the hour) to the second with its fraction.

    ``offset`` is the time zone in minutes, None where none is given.
    """

    kind: Kind
    parts: tuple[int | Decimal, ...]
    offset: int | None = None

    @classmethod
    def literal(cls, text: str) -> Temporal:
        """The value of a literal without its ``@``: ``T`` makes a DateTime of a date."""
        if text.startswith("T"):
            return parse(text, "Time")
        return parse(text.removesuffix("T"), "DateTime" if "T" in text else "Date")

    def __str__(self) -> str:
        date, time = (self.parts[:3], self.parts[3:]) if self.kind != "Time" else ((), self.parts)
        text = "-".join(f"{part:0{4 if i == 0 else 2}d}" for i, part in enumerate(date))
        if time:
            text += "T" if date else ""
            text += ":".join(_two_digits(part) for part in time)
            text += _zone(self.offset)
        return text

    @property
    def digits(self) -> int:
        """The number of digits that are known, a fraction of a second counted as three: what ``precision()`` gives."""
        if self._whole_seconds():
            return _DIGITS[self.kind][-1] - 3
        return _DIGITS[self.kind][len(self.parts) - 1]

    def _whole_seconds(self) -> bool:
        full = len(self.parts) == _ALLOWED[self.kind] and self.kind != "Date"
        return full and "." not in str(self.parts[-1])

    def utc(self) -> Temporal:
        """The same moment without an offset, if there is one and the hour is known."""
        if not self.offset or len(self.parts) < 4:
            return self
        try:
            moved = first_moment(self) - timedelta(minutes=self.offset)
        except OverflowError:
            return self
        return Temporal(self.kind, from_moment(moved, self.parts), 0)


@lru_cache(maxsize=8192)
def parse(text: str, kind: Kind) -> Temporal:
    """The value of a text; raises :class:`TemporalError`."""
    match = _PATTERN[kind].fullmatch(text)
    if match is None:
        raise TemporalError(f"{text!r} is not a {kind}")
    groups = match.groups()
    zone = groups[6] if kind == "DateTime" else None
    parts = tuple(Decimal(part) if "." in part else int(part) for part in groups[:6] if part is not None)
    _check(text, kind, parts)
    return Temporal(kind, parts, None if zone is None else _offset(zone))


def _check(text: str, kind: Kind, parts: tuple[int | Decimal, ...]) -> None:
    if kind != "Time":
        date, time = parts[:3], parts[3:]
        year, month = int(date[0]), int(date[1]) if len(date) > 1 else 1
        days = monthrange(year, month)[1] if year and 1 <= month <= 12 else 0
        if not days or (len(date) > 2 and not 1 <= date[2] <= days):
            raise TemporalError(f"{text!r} is not in the calendar")
    else:
        time = parts
    if any(part >= limit for part, limit in zip(time, (24, 60, 60), strict=False)):
        raise TemporalError(f"{text!r} is not a time of day")


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _zone(offset: int | None) -> str:
    if offset is None:
        return ""
    if offset == 0:
        return "Z"
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def _two_digits(part: int | Decimal) -> str:
    whole, point, fraction = str(part).partition(".")
    return whole.zfill(2) + point + fraction


def first_moment(value: Temporal) -> datetime:
    """The first moment that a date may mean, as if it were in UTC."""
    return _moment(value, (1, 1, 1, 0, 0, 0))


def last_moment(value: Temporal) -> datetime:
    """The last moment that a date may mean, as if it were in UTC."""
    year, month = int(value.parts[0]), int(value.parts[1]) if len(value.parts) > 1 else 12
    return _moment(value, (year, month, monthrange(year, month)[1], 23, 59, Decimal("59.999999")))


def _moment(value: Temporal, fill: tuple[int | Decimal, ...]) -> datetime:
    year, month, day, hour, minute, second = (*value.parts, *fill[len(value.parts) :])
    microsecond = int(second % 1 * 1_000_000)
    return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, tzinfo=UTC)


def from_moment(moment: datetime, like: tuple[int | Decimal, ...]) -> tuple[int | Decimal, ...]:
    """The parts of a moment, as many as ``like`` has and with as many digits in the fraction of a second."""
    parts: list[int | Decimal] = [moment.year, moment.month, moment.day, moment.hour, moment.minute]
    if len(like) == 6:
        second = like[5]
        exact = Decimal(moment.second) + Decimal(moment.microsecond) / 1_000_000
        parts.append(exact.quantize(second) if isinstance(second, Decimal) else _plain(exact))
    return tuple(parts[: len(like)])


def _plain(second: Decimal) -> int | Decimal:
    return int(second) if second == int(second) else second.normalize()


def compare(left: Temporal, right: Temporal) -> int | None:
    """Negative, zero or positive, or None where the known parts do not decide; both are Times or neither is."""
    if (left.offset is None) != (right.offset is None) and left.kind != "Time":
        return _compare_far(left, right)
    if left.offset != right.offset:
        left, right = left.utc(), right.utc()
    for one, other in zip(left.parts, right.parts, strict=False):
        if one != other:
            return -1 if one < other else 1
    return 0 if len(left.parts) == len(right.parts) else None


def _compare_far(left: Temporal, right: Temporal) -> int | None:
    """One side has no time zone: decided only where no zone on earth would change the answer."""
    try:
        (left_low, left_high), (right_low, right_high) = _range(left), _range(right)
    except OverflowError:
        return None
    if left_high < right_low:
        return -1
    return 1 if right_high < left_low else None


def _range(value: Temporal) -> tuple[datetime, datetime]:
    low, high = first_moment(value), last_moment(value)
    if value.offset is not None:
        shift = timedelta(minutes=value.offset)
        return low - shift, high - shift
    return low - _FAR[0], high + _FAR[1]
