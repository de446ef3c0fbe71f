"""Prefixes: how the range of a parameter is compared with the ranges of a resource.

https://hl7.org/fhir/R5/search.html#prefix. Dates, numbers and quantities are all ranges [low, high) between two ends
in sortable text; a point is the range between the cuts just below and just above it. "Above" is what begins at the
parameter's high end, "below" what ends at its low end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from service.errors import Invalid
from service.search.query import Bound, Or, Predicate, Range
from service.search.rows import HIGHEST, LOWEST

Comparator = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
COMPARATORS: Final[tuple[Comparator, ...]] = get_args(Comparator)
SCOPE_END: Final = "\x1f"
"""Stands between a scope and an end; no text of FHIR can have it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of sortable text: from ``low`` to just before ``high``."""

    low: str
    high: str


def comparator(name: str, text: str, what: str, allowed: Sequence[str] = ()) -> tuple[Comparator, str]:
    """Take the prefix off a value, ``eq`` where it has none.

    ``allowed`` are the prefixes that the parameter declares, all if it declares none. Raises :class:`Invalid`.
    """
    if not text[:1].isalpha():
        return "eq", text
    for known in COMPARATORS:
        if text.startswith(known):
            if allowed and known not in allowed:
                raise Invalid(
                    f"{name}: the prefix {known} is not supported, only {', '.join(allowed)}.",
                    code="not-supported",
                    expression=name,
                )
            return known, text[2:]
    raise Invalid(
        f"{name}: {text!r} does not begin with a {what} or one of the prefixes {', '.join(COMPARATORS)}.",
        expression=name,
    )


def compare(key: str, prefix: Comparator, exact: Span, implicit: Span, near: Span, scope: str = "") -> Predicate:
    """Return the predicate of a prefix.

    ``exact`` is the range of the value, ``implicit`` that of its precision, by which it is equal or not, ``near`` what
    is approximately the same. With a ``scope`` only rows whose ends begin with it count.
    """
    match prefix:
        case "eq":
            return _both(key, implicit, scope)
        case "ne":
            return Or((_starts_before(key, implicit.low, scope), _ends_after(key, implicit.high, scope)))
        case "gt":
            return _ends_after(key, exact.high, scope)
        case "lt":
            return _starts_before(key, exact.low, scope)
        case "ge":
            return Or((_ends_after(key, exact.high, scope), _both(key, exact, scope)))
        case "le":
            return Or((_starts_before(key, exact.low, scope), _both(key, exact, scope)))
        case "sa":
            return Range(key, (Bound("low", ">=", scope + exact.high), *_upper("low", scope)))
        case "eb":
            return Range(key, (Bound("high", "<=", scope + exact.low), *_lower("high", scope)))
        case "ap":
            overlap = (Bound("low", "<", scope + near.high), Bound("high", ">", scope + near.low))
            return Range(key, (*overlap, *_lower("low", scope), *_upper("high", scope)))


def _both(key: str, span: Span, scope: str) -> Predicate:
    return Range(key, (Bound("low", ">=", scope + span.low), Bound("high", "<=", scope + span.high)))


def _ends_after(key: str, end: str, scope: str) -> Predicate:
    return Range(key, (Bound("high", ">", scope + end), *_upper("high", scope)))


def _starts_before(key: str, end: str, scope: str) -> Predicate:
    return Range(key, (Bound("low", "<", scope + end), *_lower("low", scope)))


def _upper(end: Literal["low", "high"], scope: str) -> tuple[Bound, ...]:
    return (Bound(end, "<=", scope + HIGHEST),) if scope else ()


def _lower(end: Literal["low", "high"], scope: str) -> tuple[Bound, ...]:
    return (Bound(end, ">=", scope + LOWEST),) if scope else ()
