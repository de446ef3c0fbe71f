"""What a profile looks at: one value of an element, with its type and its place in the resource."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition
from service.profiles.definition import place as places
from service.profiles.definition.place import Place
from service.profiles.rules.primitive import PRIMITIVES
from service.profiles.run import SINGLE, Object, Where


class Item:
    """One value of an element.

    ``value`` is the JSON value, None for a primitive that has only extensions; ``beside`` are these and the id of a
    primitive, as they stand in the property with the underscore. ``type`` is the type's name, for a resource that which
    it gives itself; ``place`` tells where its children are defined, None if nowhere.
    """

    __slots__ = ("beside", "place", "type", "value", "where")

    def __init__(self, value: Any, beside: Object | None, where: Where, type_name: str, place: Place | None) -> None:  # noqa: ANN401
        self.value = value
        self.beside = beside
        self.where = where
        self.type = type_name
        self.place = place

    @property
    def holder(self) -> Object | None:
        """The JSON object that has the item's properties, None if there is none."""
        return self.value if isinstance(self.value, dict) else self.beside


Reader: TypeAlias = Callable[[Object, Where], list[Item]]
"""The items of an element: the object that has them, and its location."""

_Kind: TypeAlias = "tuple[str, str, Place | None, bool]"
"""The name in locations, the type, the place of its children, whether it is the property beside a value."""


def of_resource(resource: Object, where: Where) -> Item:
    """The item of a resource."""
    name = resource.get("resourceType")
    known = isinstance(name, str) and name in definitions.type_names()
    return Item(resource, None, where, str(name), places.root(str(name)) if known else None)


@cache
def reader(place: Place, name: str) -> Reader | None:
    """The reader of the element of this name (without ``[x]``); None if the place has none."""
    element = places.elements(place).get(name)
    if element is None:
        return None
    if element.choice:
        return _choice(_kinds(place, element))
    code = places.codes(element)[0]
    below = places.below(place, element, code)
    if code in PRIMITIVES:
        read = _primitives if element.repeats else _primitive
        return read(name, code, below)
    return _objects(name, code, below) if element.repeats else _object(name, code, below)


def _kinds(place: Place, element: ElementDefinition) -> dict[str, _Kind]:
    kinds: dict[str, _Kind] = {}
    for name, ref in element.json_names.items():
        if ref is not None:
            shown = f"{element.name}.ofType({ref.code})"
            kinds[name] = (shown, ref.code, places.below(place, element, ref.code), False)
            if ref.code in PRIMITIVES:
                kinds["_" + name] = (*kinds[name][:3], True)
    return kinds


def _choice(kinds: dict[str, _Kind]) -> Reader:
    def read(owner: Object, where: Where) -> list[Item]:
        for name in owner:
            kind = kinds.get(name)
            if kind is None:
                continue
            shown, code, below, is_beside = kind
            value = owner[name[1:]] if is_beside and name[1:] in owner else None if is_beside else owner[name]
            beside = owner.get(name if is_beside else "_" + name)
            return [Item(value, beside if isinstance(beside, dict) else None, (where, shown, SINGLE), code, below)]
        return []

    return read


def _object(name: str, code: str, below: Place | None) -> Reader:
    def read(owner: Object, where: Where) -> list[Item]:
        value = owner.get(name)
        if type(value) is not dict:
            return []
        if "resourceType" in value:
            return [of_resource(value, (where, name, SINGLE))]
        return [Item(value, None, (where, name, SINGLE), code, below)]

    return read


def _objects(name: str, code: str, below: Place | None) -> Reader:
    def read(owner: Object, where: Where) -> list[Item]:
        values = owner.get(name)
        if type(values) is not list:
            return []
        if name == "contained":
            return [of_resource(v, (where, name, index)) for index, v in enumerate(values) if type(v) is dict]
        return [Item(v, None, (where, name, index), code, below) for index, v in enumerate(values) if type(v) is dict]

    return read


def _primitive(name: str, code: str, below: Place | None) -> Reader:
    shadow = "_" + name

    def read(owner: Object, where: Where) -> list[Item]:
        value, beside = owner.get(name), owner.get(shadow)
        if value is None and beside is None:
            return []
        return [Item(value, beside if type(beside) is dict else None, (where, name, SINGLE), code, below)]

    return read


def _primitives(name: str, code: str, below: Place | None) -> Reader:
    shadow = "_" + name

    def read(owner: Object, where: Where) -> list[Item]:
        values, shadows = owner.get(name), owner.get(shadow)
        values = values if type(values) is list else []
        shadows = shadows if type(shadows) is list else []
        items = []
        for index in range(max(len(values), len(shadows))):
            value = values[index] if index < len(values) else None
            beside = shadows[index] if index < len(shadows) else None
            items.append(Item(value, beside if type(beside) is dict else None, (where, name, index), code, below))
        return items

    return read
