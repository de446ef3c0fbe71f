"""Quantity parameters: numbers with a unit (https://hl7.org/fhir/R5/search.html#quantity).

A quantity has three forms: its number alone, under the parameter's key; its number within a unit as it is written
(code or unit), under ``:code``; and its number within a system and code, under ``:unit``. There, and only there, UCUM
is reduced to base units, so that 0.005 g is 5 mg. The unit is the scope of the range: the beginning of both its ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from service.errors import Invalid
from service.fhir.fhirpath import Quantity
from service.fhir.fhirpath.node import MAX_MAGNITUDE, UCUM
from service.fhir.fhirpath.quantity import as_decimal
from service.fhir.fhirpath.units import Unit, canonical, unit_text
from service.search.escaping import split, unescape
from service.search.parameters import Parameter
from service.search.query import Predicate, Sort
from service.search.rows import HIGHEST, LOWEST, RangeRow, Row, above, below
from service.search.types import number
from service.search.types.base import ANYWHERE, Context, unsupported
from service.search.types.ranges import SCOPE_END, Span, compare

MODIFIERS: Final[frozenset[str]] = frozenset()
MODIFIED: Final[frozenset[str]] = frozenset()
CODE: Final = ":code"
UNIT: Final = ":unit"
CURRENCIES: Final = "urn:iso:std:iso:4217"
_ENDS: Final = {"<": (False, True), "<=": (False, True), ">": (True, False), ">=": (True, False), "ad": (True, False)}
"""Comparator of a Quantity -> whether its range has a low and a high end; ``ad`` is enough to reach the value."""


def rows(parameter: Parameter, fhir_type: str, value: Any) -> Iterator[Row]:  # noqa: ANN401  # any JSON value
    """Yield the rows of a Quantity, Money, Range or SampledData, or of a plain number."""
    if isinstance(value, Quantity):  # computed by the expression
        value = {"value": value.value, "system": UCUM, "code": value.unit}
    if not isinstance(value, dict):
        yield from number.rows(parameter, fhir_type, value)
    elif fhir_type == "Range":
        yield from _range(parameter.key, value)
    elif fhir_type == "SampledData":
        yield from _sampled(parameter.key, value)
    else:
        amount = number.decimal(value.get("value"))
        if amount is not None:
            yield from _rows(parameter.key, value, *_ends(amount, amount, value.get("comparator", "")))


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
            return compare(parameter.key + UNIT, prefix, *spans, _scope(measure))
    raise Invalid(
        f"{name}: {text!r} is not a quantity (number, number|system|code or number||code).",
        expression=name,
    )


def sort(parameter: Parameter, descending: bool) -> Sort:
    """Return the order by unit, and within what can be compared by value."""
    return Sort("high" if descending else "low", parameter.key + UNIT, descending)


def _rows(key: str, unit: dict[str, Any], low: Decimal | None, high: Decimal | None, ends: Span) -> Iterator[Row]:
    """The rows of a range; ``ends`` are its ends as written, ``low`` and ``high`` its numbers, ``unit`` has its unit.

    Money has its currency as the unit.
    """
    currency = unit.get("currency")
    system = CURRENCIES if currency else unit.get("system", "")
    code = currency or unit.get("code", "")
    yield RangeRow(key, ends.low, ends.high)
    for text in dict.fromkeys((code, unit.get("unit", ""))):
        if text:
            scope = f"{text}{SCOPE_END}"
            yield RangeRow(key + CODE, scope + ends.low, scope + ends.high)
    measure = _measure(system, code, low, high)
    if measure is None:
        scope = _literal(system, code or unit.get("unit", ""))
    else:
        scope = _scope(measure)
        ends = Span(_moved(ends.low, low, measure), _moved(ends.high, high, measure))
    yield RangeRow(key + UNIT, scope + ends.low, scope + ends.high)


def _ends(low: Decimal, high: Decimal, comparator: str) -> tuple[Decimal | None, Decimal | None, Span]:
    has_low, has_high = _ENDS.get(comparator, (True, True))
    start = (above(low) if comparator == ">" else below(low)) if has_low else LOWEST
    end = (below(high) if comparator == "<" else above(high)) if has_high else HIGHEST
    return low if has_low else None, high if has_high else None, Span(start, end)


def _range(key: str, value: dict[str, Any]) -> Iterator[Row]:
    lower, upper = value.get("low") or {}, value.get("high") or {}
    low, high = number.decimal(lower.get("value")), number.decimal(upper.get("value"))
    if low is None and high is None:
        return
    ends = Span(LOWEST if low is None else below(low), HIGHEST if high is None else above(high))
    units = {(unit.get("system"), unit.get("code"), unit.get("unit")) for unit in (lower, upper) if "value" in unit}
    yield from _rows(key, (lower if low is not None else upper) if len(units) == 1 else {}, low, high, ends)


def _sampled(key: str, value: dict[str, Any]) -> Iterator[Row]:
    """The bounds of the values: of the data where there are any, otherwise the limits of what could be measured."""
    origin = value.get("origin") or {}
    offset = number.decimal(origin.get("value")) or Decimal()
    factor = number.decimal(value.get("factor")) or Decimal(1)
    found = [item for word in str(value.get("data", "")).split() if (item := number.decimal(word)) is not None]
    if found:
        bounds = sorted(offset + factor * item for item in (min(found), max(found)))
    else:
        limits = number.decimal(value.get("lowerLimit")), number.decimal(value.get("upperLimit"))
        bounds = [limit for limit in limits if limit is not None]
    if bounds:
        yield from _rows(key, origin, bounds[0], bounds[-1], Span(below(bounds[0]), above(bounds[-1])))


def _measure(system: str, code: str, *amounts: Decimal | None) -> Unit | None:
    """The UCUM unit by which amounts are compared, None where system and code are compared as they are written."""
    if system != UCUM or not code:
        return None
    if any(amount is not None and abs(amount.adjusted()) > MAX_MAGNITUDE for amount in amounts):
        return None
    return canonical(code)


def _scaled(value: Decimal, measure: Unit) -> Decimal:
    return as_decimal(Fraction(value) * measure.factor)


def _moved(end: str, value: Decimal | None, measure: Unit) -> str:
    """An end in base units, on the same side of its number as before."""
    if value is None:
        return end
    scaled = _scaled(value, measure)
    return below(scaled) if end == below(value) else above(scaled)


def _scope(measure: Unit) -> str:
    return f"={unit_text(measure.dimension)}{SCOPE_END}"


def _literal(system: str, code: str) -> str:
    return f"{system}|{code}{SCOPE_END}"
