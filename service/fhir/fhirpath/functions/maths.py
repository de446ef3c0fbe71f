"""Numbers (https://hl7.org/fhirpath/#math): decimals of 28 digits, empty where there is no such number."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, DecimalException
from typing import Final, TypeAlias

from service.fhir.fhirpath.arithmetic import bounded
from service.fhir.fhirpath.errors import EvaluationError
from service.fhir.fhirpath.quantity import EXACT, Quantity
from service.fhir.fhirpath.registry import Function, scalar

_SHOWN: Final = Context(prec=28)

Number: TypeAlias = int | Decimal


def _abs(value: Number | Quantity) -> Number | Quantity:
    if isinstance(value, Quantity):
        return Quantity(abs(value.value), value.unit, value.calendar)
    return -value if value < 0 else value


def _whole(rounding: str) -> Callable[[Number], int | None]:
    return lambda value: bounded(int(Decimal(value).to_integral_value(rounding)))


def _round(value: Number, digits: int = 0) -> Decimal | None:
    if not 0 <= digits <= 28:
        raise EvaluationError("round() takes a number of digits from 0 to 28.")
    try:
        return Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=450))
    except DecimalException:
        return None


def _real(compute: Callable[[Decimal], Decimal]) -> Callable[[Number], Decimal | None]:
    def apply(value: Number) -> Decimal | None:
        try:
            return _SHOWN.plus(compute(Decimal(value)))
        except DecimalException:
            return None

    return apply


def _ln(value: Decimal) -> Decimal:
    if value <= 0:
        raise DecimalException
    return EXACT.ln(value)


def _log(value: Number, base: Number) -> Decimal | None:
    try:
        return _SHOWN.plus(EXACT.divide(_ln(Decimal(value)), _ln(Decimal(base))))
    except DecimalException:
        return None


def _power(value: Number, exponent: Number) -> Number | None:
    try:
        found = EXACT.power(Decimal(value), Decimal(exponent))
    except DecimalException:
        return None
    if isinstance(value, int) and isinstance(exponent, int) and exponent >= 0:
        return bounded(int(found)) if found.adjusted() < 20 else None
    return _SHOWN.plus(found)


FUNCTIONS: Final[dict[str, Function]] = {
    "abs": scalar(_abs, "amount", None),
    "ceiling": scalar(_whole(ROUND_CEILING), "number", "Integer"),
    "floor": scalar(_whole(ROUND_FLOOR), "number", "Integer"),
    "truncate": scalar(_whole(ROUND_DOWN), "number", "Integer"),
    "round": scalar(_round, "number", "Decimal", "integer", required=0),
    "exp": scalar(_real(EXACT.exp), "number", "Decimal"),
    "sqrt": scalar(_real(EXACT.sqrt), "number", "Decimal"),
    "ln": scalar(_real(_ln), "number", "Decimal"),
    "log": scalar(_log, "number", "Decimal", "number"),
    "power": scalar(_power, "number", None, "number"),
}
