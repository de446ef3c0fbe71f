"""Index rows: what a store keeps of a resource so that it can be found.

There are two shapes for all search parameter types, both of plain text, so that every store orders and compares them
alike and no precision is lost on the way:

* a *term* has a value and a qualifier: a code and its system, a folded string and its original, a reference and its
  version, a URL;
* a *range* has a low and a high end in sortable text: a date at its precision, a number with its implicit precision.

Each belongs to a key: the resource type and the parameter, and where needed a form of it (``Evidence.value:mg``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

LOWEST: Final = ""
"""Sorts before every :func:`sortable` number: an open low end."""
HIGHEST: Final = "~"
"""Sorts after every :func:`sortable` number: an open high end."""

_NINES_COMPLEMENT: Final = str.maketrans("0123456789", "9876543210")
_EXPONENT_BIAS: Final = 5_000_000_000
"""More than half of what ten digits hold: a decimal of FHIR may have an exponent of nine digits."""


@dataclass(frozen=True, slots=True)
class TermRow:
    """A value with a qualifier, matched by ``Term``, ``Prefix`` and ``Contains``."""

    key: str
    value: str
    qualifier: str = ""


@dataclass(frozen=True, slots=True)
class RangeRow:
    """A range [low, high) or [low, high], as its search type decides, matched by ``Range``."""

    key: str
    low: str
    high: str


Row = TermRow | RangeRow


def sortable(number: Decimal | int) -> str:
    """Return text that sorts, byte by byte, as the numbers do; equal numbers give equal text.

    The text is a sign class (``1`` negative, ``2`` zero, ``3`` positive), the decimal exponent with a bias, and the
    digits without trailing zeros; for a negative number exponent and digits are complemented and closed with ``:``,
    which sorts after every digit.
    """
    sign, digits, exponent = Decimal(number).as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{number} is not finite")
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "2"
    magnitude = f"{len(text) + exponent + _EXPONENT_BIAS:010d}{text.rstrip('0')}"
    return f"1{magnitude.translate(_NINES_COMPLEMENT)}:" if sign else f"3{magnitude}"
