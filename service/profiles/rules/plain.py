"""Objects of common types that keep all invariants of their type, as one look tells.

A resource has dozens of references, codings and quantities, and nearly all are plain. Each test here is a sufficient
condition for every invariant of the type together; what fails it is left to the expressions. A test of the project
compares the two on all official examples and on mutations of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from service.profiles.run import Object

_DATE_LENGTHS: Final = (4, 7, 10)


def _coding(value: Object) -> bool:
    """cod-1: a display without a code."""
    return "code" in value


def _identifier(value: Object) -> bool:
    """ident-1: no value."""
    return "value" in value


def _quantity(value: Object) -> bool:
    """qty-3: a code without a system."""
    return "system" in value or "code" not in value


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
    "Ratio": _ratio,
    "Reference": _reference,
}
"""Type -> whether an object of exactly this type certainly keeps its invariants."""
