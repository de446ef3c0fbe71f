"""Lays a differential, or a snapshot, over the tree of its base.

https://hl7.org/fhir/R5/elementdefinition.html#id: ``Observation.component:systolic.value[x]:valueQuantity.code``.
Without ids, an element belongs to the slices that were opened above it, as in a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from service.fhir import definitions
from service.profiles.definition import place as places
from service.profiles.definition.element import Element
from service.profiles.definition.place import Place

Segment: TypeAlias = tuple[str, tuple[str, ...]]
"""The name of an element, and the slice, the slice of this slice, and so on."""


class UnknownPath(Exception):  # it is caught a few lines away
    """An element that the base does not have: the text says which."""


def segments(element: dict[str, Any], before: list[Segment]) -> list[Segment]:
    """The segments of an element's id; where it has none or a wrong one, from its path and the element ``before``."""
    path = str(element.get("path", "")).split(".")
    parts = str(element.get("id", "")).split(".")
    if len(parts) == len(path) and all(_agrees(part, name) for part, name in zip(parts, path, strict=True)):
        found = [_segment(part) for part in parts]
    else:
        found = [(name, ()) for name in path]
        for index in range(len(path) - 1):
            if index >= len(before) or before[index][0] != path[index]:
                break
            found[index] = before[index]
    slices = str(element.get("sliceName", "")).split("/")
    if slices != [""] and not found[-1][1]:
        found[-1] = (found[-1][0], tuple(slices))
    return found


def _agrees(part: str, name: str) -> bool:
    stem = part.partition(":")[0]
    return stem == name or stem.removesuffix("[x]") == name.removesuffix("[x]") or stem.endswith("[x]")


def _segment(part: str) -> Segment:
    name, _, slices = part.partition(":")
    return name, tuple(slices.split("/")) if slices else ()


class Overlay:
    """Adds the elements of one profile after the other to a tree; ``profile_type`` tells the type of a profile."""

    def __init__(self, root: Element, type_name: str, profile_type: Any) -> None:  # noqa: ANN401
        self.root = root
        self._type = type_name
        self._profile_type = profile_type

    def add(self, properties: dict[str, Any], found: list[Segment], source: str, index: int | None) -> None:
        """Add one element; raises :class:`UnknownPath`."""
        element = self.root
        standing = self._places(element, None)
        for name, slices in found[1:]:
            owner, here = element, standing
            element = self._child(owner, name, slices, here)
            standing = [below for place in here for below in self._places(element, place)]
        element.merge(properties, source)
        if index is not None:
            element.index = index

    def _places(self, element: Element, place: Place | None) -> list[Place]:
        """Where the children of an element may be defined."""
        if place is None or element.base is None:
            start = places.root(self._type)
            return [start] if start else []
        own = places.elements(place).get(element.name)
        if own is None:
            return []
        codes = list(element.codes or places.codes(own))
        if "Resource" in codes or "DomainResource" in codes:
            narrowed = [self._profile_type(url) for entry in element.types for url in entry.get("profile", ())]
            codes = [code for code in narrowed if code] or codes
        found = (places.below(place, own, code) for code in codes)
        return list(dict.fromkeys(there for there in found if there))

    def _child(self, owner: Element, name: str, slices: tuple[str, ...], here: list[Place]) -> Element:
        stem, implied = name.removesuffix("[x]"), None
        base = next((e for place in here if (e := places.elements(place).get(stem)) is not None), None)
        if base is None:
            typed = next((t for place in here if (t := places.typed_names(place).get(name)) is not None), None)
            if typed is None:
                kinds = " or ".join(sorted({place.path for place in here})) or owner.path
                raise UnknownPath(f"{kinds} has no element {name}")
            base, implied = typed
            if slices[:1] != (name,):
                slices = (name, *slices)
        shown = base.path.rpartition(".")[2]
        element = owner.children.get(base.name)
        if implied and element and element.codes == (implied,) and name not in element.slices:
            return element  # the only type left, so nothing is sliced
        if element is None:
            path = f"{owner.path}.{shown}"
            element = owner.children[base.name] = Element(f"{owner.id}.{shown}", path, base.name, base)
        for depth, slice_name in enumerate(slices):
            element = _slice(element, slice_name, implied if depth == 0 else None, here)
        return element


def _slice(element: Element, slice_name: str, implied: str | None, here: Iterable[Place]) -> Element:
    found = element.slices.get(slice_name)
    if found is None:
        joint = "/" if element.slice_name else ":"
        full = f"{element.slice_name}/{slice_name}" if element.slice_name else slice_name
        found = Element(f"{element.id}{joint}{slice_name}", element.path, element.name, element.base, full)
        if element.base is not None and element.base.choice:
            typed = (places.typed_names(place).get(slice_name) for place in here)
            code = implied or next((entry[1] for entry in typed if entry), None)
            if code and code in definitions.type_names():
                found.given["type"] = [{"code": code}]
        element.slices[slice_name] = found
    return found
