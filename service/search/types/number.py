"""Number parameters (https://hl7.org/fhir/R5/search.html#number).

A number in a resource is a point; a number that is asked for has the precision to which it is written: ``100`` is
[99.5, 100.5), ``1e2`` has one significant figure and is [50, 150). Only equality and ``ap`` care; for the other
prefixes a value has "arbitrarily high precision".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Decimal
from decimal import Context as Arithmetic
from typing import Any, Final

from service.errors import Invalid
from service.search.parameters import Parameter
from service.search.query import Predicate, Sort
from service.search.rows import RangeRow, Row, above, around, below
from service.search.types.base import ANYWHERE, Context, Make, literal, unsupported
from service.search.types.ranges import Comparator, Span, comparator, compare

MODIFIERS: Final[frozenset[str]] = frozenset()
MODIFIED: Final[frozenset[str]] = frozenset()
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,100}(?:\.[0-9]{1,100})?(?:[eE][+-]?[0-9]{1,8})?")
_EXACT: Final = Arithmetic(prec=250, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""More digits than a number that is asked for can have, so that its precision is added without rounding."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A number that is asked for, and the half of its last digit's place."""

    value: Decimal
    half: Decimal

    def spans(self, scaled: Callable[[Decimal], Decimal] = lambda value: value) -> tuple[Span, Span, Span]:
        """The exact, the implicit and the approximate range, with ends in another unit where ``scaled`` says so."""
        value, margin = self.value, max(self.half, _EXACT.multiply(abs(self.value), Decimal("0.1")))
        least, greatest = _EXACT.subtract(value, self.half), _EXACT.add(value, self.half)
        near = scaled(_EXACT.subtract(value, margin)), scaled(_EXACT.add(value, margin))
        return (
            Span(below(scaled(value)), above(scaled(value))),
            Span(below(scaled(least)), below(scaled(greatest))),
            Span(below(near[0]), above(near[1])),
        )


def rows(parameter: Parameter) -> Make:
    """Return what makes the row of a decimal or integer."""
    key = parameter.key

    def make(_type: str, value: Any) -> tuple[Row, ...]:  # noqa: ANN401  # any JSON value
        number = decimal(value)
        return () if number is None else (RangeRow(key, *around(number)),)

    return make


def predicate(
    parameter: Parameter,
    modifier: str | None,
    text: str,
    name: str,
    context: Context = ANYWHERE,  # noqa: ARG001  # a number is the same everywhere
) -> Predicate:
    """Return the predicate of ``[prefix]number``."""
    if modifier is not None:
        raise unsupported(parameter, modifier, name)
    prefix, asked = parse(parameter, literal(name, text), name)
    return compare(parameter.key, prefix, *asked.spans())


def sort(parameter: Parameter, descending: bool) -> Sort:
    """Return the order by value."""
    return Sort("high" if descending else "low", parameter.key, descending)


def parse(parameter: Parameter, text: str, name: str) -> tuple[Comparator, Asked]:
    """Return prefix and number; raises :class:`Invalid`."""
    prefix, number = comparator(name, text, parameter.type, parameter.comparators)
    if _NUMBER.fullmatch(number) is None:
        raise Invalid(f"{name}: {number!r} is not a number, or has more than 100 digits.", expression=name)
    value = Decimal(number)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101  # the pattern has no infinity
    return prefix, Asked(value, _EXACT.scaleb(Decimal(5), exponent - 1))


def decimal(value: Any) -> Decimal | None:  # noqa: ANN401  # any JSON value
    """A number of JSON, or an integer64, which JSON has as a string; None for anything else."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    return None
