"""Numbers as papers print them.

A figure keeps its text: ``1.00`` stays ``1.00``, all the way into the JSON. It is either a number, perhaps with a
comparator (``<0.001``, ``>90``), or absent for a stated reason (``NE`` not estimable, ``NR`` not reached, ``NA``
not applicable, ``Not reported``), never an invented number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from service.registry.codes import ABSENT, AbsentStatus

Comparator = Literal["<", "<=", ">=", ">"]

_MIDDLE_DOTS: Final = str.maketrans({"\u00b7": ".", "\u2219": ".", "\u22c5": "."})
_SIGNS: Final = str.maketrans({"\u2212": "-", "\u2264": "≤", "\u2265": "≥"})
_COMPARATORS: Final[dict[str, Comparator]] = {"<": "<", "<=": "<=", "≤": "<=", ">": ">", ">=": ">=", "≥": ">="}
_SPELLINGS: Final[dict[str, str]] = {
    **{code.casefold(): code for code in ABSENT},
    **{status.display.casefold(): code for code, status in ABSENT.items()},
}
_FIGURE: Final = re.compile(r"(?P<comparator><=|>=|[<>≤≥])?\s*(?P<number>-?[0-9]+(?:\.[0-9]+)?)\Z")
_COMMA: Final = re.compile(r"(-?[0-9]+),([0-9]+)\Z")
_MAX_DIGITS: Final = 30


@dataclass(frozen=True, slots=True)
class Number:
    """A number with the digits that were printed."""

    text: str
    comparator: Comparator | None = None

    @property
    def decimal(self) -> Decimal:
        """The number, with its printed precision."""
        return Decimal(self.text)


@dataclass(frozen=True, slots=True)
class Absent:
    """No number, and why; ``code`` is a key of ``codes.ABSENT``."""

    code: str

    @property
    def status(self) -> AbsentStatus:
        """How the reason is coded."""
        return ABSENT[self.code]


Figure = Number | Absent


def parse_figure(text: str) -> Figure:
    """The figure that ``text`` prints; ValueError, with words for a data manager, where it is none."""
    cell = text.strip().translate(_SIGNS)
    if (code := _SPELLINGS.get(cell.casefold())) is not None:
        return Absent(code)
    cell = cell.translate(_MIDDLE_DOTS)
    head = cell.lstrip("<>=≤≥ ")
    if (comma := _COMMA.match(head)) is not None:
        if len(comma[2]) == 3:
            raise ValueError(f"{text!r} is ambiguous: write a decimal point, and no separator of thousands")
        cell = cell.replace(",", ".")
    match = _FIGURE.match(cell)
    if match is None:
        raise ValueError(f"{text!r} is neither a number nor one of {', '.join(ABSENT)}")
    number = match["number"]
    if len(number) > _MAX_DIGITS:
        raise ValueError(f"{text[:_MAX_DIGITS]!r}... has more than {_MAX_DIGITS} characters")
    return Number(number, _COMPARATORS[match["comparator"]] if match["comparator"] else None)


def parse_number(text: str) -> Number:
    """A number, with a comparator or without; ValueError where it is absent."""
    figure = parse_figure(text)
    if isinstance(figure, Absent):
        raise ValueError(f"{text!r} is not a number")
    return figure


def parse_count(text: str) -> int:
    """A whole number that is not negative."""
    cell = text.strip()
    if not re.fullmatch(r"[0-9]{1,9}", cell, re.ASCII):
        raise ValueError(f"{text!r} is not a whole number")
    return int(cell)
