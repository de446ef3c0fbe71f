"""``minValue[x]``, ``maxValue[x]``, ``maxLength``:
https://hl7.org/fhir/R5/elementdefinition-definitions.html#ElementDefinition.minValue_x_.

A partial date is outside only if the whole of it is. A limit for a date may be a duration from now.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from service.fhir.dates import interval
from service.fhir.fhirpath import Node, Quantity, system_value
from service.fhir.fhirpath.quantity import difference
from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.rules.item_rule import ItemRule
from service.profiles.rules.value import shown

_DATES: Final = frozenset({"date", "dateTime", "instant"})
_NUMBERS: Final = frozenset({"decimal", "integer", "positiveInt", "unsignedInt", "integer64"})
_QUANTITIES: Final = frozenset({"Quantity", "Age", "Count", "Distance", "Duration", "MoneyQuantity", "SimpleQuantity"})
_LENGTHS: Final = {"a": 31_556_952, "mo": 2_629_746, "wk": 604_800, "d": 86_400, "h": 3_600, "min": 60, "s": 1}
"""Seconds of a unit of time; a year and a month as the mean of the calendar."""


def limit(kind: str, bound: Any, *, upper: bool) -> ItemRule:  # noqa: ANN401  # any JSON value
    """Demand that values are not beyond the bound, which is of the type ``kind`` (``Quantity``, ``Date``, ...)."""
    compare = _comparison(kind[0].lower() + kind[1:] if kind not in _QUANTITIES else kind, bound, upper=upper)
    words = "more than the maximum" if upper else "less than the minimum"

    def check(item: Item, run: ProfileRun) -> None:
        if item.value is None:
            return
        beyond = compare(item)
        if beyond is None:
            text = f"{shown(item.value)} cannot be compared with {shown(bound)}"
            other_kind = _known(item.value) and _known(bound)
            run.report("value", "range", item.where, text, "error" if other_kind else "warning")
        elif beyond:
            run.report("value", "range", item.where, f"{shown(item.value)} is {words} {shown(bound)}")

    return check


def max_length(most: int) -> ItemRule:
    """Demand that a text has at most so many characters."""

    def check(item: Item, run: ProfileRun) -> None:
        if isinstance(item.value, str) and len(item.value) > most:
            run.report("too-long", "length", item.where, f"has {len(item.value)} characters, more than {most}")

    return check


def _comparison(kind: str, bound: Any, *, upper: bool) -> Callable[[Item], bool | None]:  # noqa: ANN401
    """Whether an item is beyond the bound; None where that cannot be told. Other types have no such bound."""

    def compare(item: Item) -> bool | None:
        gap: Fraction | int | None
        if item.type in _DATES and (kind in _DATES or kind in _QUANTITIES):
            return _date_beyond(item.value, bound, relative=kind in _QUANTITIES, upper=upper)
        if item.type in _NUMBERS and kind in _NUMBERS:
            gap = _number_gap(item.value, bound)
        elif item.type in _QUANTITIES and kind in _QUANTITIES:
            gap = quantity_gap(item.value, bound)
        elif item.type == kind == "time":
            gap = (item.value > bound) - (item.value < bound)
        else:
            return False
        if gap is None:
            return None
        return gap > 0 if upper else gap < 0

    return compare


def _number_gap(value: object, bound: object) -> Fraction | None:
    try:
        return Fraction(Decimal(str(value))) - Fraction(Decimal(str(bound)))
    except (ArithmeticError, ValueError):
        return None


def quantity_gap(value: object, bound: object) -> Fraction | None:
    """How much more a Quantity is than another, in whichever unit; None where that cannot be told."""
    one, other = (system_value(Node(quantity, "Quantity")) for quantity in (value, bound))
    return difference(one, other) if isinstance(one, Quantity) and isinstance(other, Quantity) else None


def _known(quantity: object) -> bool:
    """Whether the unit is known, so that what cannot be compared with it is a quantity of another kind."""
    value = system_value(Node(quantity, "Quantity"))
    return isinstance(value, Quantity) and value.measure is not None


def _date_beyond(value: object, bound: Any, *, relative: bool, upper: bool) -> bool | None:  # noqa: ANN401
    try:
        start, end = interval(str(value))
        if relative:
            first = last = _from_now(bound, upper=upper)
        else:
            first, last = interval(str(bound))
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None
    return start >= last if upper else end <= first


def _from_now(duration: dict[str, Any], *, upper: bool) -> int:
    """The moment, in microseconds since the epoch, that is a duration after now (before now, for a minimum)."""
    seconds = Decimal(duration["value"]) * _LENGTHS[duration["code"]]
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    return now + int(seconds * 1_000_000) * (1 if upper else -1)
