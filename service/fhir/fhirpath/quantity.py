"""Quantity: a decimal with a unit of UCUM or of the calendar (https://hl7.org/fhirpath/#quantity).

A year and a month of the calendar have no fixed length, so they are not equal to those of UCUM; from the week down
both are the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Final

from service.fhir.fhirpath.units import Unit, canonical, unit_text

EXACT: Final = Context(prec=40)
"""Arithmetic beyond the 28 digits that the specification asks for."""

CALENDAR_UNITS: Final = {
    word + plural: word
    for word in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in ("", "s")
}
_UCUM_OF: Final = {
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
}
_TEXT: Final = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-z]+))?")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value and its unit; ``calendar`` tells ``1 year`` from ``1 'year'``."""

    value: Decimal
    unit: str = "1"
    calendar: bool = False

    @classmethod
    def parse(cls, text: str) -> Quantity | None:
        """The quantity that a text stands for, None if it is not one."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            return None
        value, unit, word = match.groups()
        if word is not None:
            return cls(Decimal(value), CALENDAR_UNITS[word], True) if word in CALENDAR_UNITS else None
        return cls(Decimal(value), unit or "1")

    def __str__(self) -> str:
        number = format(self.value, "f")
        if self.calendar:
            return f"{number} {self.unit}{'' if self.value == 1 else 's'}"
        return f"{number} '{self.unit}'"

    @property
    def measure(self) -> Unit | None:
        """The unit in base units, None if it is unknown."""
        if not self.calendar:
            return canonical(self.unit)
        if self.unit in _UCUM_OF:
            return canonical(_UCUM_OF[self.unit])
        return Unit(Fraction(12 if self.unit == "year" else 1), (("calendar month", 1),))

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal quantities."""
        measure = self.measure
        if measure is None:
            return (self.unit, self.value)
        return (measure.dimension, Fraction(self.value) * measure.factor)


def comparable(left: Quantity, right: Quantity) -> bool:
    """Whether the units measure the same thing."""
    one, other = left.measure, right.measure
    if one is None or other is None:
        return left.unit == right.unit and left.calendar == right.calendar and left.measure is right.measure
    return one.dimension == other.dimension


def difference(left: Quantity, right: Quantity) -> Fraction | None:
    """``left - right`` in base units, None where they cannot be compared."""
    if left.unit == right.unit and left.calendar == right.calendar:
        return Fraction(left.value) - Fraction(right.value)
    one, other = left.measure, right.measure
    if one is None or other is None or one.dimension != other.dimension:
        return None
    return Fraction(left.value) * one.factor - Fraction(right.value) * other.factor


def equal(left: Quantity, right: Quantity) -> bool | None:
    """Equality; uncertain for a unit that is unknown, and between the calendar and UCUM."""
    gap = difference(left, right)
    if gap is not None:
        return gap == 0
    if left.measure is None or right.measure is None or _calendar(left) != _calendar(right):
        return None
    return False


def equivalent(left: Quantity, right: Quantity) -> bool:
    """Equality at the precision of the less precise value, in its unit; a year is as good as UCUM's."""
    left, right = _to_ucum(left), _to_ucum(right)
    if _decimals(left.value) > _decimals(right.value):
        left, right = right, left
    moved = convert(right, left)
    if moved is None:
        return False
    step = Decimal(1).scaleb(-_decimals(left.value))
    return moved.quantize(step, ROUND_HALF_UP, EXACT) == left.value.quantize(step, ROUND_HALF_UP, EXACT)


def convert(quantity: Quantity, to: Quantity) -> Decimal | None:
    """The value of a quantity in another's unit, None where they cannot be compared."""
    if quantity.unit == to.unit and quantity.calendar == to.calendar:
        return quantity.value
    one, other = quantity.measure, to.measure
    if one is None or other is None or one.dimension != other.dimension:
        return None
    return as_decimal(Fraction(quantity.value) * one.factor / other.factor)


def multiply(left: Quantity, right: Quantity, power: int = 1) -> Quantity | None:
    """The product (``power`` -1: the quotient), None for an unknown unit or a division by zero."""
    one, other = left.measure, right.measure
    if one is None or other is None or (power < 0 and not right.value):
        return None
    if right.measure == canonical("1"):
        return Quantity(
            EXACT.multiply(left.value, right.value) if power > 0 else EXACT.divide(left.value, right.value),
            left.unit,
            left.calendar,
        )
    product = one.times(other.raised(power))
    value = Fraction(left.value) * Fraction(right.value) ** power * product.factor
    return Quantity(as_decimal(value), unit_text(product.dimension))


def as_decimal(value: Fraction) -> Decimal:
    """A fraction as a decimal, exact where it can be."""
    return EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _calendar(quantity: Quantity) -> bool:
    return quantity.calendar and quantity.unit in ("year", "month")


def _to_ucum(quantity: Quantity) -> Quantity:
    if not quantity.calendar:
        return quantity
    return Quantity(quantity.value, {**_UCUM_OF, "year": "a", "month": "mo"}[quantity.unit])


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
