"""The tree of the resource (https://hl7.org/fhirpath/#tree-navigation)."""

from __future__ import annotations

from typing import Final

from service.fhir.fhirpath.context import limited
from service.fhir.fhirpath.node import Collection, children
from service.fhir.fhirpath.registry import of_collection
from service.fhir.fhirpath.static import Static

_UNORDERED: Final = Static(None, ordered=False)


def _children(focus: Collection) -> Collection:
    return [child for node in focus for child in children(node)]


def _descendants(focus: Collection) -> Collection:
    found: Collection = []
    level = _children(focus)
    while level:
        found = limited(found + level)
        level = _children(level)
    return found


FUNCTIONS: Final = {
    "children": of_collection(_children, lambda _input: _UNORDERED),
    "descendants": of_collection(_descendants, lambda _input: _UNORDERED),
}
