"""Index rows: what a store keeps of a resource so that it can be found.

There are three shapes for all search parameter types, all of plain text, so that every store orders and compares them
alike and no precision is lost on the way:

* a *term* has a value and a qualifier: a code and its system, a folded string and its original, a reference and its
  version, a URL;
* a *range* has a low and a high end in sortable text: a date at its precision, a number, a span of quantities;
* *words* are only ever asked for whole, one by one, and have no order, so that a store may keep many of them at little
  cost: the words of a text, the system of a code, that there is a value at all.

Each belongs to a key: the resource type and the parameter, and where needed a form of it (``Evidence.value:unit``).
Rows of a composite parameter also have a part: the number of the element that they come from, so that its components
can be asked of one and the same element. All other rows have part 0; words have no parts, and a key of
words has no terms.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from service.fhir.json import JsonNumber

LOWEST: Final = ""
"""Sorts before every :func:`sortable` number: an open low end."""
HIGHEST: Final = "~"
"""Sorts after every :func:`sortable` number: an open high end."""

COMPONENT: Final = "$"
"""In the key of a component of a composite, which has no order."""

_NINES_COMPLEMENT: Final = str.maketrans("0123456789", "9876543210")
_ABOVE: Final = "!"
"""Sorts before every digit, so it stays below the digits of a number that goes on where another one ends."""
_EXPONENT_BIAS: Final = 5_000_000_000
"""More than half of what ten digits hold: a decimal of FHIR may have an exponent of nine digits."""


class TermRow(msgspec.Struct, frozen=True, gc=False):
    """A value with a qualifier, matched by ``Term``, ``Prefix`` and ``Contains``."""

    key: str
    value: str
    qualifier: str = ""
    part: int = 0


class RangeRow(msgspec.Struct, frozen=True, gc=False):
    """A range [low, high) between two ends in sortable text, matched by ``Range``."""

    key: str
    low: str
    high: str
    part: int = 0


class WordsRow(msgspec.Struct, frozen=True, gc=False):
    """Words, each matched by ``Word``; an empty one is a word as any other."""

    key: str
    words: tuple[str, ...]


Row = TermRow | RangeRow | WordsRow


def sortable(number: Decimal | int) -> str:
    """Return text that sorts, byte by byte, as the numbers do; equal numbers give equal text.

    The text is a sign class (``1`` negative, ``2`` zero, ``3`` positive), the decimal exponent with a bias, and the
    digits without trailing zeros; for a negative number exponent and digits are complemented and closed with ``:``,
    which sorts after every digit.
    """
    if type(number) is JsonNumber:  # always finite, and its text is known by its hash at once
        return _sortable_lexeme(number.lexeme)
    if isinstance(number, Decimal) and not number.is_finite():
        raise ValueError(f"{number} is not finite")
    return _sortable(number)


@lru_cache(maxsize=16_384)
def _sortable_lexeme(lexeme: str) -> str:
    return _sortable(Decimal(lexeme))


@lru_cache(maxsize=16_384)
def _sortable(number: Decimal | int) -> str:
    sign, digits, exponent = Decimal(number).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "2"
    magnitude = f"{len(text) + int(exponent) + _EXPONENT_BIAS:010d}{text.rstrip('0')}"
    return f"1{magnitude.translate(_NINES_COMPLEMENT)}:" if sign else f"3{magnitude}"


def around(number: Decimal | int) -> tuple[str, str]:
    """The cuts just below and just above a number: the ends of the range that has it alone."""
    text = sortable(number)
    return text, text + _ABOVE


def below(number: Decimal | int) -> str:
    """The cut just below a number, as an end of a range: the low end of a range that includes it."""
    return sortable(number)


def above(number: Decimal | int) -> str:
    """The cut just above a number: the high end of a range that includes it, before the cut below any greater one."""
    return sortable(number) + _ABOVE
