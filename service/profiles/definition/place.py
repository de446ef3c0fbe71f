"""Where the children of an element are defined: https://hl7.org/fhir/R5/elementdefinition.html#path.

Below an element of a data type the data type's elements follow, below a backbone element its own, below a content
reference those of the element that it names. A profile may walk into any of them.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition


class Place(NamedTuple):
    """A type, and the path in its definition whose children are meant."""

    type: str
    path: str


@cache
def root(type_name: str) -> Place | None:
    """The place of a type's own elements, None if R5 has no such type."""
    if type_name not in definitions.type_names():
        return None
    return Place(type_name, definitions.type_definition(type_name).root or type_name)


@cache
def elements(place: Place) -> dict[str, ElementDefinition]:
    """Name, without ``[x]`` -> element."""
    found = definitions.type_definition(place.type).children.get(place.path, ())
    return {element.name: element for element in found}


@cache
def typed_names(place: Place) -> dict[str, tuple[ElementDefinition, str]]:
    """``valueQuantity`` -> the choice element and the type, for all choices at this place."""
    return {
        name: (element, ref.code)
        for element in elements(place).values()
        if element.choice
        for name, ref in element.json_names.items()
        if ref is not None
    }


def below(place: Place, element: ElementDefinition, code: str) -> Place | None:
    """The place of the children of an element that is of the type ``code``; None for a type that R5 does not have."""
    if element.content:
        return Place(place.type, element.content)
    if element.path in definitions.type_definition(place.type).children:
        return Place(place.type, element.path)
    return root(code)


def codes(element: ElementDefinition) -> tuple[str, ...]:
    """The types that an element may have; a content reference is a backbone element."""
    return tuple(ref.code for ref in element.types) or ("BackboneElement",)


@cache
def is_a(type_name: str, ancestor: str) -> bool:
    """Whether a type is another, or specialises it."""
    known = type_name in definitions.type_names()
    return type_name == ancestor or (known and ancestor in definitions.ancestors(type_name))
