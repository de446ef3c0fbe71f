"""What can be read of a resource whose JSON does not have the form of FHIR: https://hl7.org/fhir/R5/json.html.

A value of the wrong form is an error where it stands. What depends on it (an invariant, a slice, a minimum) is judged
by what can be read: a primitive of another JSON type counts as what its text says, a single object where there may be
several as the only one; an array where there may be one value, or a value where an object belongs, is not read at all.
An element in which there is nothing to read is one that lacks its content; to the invariants of what is around it, it
does not exist.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from service.fhir.json import JsonNumber
from service.profiles.definition import place as places
from service.profiles.definition.place import Place
from service.profiles.rules.primitive import PRIMITIVES
from service.profiles.run import Object

_ABSENT: Final = object()
_INTEGERS: Final = frozenset(("integer", "positiveInt", "unsignedInt"))
_LONGEST_NUMBER: Final = 40
"""Characters: no number of FHIR has more, and longer ones make exact arithmetic slow."""


def readable(resource: Object) -> Object:
    """Return the resource as far as it can be read: itself if its form is right, else a copy that shares the rest.

    Items of an array that cannot be read become None, so that the places of the others stay what they are.
    """
    place = places.root(str(resource.get("resourceType")))
    return resource if place is None else _object(resource, place)


def without_empty(resource: Object) -> dict[int, Object]:
    """Return what each object is without the empty ones in it, by its identity; none for those that have none."""
    found: dict[int, Object] = {}
    _filled(resource, found)
    return found


def _filled(value: Any, found: dict[int, Object]) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, list):
        items = [_filled(item, found) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        kept = [None if item is _ABSENT else item for item in items]
        return kept if any(item is not None for item in kept) else _ABSENT
    if not isinstance(value, dict):
        return value
    changed = {name: new for name, held in value.items() if (new := _filled(held, found)) is not held}
    if changed:
        value_id = id(value)
        value = {name: held for name, held in {**value, **changed}.items() if held is not _ABSENT}
        found[value_id] = value
    return value or _ABSENT


def _object(value: Object, place: Place) -> Object:
    elements, choices = places.elements(place), places.typed_names(place)
    changed: Object = {}
    for name, held in value.items():
        element, code = choices.get(name) or (elements.get(name), None)
        if element is None or (element.choice and code is None):
            continue
        code = code or places.codes(element)[0]
        below = None if code in PRIMITIVES else places.below(place, element, code)
        read = _items(held, code, below) if element.repeats else _value(held, code, below)
        if read is not held:
            changed[name] = read
    if not changed:
        return value
    merged = {**value, **changed}
    return {name: held for name, held in merged.items() if held is not _ABSENT}


def _items(value: Any, code: str, below: Place | None) -> Any:  # noqa: ANN401  # any JSON value
    if type(value) is not list:
        only = _value(value, code, below)
        return only if only is _ABSENT else [only]
    read = [_value(item, code, below) for item in value]
    if all(new is old for new, old in zip(read, value, strict=True)) and value:
        return value
    items = [None if item is _ABSENT else item for item in read]
    return items if any(item is not None for item in items) else _ABSENT


def _value(value: Any, code: str, below: Place | None) -> Any:  # noqa: ANN401  # any JSON value
    if code in PRIMITIVES:
        return _ABSENT if isinstance(value, dict | list) else _primitive(value, code)
    if type(value) is not dict:
        return value if value is None else _ABSENT
    inner = places.root(str(value["resourceType"])) if "resourceType" in value else below
    return value if inner is None else _object(value, inner)


def _primitive(value: Any, code: str) -> Any:  # noqa: ANN401  # any JSON value
    """The value that the text of a primitive says, the value itself where it says none of this type."""
    if value is None:
        return value
    if code == "boolean":
        return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
    if code == "decimal" or code in _INTEGERS:
        return _number(value, code) if isinstance(value, str) and len(value) <= _LONGEST_NUMBER else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return value.lexeme if isinstance(value, JsonNumber) else str(value)
    return value


def _number(text: str, code: str) -> Any:  # noqa: ANN401  # any JSON value
    try:
        number = JsonNumber(text)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    if code == "decimal":
        return number
    return int(text) if text.removeprefix("-").isdecimal() else text
