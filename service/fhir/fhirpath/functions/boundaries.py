"""The least and the greatest value that a measurement may stand for (https://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal).

A decimal stands for half a unit of its last digit in either direction; a date for every moment in it, and without a
time zone in any zone on earth.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DecimalException
from typing import Any, Final

from service.fhir.fhirpath.quantity import Quantity
from service.fhir.fhirpath.registry import scalar
from service.fhir.fhirpath.temporal import Temporal

_WIDE: Final = Context(prec=450)
_MOST: Final = 31
_PARTS: Final = {
    "Date": {4: 1, 6: 2, 8: 3},
    "DateTime": {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6},
    "Time": {2: 1, 4: 2, 6: 3, 9: 3},
}
_ALL: Final = {"Date": 8, "DateTime": 17, "Time": 9}


def _boundary(*, high: bool) -> Callable[..., Any]:
    def find(value: int | Decimal | Quantity | Temporal, precision: int | None = None) -> Any:  # noqa: ANN401
        if isinstance(value, Temporal):
            return _of_temporal(value, _ALL[value.kind] if precision is None else precision, high=high)
        digits = 8 if precision is None else precision
        if isinstance(value, Quantity):
            bound = _of_number(value.value, digits, high=high)
            return None if bound is None else Quantity(bound, value.unit, value.calendar)
        return _of_number(Decimal(value), digits, high=high)

    return find


def _of_number(value: Decimal, digits: int, *, high: bool) -> Decimal | None:
    if not 0 <= digits <= _MOST:
        return None
    exponent = value.as_tuple().exponent
    half = Decimal(5).scaleb((exponent if isinstance(exponent, int) else 0) - 1)
    bound = _WIDE.add(value, half) if high else _WIDE.subtract(value, half)
    try:
        return bound.quantize(Decimal(1).scaleb(-digits), ROUND_CEILING if high else ROUND_FLOOR, _WIDE)
    except DecimalException:
        return None


def _of_temporal(value: Temporal, digits: int, *, high: bool) -> Temporal | None:
    count = _PARTS[value.kind].get(digits)
    if count is None and value.kind == "Date":
        count = _PARTS["DateTime"].get(digits)
        value = Temporal("DateTime", value.parts)
    if count is None:
        return None
    filled = list(value.parts[:count])
    first = 3 if value.kind == "Time" else 0
    while len(filled) < count:
        filled.append(_fill(first + len(filled), filled, high=high))
    if len(filled) + first == 6 and digits in (9, 17):
        filled[-1] = _milliseconds(filled[-1], known=len(value.parts) == count, high=high)
    offset = value.offset
    if offset is None and value.kind == "DateTime" and count > 3:
        offset = -12 * 60 if high else 14 * 60
    return Temporal(value.kind, tuple(filled), offset if count > 3 and value.kind == "DateTime" else None)


def _fill(place: int, known: list[int | Decimal], *, high: bool) -> int:
    if place == 2:
        return monthrange(int(known[0]), int(known[1]))[1] if high else 1
    low, top = {1: (1, 12), 3: (0, 23), 4: (0, 59), 5: (0, 59)}[place]
    return top if high else low


def _milliseconds(second: int | Decimal, *, known: bool, high: bool) -> Decimal:
    fraction = Decimal(second) % 1
    if known and fraction:
        return Decimal(second).quantize(Decimal("0.001"), ROUND_CEILING if high else ROUND_FLOOR)
    return Decimal(f"{int(second)}.999" if high else f"{int(second)}.000")


low_boundary: Final = _boundary(high=False)
high_boundary: Final = _boundary(high=True)

FUNCTIONS: Final = {
    "lowBoundary": scalar(low_boundary, "measured", None, "integer", required=0),
    "highBoundary": scalar(high_boundary, "measured", None, "integer", required=0),
}
