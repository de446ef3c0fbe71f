"""Date parameters: ranges compared with ranges (https://hl7.org/fhir/R5/search.html#date).

"Date searches are intrinsically matches against periods": every value is [start, end) at its own precision and in its
own time zone; a Period's missing end is open; of a Timing only the outer limits matter.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import Any, Final

from service.errors import Invalid
from service.fhir.dates import Interval, interval
from service.search.parameters import Parameter
from service.search.query import Or, Predicate, Sort, Updated
from service.search.rows import HIGHEST, LOWEST, RangeRow, Row, sortable
from service.search.types.base import ANYWHERE, Context, Make, literal, unsupported
from service.search.types.ranges import Comparator, Span, comparator, compare

MODIFIERS: Final[frozenset[str]] = frozenset()
MODIFIED: Final[frozenset[str]] = frozenset()
_LOST_PLUS: Final = re.compile(r"(T[0-9:.]+) ([0-9]{2}:[0-9]{2})")
"""A time zone whose plus sign the client forgot to encode, so that it arrives as a space."""


def rows(parameter: Parameter) -> Make:
    """Return what makes the row of a date, dateTime, instant, Period or Timing."""
    key = parameter.key

    def make(fhir_type: str, value: Any) -> tuple[Row, ...]:  # noqa: ANN401  # any JSON value
        start: int | None
        end: int | None
        if fhir_type == "Period":
            start, end = _period(value)
        elif fhir_type == "Timing":
            start, end = _timing(value)
        else:
            found = _interval(str(value))
            start, end = found or (None, None)
        if start is None and end is None:
            return ()
        return (RangeRow(key, LOWEST if start is None else sortable(start), HIGHEST if end is None else sortable(end)),)

    return make


def predicate(
    parameter: Parameter, modifier: str | None, text: str, name: str, context: Context = ANYWHERE
) -> Predicate:
    """Return the predicate of ``[prefix]date``."""
    if modifier is not None:
        raise unsupported(parameter, modifier, name)
    prefix, asked, near = _asked(name, text, parameter.comparators, context)
    exact = Span(sortable(asked[0]), sortable(asked[1]))
    return compare(parameter.key, prefix, exact, exact, Span(sortable(near[0]), sortable(near[1])))


def sort(parameter: Parameter, descending: bool) -> Sort:
    """Return the order by the earliest start, descending by the latest end."""
    return Sort("high" if descending else "low", parameter.key, descending)


def updated(name: str, text: str, context: Context = ANYWHERE) -> Predicate:
    """Return the predicate of one alternative of ``_lastUpdated``, an instant that every version has."""
    prefix, asked, near = _asked(name, text, (), context)
    # What is stored is a whole number of milliseconds, so ends in between round up.
    start, end = (-(-moment // 1000) for moment in (near if prefix == "ap" else asked))
    match prefix:
        case "ne":
            return Or((Updated(None, start), Updated(end, None)))
        case "gt" | "sa":
            return Updated(end, None)
        case "lt" | "eb":
            return Updated(None, start)
        case "ge":
            return Updated(start, None)
        case "le":
            return Updated(None, end)
        case _:
            return Updated(start, end) if start < end else Or(())


def _asked(name: str, text: str, allowed: tuple[str, ...], context: Context) -> tuple[Comparator, Interval, Interval]:
    """Prefix, range, and the range of what is approximately the same: wider by a tenth of the gap from now."""
    prefix, value = comparator(name, literal(name, text), "date", allowed)
    try:
        start, end = interval(_LOST_PLUS.sub(r"\1+\2", value))
    except ValueError as problem:
        raise Invalid(f"{name}: {problem}.", expression=name) from None
    now = time.time_ns() // 1000 if context.now is None else context.now
    margin = max(start - now, now - end, 0) // 10
    return prefix, (start, end), (start - margin, end + margin)


@lru_cache(maxsize=16_384)  # a date is indexed by several parameters, alone and in composites
def _interval(text: str) -> Interval | None:
    try:
        return interval(text)
    except ValueError:
        return None


def _period(value: Any) -> tuple[int | None, int | None]:  # noqa: ANN401  # any JSON value
    start = _interval(value["start"]) if "start" in value else None
    end = _interval(value["end"]) if "end" in value else None
    return start and start[0], end and end[1]


def _timing(value: Any) -> tuple[int | None, int | None]:  # noqa: ANN401  # any JSON value
    starts: list[int] = []
    ends: list[int] = []
    for event in value.get("event") or ():
        if event is not None and (found := _interval(event)):
            starts.append(found[0])
            ends.append(found[1])
    bounds = (value.get("repeat") or {}).get("boundsPeriod")
    if not bounds:
        return (min(starts), max(ends)) if starts else (None, None)
    start, end = _period(bounds)
    return (
        None if start is None else min([start, *starts]),
        None if end is None else max([end, *ends]),
    )
