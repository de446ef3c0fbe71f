"""Objects of common types that keep all invariants of their type, as one look tells.

A resource has dozens of references, codings and quantities, and nearly all are plain. Each test here is a sufficient
condition for every invariant of the type together; what fails it is left to the expressions. A test of the project
compares the two on all official examples and on mutations of them.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeGuard

from service.profiles.run import Object

_DATE_LENGTHS: Final = (4, 7, 10)
_UNIT: Final = ("system", "code", "unit")
_DIGITS: Final = 18
"""Powers of ten that no magnitude of a sensible number reaches; larger ones have rules of their own in FHIRPath."""


def _coding(value: Object) -> bool:
    """cod-1: a display without a code."""
    return "code" in value


def _identifier(value: Object) -> bool:
    """ident-1: no value."""
    return "value" in value


def _quantity(value: Object) -> bool:
    """qty-3: a code without a system."""
    return "system" in value or "code" not in value


def _range(value: Object) -> bool:
    """rng-2: a low end above the high end; boundaries are further apart than the numbers, units here the same text."""
    low, high = value.get("low"), value.get("high")
    if low is None or high is None:
        return True
    if type(low) is not dict or type(high) is not dict:
        return False
    bottom, top = low.get("value"), high.get("value")
    return (
        _is_moderate(bottom)
        and _is_moderate(top)
        and bottom <= top
        and all(low.get(name) == high.get(name) for name in _UNIT)
        and "comparator" not in low
        and "comparator" not in high
    )


def _is_moderate(number: object) -> TypeGuard[int | Decimal]:
    return type(number) is int or (isinstance(number, Decimal) and abs(number.adjusted()) < _DIGITS)


def _reference(value: Object) -> bool:
    """ref-1 and ref-2: a contained resource that is not there, or nothing that says what is meant."""
    text = value.get("reference")
    return type(text) is str and text[:1] != "#"


def _period(value: Object) -> bool:
    """per-1: an end before the start; dates without a time compare as texts where they are equally precise."""
    start, end = value.get("start"), value.get("end")
    if start is None or end is None:
        return True
    return (
        type(start) is str
        and type(end) is str
        and len(start) == len(end)
        and len(end) in _DATE_LENGTHS
        and start <= end
    )


def _attachment(value: Object) -> bool:
    """att-1: data without a type."""
    return "contentType" in value or "data" not in value


def _contact_point(value: Object) -> bool:
    """cpt-2: a value without a system."""
    return "system" in value or "value" not in value


def _ratio(value: Object) -> bool:
    """rat-1: half of a ratio."""
    return "numerator" in value and "denominator" in value


PLAIN: Final[dict[str, Callable[[Object], bool]]] = {
    "Attachment": _attachment,
    "Coding": _coding,
    "ContactPoint": _contact_point,
    "Identifier": _identifier,
    "Period": _period,
    "Quantity": _quantity,
    "Range": _range,
    "Ratio": _ratio,
    "Reference": _reference,
}
"""Type -> whether an object of exactly this type certainly keeps its invariants."""
