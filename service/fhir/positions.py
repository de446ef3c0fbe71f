"""From the FHIRPath location of an issue to the place in the text (https://hl7.org/fhir/R5/json.html).

Only what lies on the way to a place is looked at, and each object once; so a file without problems costs nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from service.fhir.json import Extent, elements, members

_STEP: Final = re.compile(r"\.?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\[(?P<index>\d+)\])?(?:\.ofType\((?P<type>\w+)\))?")
_LINE: Final = re.compile(r"\n|\r\n?")
EXCERPT: Final = 100
"""Characters of a line that are shown at the most."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a text: its line and column, both from 1, and what stands around it in that line."""

    line: int
    column: int
    excerpt: str


class Positions:
    """The places of one JSON text, which must be whole; ``line`` is the number of its first line."""

    def __init__(self, text: str, line: int = 1) -> None:
        self._text = text
        self._line = line
        self._members: dict[int, dict[str, Extent]] = {}
        self._elements: dict[int, list[int]] = {}

    def place(self, location: str) -> Place:
        """Return where an element stands, or what is nearest above it where the text does not have it."""
        return self._at(self._offset(location))

    def _offset(self, location: str) -> int:
        start = self._text.find("{")
        best = max(start, 0)
        steps = list(_STEP.finditer(location))[1:]  # the first is the type of the resource
        for step in steps if start >= 0 else ():
            found = self._find(start, step)
            if found is None:
                break
            best, start, _ = found
            if step["index"] is not None:
                items = self._items(start)
                if int(step["index"]) >= len(items):
                    break
                best = start = items[int(step["index"])]
        return best

    def _find(self, start: int, step: re.Match[str]) -> Extent | None:
        """Return where a property is, in an object that begins at ``start``."""
        if not self._text.startswith("{", start):
            return None
        if start not in self._members:
            self._members[start] = members(self._text, start)
        inside = self._members[start]
        name, type_ = step["name"], step["type"] or ""
        choice = name + type_[:1].upper() + type_[1:]
        for key in (choice, name, f"_{choice}", f"_{name}"):
            if key in inside:
                return inside[key]
        return None

    def _items(self, start: int) -> list[int]:
        if start not in self._elements:
            self._elements[start] = elements(self._text, start) if self._text.startswith("[", start) else []
        return self._elements[start]

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE.finditer(self._text))]

    def _at(self, offset: int) -> Place:
        number = bisect_right(self._starts, offset) - 1
        column = offset - self._starts[number]
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._text)
        line = self._text[self._starts[number] : end].rstrip()
        begin = max(0, column - EXCERPT // 3) if len(line) > EXCERPT else 0
        return Place(self._line + number, column + 1, line[begin : begin + EXCERPT].strip())
