"""Quantity parameters: numbers with a unit (https://hl7.org/fhir/R5/search.html#quantity).

A quantity has three forms: its number alone, under the parameter's key; its number within a unit as it is written
(code or unit), under ``:code``; and its number within a system and code, under ``:unit``. There, and only there, UCUM
is reduced to base units, so that 0.005 g is 5 mg. The unit is the scope of the range: the beginning of both its ends.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, TypeAlias

from service.errors import Invalid
from service.fhir.fhirpath import Quantity
from service.fhir.fhirpath.node import MAX_MAGNITUDE, UCUM
from service.fhir.fhirpath.quantity import as_decimal
from service.fhir.fhirpath.units import Unit, canonical, unit_text
from service.search.escaping import split, unescape
from service.search.parameters import Parameter
from service.search.query import Predicate, Sort
from service.search.rows import HIGHEST, LOWEST, RangeRow, Row, above, around, below
from service.search.types import number
from service.search.types.base import ANYWHERE, Context, Make, unsupported
from service.search.types.ranges import SCOPE_END, compare

MODIFIERS: Final[frozenset[str]] = frozenset()
MODIFIED: Final[frozenset[str]] = frozenset()
CODE: Final = ":code"
UNIT: Final = ":unit"
CURRENCIES: Final = "urn:iso:std:iso:4217"
_UPPER: Final = (False, True)
_LOWER: Final = (True, False)
_HAS_ENDS: Final = {"<": _UPPER, "<=": _UPPER, ">": _LOWER, ">=": _LOWER, "ad": _LOWER}
"""Comparator of a Quantity -> whether its range has a low and a high end; ``ad`` is enough to reach the value."""

Ends: TypeAlias = tuple[str, str]
"""The low and the high end of a range, as text that sorts."""


def rows(parameter: Parameter) -> Make:
    """Return what makes the rows of a Quantity, Money, Range or SampledData, or of a plain number."""
    key, of_number = parameter.key, number.rows(parameter)

    def make(fhir_type: str, value: Any) -> Collection[Row]:  # noqa: ANN401  # any JSON value
        if isinstance(value, Quantity):  # computed by the expression
            value = {"value": value.value, "system": UCUM, "code": value.unit}
        if not isinstance(value, dict):
            return of_number(fhir_type, value)
        if fhir_type == "Range":
            return _range(key, value)
        if fhir_type == "SampledData":
            return _sampled(key, value)
        amount = number.decimal(value.get("value"))
        return () if amount is None else _rows(key, value, *_ends(amount, value.get("comparator")))

    return make


def predicate(
    parameter: Parameter,
    modifier: str | None,
    text: str,
    name: str,
    context: Context = ANYWHERE,  # noqa: ARG001  # a quantity is the same everywhere
) -> Predicate:
    """Return the predicate of ``[prefix]number``, ``[prefix]number|system|code`` or ``[prefix]number||code``."""
    if modifier is not None:
        raise unsupported(parameter, modifier, name)
    amount, *unit = (unescape(name, part) for part in split(text, "|"))
    prefix, asked = number.parse(parameter, amount, name)
    match unit:
        case []:
            return compare(parameter.key, prefix, *asked.spans())
        case ["", code] if code:
            return compare(parameter.key + CODE, prefix, *asked.spans(), f"{code}{SCOPE_END}")
        case [system, code] if code:
            measure = _measure(system, code, asked.value)
            if measure is None:
                return compare(parameter.key + UNIT, prefix, *asked.spans(), _literal(system, code))
            spans = asked.spans(lambda value: _scaled(value, measure))
            return compare(parameter.key + UNIT, prefix, *spans, _scope(code))
    raise Invalid(
        f"{name}: {text!r} is not a quantity (number, number|system|code or number||code).",
        expression=name,
    )


def sort(parameter: Parameter, descending: bool) -> Sort:
    """Return the order by unit, and within what can be compared by value."""
    return Sort("high" if descending else "low", parameter.key + UNIT, descending)


def _rows(key: str, unit: dict[str, Any], low: Decimal | None, high: Decimal | None, ends: Ends) -> list[Row]:
    """The rows of a range; ``ends`` are its ends as written, ``low`` and ``high`` its numbers, ``unit`` has its unit.

    Money has its currency as the unit.
    """
    currency = unit.get("currency")
    system = CURRENCIES if currency else unit.get("system", "")
    code, name = currency or unit.get("code", ""), unit.get("unit", "")
    start, end = ends
    found: list[Row] = [RangeRow(key, start, end)]
    for text in (code, name) if code != name else (code,):
        if text:
            scope = f"{text}{SCOPE_END}"
            found.append(RangeRow(key + CODE, scope + start, scope + end))
    if _measure(system, code, low, high) is None:
        scope = _literal(system, code or name)
    else:
        scope = _scope(code)
        start, end = _moved(start, low, code), _moved(end, high, code)
    found.append(RangeRow(key + UNIT, scope + start, scope + end))
    return found


def _ends(amount: Decimal, comparator: str | None) -> tuple[Decimal | None, Decimal | None, Ends]:
    before, after = around(amount)
    if comparator is None:
        return amount, amount, (before, after)
    has_low, has_high = _HAS_ENDS.get(comparator, (True, True))
    start = (after if comparator == ">" else before) if has_low else LOWEST
    end = (before if comparator == "<" else after) if has_high else HIGHEST
    return amount if has_low else None, amount if has_high else None, (start, end)


def _range(key: str, value: dict[str, Any]) -> list[Row]:
    lower, upper = value.get("low") or {}, value.get("high") or {}
    low, high = number.decimal(lower.get("value")), number.decimal(upper.get("value"))
    if low is None and high is None:
        return []
    ends = (LOWEST if low is None else below(low), HIGHEST if high is None else above(high))
    units = {(unit.get("system"), unit.get("code"), unit.get("unit")) for unit in (lower, upper) if "value" in unit}
    return _rows(key, (lower if low is not None else upper) if len(units) == 1 else {}, low, high, ends)


def _sampled(key: str, value: dict[str, Any]) -> list[Row]:
    """The rows of the bounds: of the data where there are any, otherwise the limits of what could be measured."""
    origin = value.get("origin") or {}
    offset = number.decimal(origin.get("value")) or Decimal()
    factor = number.decimal(value.get("factor")) or Decimal(1)
    found = [item for word in str(value.get("data", "")).split() if (item := number.decimal(word)) is not None]
    if found:
        bounds = sorted(offset + factor * item for item in (min(found), max(found)))
    else:
        limits = number.decimal(value.get("lowerLimit")), number.decimal(value.get("upperLimit"))
        bounds = [limit for limit in limits if limit is not None]
    return _rows(key, origin, bounds[0], bounds[-1], (below(bounds[0]), above(bounds[-1]))) if bounds else []


def _measure(system: str, code: str, *amounts: Decimal | None) -> Unit | None:
    """The UCUM unit by which amounts are compared, None where system and code are compared as they are written."""
    if system != UCUM or not code:
        return None
    if any(amount is not None and abs(amount.adjusted()) > MAX_MAGNITUDE for amount in amounts):
        return None
    return canonical(code)


def _scaled(value: Decimal, measure: Unit) -> Decimal:
    return as_decimal(Fraction(value) * measure.factor)


def _moved(end: str, value: Decimal | None, code: str) -> str:
    """An end in the base units of a code, on the same side of its number as before."""
    if value is None:
        return end
    before, after = _around_scaled(value, code)
    return before if end == below(value) else after


@lru_cache(maxsize=16_384)  # a percentage has few digits, and is asked for twice
def _around_scaled(value: Decimal, code: str) -> tuple[str, str]:
    return around(_scaled(value, _known(code)))


@lru_cache(maxsize=2048)
def _scope(code: str) -> str:
    return f"={unit_text(_known(code).dimension)}{SCOPE_END}"


def _known(code: str) -> Unit:
    measure = canonical(code)
    assert measure is not None  # noqa: S101  # only a code that has one is asked about
    return measure


def _literal(system: str, code: str) -> str:
    return f"{system}|{code}{SCOPE_END}"
