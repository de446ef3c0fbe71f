"""What both directions know of the format: where the definition of an element's content is, and what is a primitive."""

from __future__ import annotations

from functools import cache
from typing import Final

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition, TypeReference

FHIR: Final = "http://hl7.org/fhir"
XHTML: Final = "http://www.w3.org/1999/xhtml"
NUMBERS: Final = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})
"""The primitive types that are numbers in JSON; an integer64 is a string there."""
RESOURCE: Final = "Resource"

Place = tuple[str, str]
"""A type, and the path in it of the element whose children are meant: the type itself or a backbone element."""


@cache
def elements(place: Place) -> tuple[ElementDefinition, ...]:
    """Return the elements directly below a place, in the order of the format."""
    type_, path = place
    definition = definitions.type_definition(type_)
    return definition.children[definition.root if path == type_ else path]


@cache
def is_primitive(type_: str) -> bool:
    """Whether this is a primitive type, whose value is an attribute in XML; ``xhtml`` is none here."""
    return type_ != "xhtml" and definitions.type_definition(type_).kind == "primitive-type"


def place_of(place: Place, element: ElementDefinition, ref: TypeReference | None) -> Place:
    """Return where the children of an element are defined that is no primitive and no resource."""
    type_ = place[0]
    if ref is None:
        return type_, element.content or ""
    if element.path in definitions.type_definition(type_).children:
        return type_, element.path
    return ref.code, ref.code
