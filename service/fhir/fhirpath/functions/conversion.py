"""Conversion (https://hl7.org/fhirpath/#conversion): ``toX()`` and ``convertsToX()`` for every System type."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from service.fhir.fhirpath.arithmetic import bounded
from service.fhir.fhirpath.node import MAX_MAGNITUDE
from service.fhir.fhirpath.quantity import CALENDAR_UNITS, Quantity, convert
from service.fhir.fhirpath.registry import Compiled, Function, Site, scalar
from service.fhir.fhirpath.temporal import Kind, Temporal, TemporalError, parse

_TRUE: Final = frozenset(("true", "t", "yes", "y", "1", "1.0"))
_FALSE: Final = frozenset(("false", "f", "no", "n", "0", "0.0"))
_INTEGER: Final = re.compile(r"[+-]?\d{1,19}")
_DECIMAL: Final = re.compile(r"[+-]?\d+(\.\d+)?")


def to_boolean(value: Any) -> bool | None:  # noqa: ANN401  # any System value
    """``toBoolean()``."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return bool(value) if value in (0, 1) else None
    text = value.lower() if isinstance(value, str) else ""
    return True if text in _TRUE else False if text in _FALSE else None


def to_integer(value: Any) -> int | None:  # noqa: ANN401  # any System value
    """``toInteger()``."""
    if isinstance(value, int):
        return int(value)
    return bounded(int(value)) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def to_decimal(value: Any) -> Decimal | None:  # noqa: ANN401  # any System value
    """``toDecimal()``."""
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, str) and len(value) <= MAX_MAGNITUDE and _DECIMAL.fullmatch(value):
        return Decimal(value)
    return None


def to_string(value: Any) -> str:  # noqa: ANN401  # any System value
    """``toString()``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def to_quantity(value: Any) -> Quantity | None:  # noqa: ANN401  # any System value
    """``toQuantity()`` without a unit."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, str):
        return Quantity.parse(value) if len(value) <= MAX_MAGNITUDE else None
    number = to_decimal(value)
    return None if number is None else Quantity(number)


def _to_temporal(kind: Kind) -> Callable[[Any], Temporal | None]:
    def convert_to(value: Any) -> Temporal | None:  # noqa: ANN401  # any System value
        if isinstance(value, Temporal):
            if value.kind == kind:
                return value
            if "Time" in (value.kind, kind):
                return None
            return Temporal(kind, value.parts[:3] if kind == "Date" else value.parts)
        try:
            return parse(value, kind) if isinstance(value, str) else None
        except TemporalError:
            return None

    return convert_to


def _quantity_in(value: Any, unit: str | None = None) -> Quantity | None:  # noqa: ANN401  # any System value
    found = to_quantity(value)
    if found is None or unit is None:
        return found
    target = Quantity(Decimal(1), CALENDAR_UNITS.get(unit, unit), unit in CALENDAR_UNITS)
    moved = convert(found, target)
    return None if moved is None else Quantity(moved, target.unit, target.calendar)


def _converts(to: Callable[..., Any]) -> Callable[..., bool]:
    return lambda value, *unit: to(value, *unit) is not None


def _named() -> dict[str, Function]:
    conversions: dict[str, Callable[..., Any]] = {
        "Boolean": to_boolean,
        "Integer": to_integer,
        "Long": to_integer,
        "Decimal": to_decimal,
        "String": to_string,
        "Date": _to_temporal("Date"),
        "DateTime": _to_temporal("DateTime"),
        "Time": _to_temporal("Time"),
    }
    found: dict[str, Function] = {}
    for name, to in conversions.items():
        found[f"to{name}"] = _plain(to, "Integer" if name == "Long" else name)
        found[f"convertsTo{name}"] = _plain(_converts(to), "Boolean")
    found["toQuantity"] = scalar(_quantity_in, "any", "Quantity", "string", required=0)
    found["convertsToQuantity"] = scalar(_converts(_quantity_in), "any", "Boolean", "string", required=0)
    return found


def _plain(implementation: Callable[[Any], Any], result: str) -> Function:
    function = scalar(implementation, "any", result)

    def build(site: Site) -> Compiled:
        return function.build(site)

    return Function(0, 0, build)


FUNCTIONS: Final = _named()
