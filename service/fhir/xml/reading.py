"""XML to JSON: https://hl7.org/fhir/R5/xml.html.

What is not XML of a resource is refused with its place and line: an element or attribute that the type does not have,
elements out of order, a value on what is no primitive. Whether the resource is a valid one is for the validator.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from service.errors import Invalid, Issue
from service.fhir import definitions
from service.fhir.definitions import ElementDefinition, TypeReference
from service.fhir.json import JsonNumber
from service.fhir.xml.shape import NUMBERS, RESOURCE, Place, elements, is_primitive, place_of
from service.fhir.xml.tree import Element, parse

Json = dict[str, Any]

# Attributes of other namespaces are expanded: the only one that FHIR lets pass says where a schema is.
_SCHEMA_LOCATION: Final = "http://www.w3.org/2001/XMLSchema-instance schemaLocation"
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,9})?")
_ELEMENT: Final = ("Element", "Element")


def from_xml(body: bytes) -> Json:
    """Return the resource of an XML document as JSON.

    Raises :class:`Invalid` with the FHIRPath location and the line of what is wrong, and
    :class:`~service.errors.TooLarge` where it is nested too deeply.
    """
    root = parse(body)
    return _resource(root, root.name)


@cache
def _table(place: Place) -> dict[str, tuple[int, ElementDefinition, TypeReference | None]]:
    """XML name -> its place in the order, the definition and the type of an element."""
    return {
        name: (number, element, ref)
        for number, element in enumerate(elements(place))
        if not element.attribute
        for name, ref in element.json_names.items()
    }


@cache
def _attribute_names(place: Place) -> frozenset[str]:
    return frozenset(element.name for element in elements(place) if element.attribute)


def _resource(node: Element, where: str) -> Json:
    if node.name not in definitions.resource_types():
        raise _problem(f"R5 has no resource type {node.name!r}", where, node)
    return {"resourceType": node.name, **_object(node, (node.name, node.name), where)}


def _object(node: Element, place: Place, where: str) -> Json:
    found: Json = _attributes(node, place, where)
    table = _table(place)
    order = -1
    for child in node.children:
        known = table.get(child.name)
        if known is None:
            raise _problem(f"{child.name!r} is not known in {place[1]}", where, child)
        number, element, ref = known
        if number < order:
            raise _problem(f"{child.name!r} is out of order", f"{where}.{child.name}", child)
        order = number
        _keep(found, child, element, ref, place, f"{where}.{child.name}")
    return found


def _keep(
    found: Json, child: Element, element: ElementDefinition, ref: TypeReference | None, place: Place, where: str
) -> None:
    name = child.name
    repeats = element.repeats
    if name in found or "_" + name in found:
        if not repeats:
            raise _problem(f"{name!r} occurs at most once", where, child)
        where = f"{where}[{len(found.get(name) or found['_' + name])}]"
    elif repeats:
        where = f"{where}[0]"
    if ref is not None and is_primitive(ref.code):
        value = _value(child, ref.code, where)
        beside = _object(child, _ELEMENT, where) or None
        if value is None and beside is None:
            raise _problem(f"{name!r} has neither a value nor an extension", where, child)
        _keep_primitive(found, name, value, beside, repeats=repeats)
        return
    item: Any
    if ref is not None and ref.code == "xhtml":
        if child.source is None:
            raise _problem("a narrative is an XHTML div", where, child)
        item = child.source
    elif ref is not None and ref.code == RESOURCE:
        if child.attributes or len(child.children) != 1:
            raise _problem(f"{name!r} holds exactly one resource", where, child)
        item = _resource(child.children[0], where)
    else:
        item = _object(child, place_of(place, element, ref), where)
    if repeats:
        found.setdefault(name, []).append(item)
    else:
        found[name] = item


def _keep_primitive(found: Json, name: str, value: object, beside: Json | None, *, repeats: bool) -> None:
    """Keep a value and what stands beside it; two lists of the same length where either has anything."""
    if not repeats:
        found.update({key: item for key, item in ((name, value), ("_" + name, beside)) if item is not None})
        return
    known = len(found.get(name) or found.get("_" + name) or ())
    for key, item in ((name, value), ("_" + name, beside)):
        if item is not None and key not in found:
            found[key] = [None] * known
        if key in found:
            found[key].append(item)


def _value(node: Element, type_: str, where: str) -> object:
    text = node.attributes.get("value")
    if text is None:
        return None
    if type_ in NUMBERS:
        if _NUMBER.fullmatch(text) is None:
            raise _problem(f"{text[:40]!r} is no number", where, node)
        return int(text) if text.lstrip("-").isdigit() and len(text) < 19 and text != "-0" else JsonNumber(text)
    if type_ == "boolean":
        if text not in ("true", "false"):
            raise _problem(f"{text[:40]!r} is neither true nor false", where, node)
        return text == "true"
    return text


def _attributes(node: Element, place: Place, where: str) -> Json:
    if node.source is not None:
        raise _problem("a narrative's div belongs into a text", where, node)
    found = {}
    for name, value in node.attributes.items():
        if name in _attribute_names(place):
            found[name] = value
        elif not (name == _SCHEMA_LOCATION or (name == "value" and place == _ELEMENT)):
            raise _problem(f"the attribute {name.rpartition(' ')[2]!r} is not known here", where, node)
    return found


def _problem(text: str, where: str, node: Element) -> Invalid:
    return Invalid([Issue("error", "structure", f"The XML is no resource: {text} (line {node.line}).", (where,))])
