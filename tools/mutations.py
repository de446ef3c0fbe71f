"""Single mutations of a resource: each makes it wrong in one way, at a place that is known.

The mutations of this module break what FHIR itself demands (https://hl7.org/fhir/R5/validation.html), those of
:mod:`tools.profile_mutations` what a profile does. They are the same at every run. A mutated resource shares with the
original all that is not changed, so it must not be changed in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition
from service.fhir.json import JsonNumber
from service.profiles.definition import place as places
from service.profiles.definition.place import Place
from tools.mutated_objects import NESTED, mutated_object, only_an_id

Json = dict[str, Any]
Path = tuple[str | int, ...]

MALFORMED: Final[dict[str, Any]] = {
    "base64Binary": "a",
    "canonical": "a b",
    "code": " a",
    "date": "2023-02-30",
    "dateTime": "2023-02-30",
    "decimal": "1.0",
    "id": "a b",
    "instant": "2023-02-03",
    "integer": JsonNumber("1.5"),
    "integer64": 5,
    "markdown": "",
    "oid": "urn:oid:9.1",
    "positiveInt": 0,
    "string": "",
    "time": "25:00:00",
    "unsignedInt": -1,
    "uri": "a b",
    "url": "a b",
    "uuid": "urn:uuid:1",
    "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml"><p>open</div>',
}
"""Primitive type -> a value that it cannot have."""

UNUSUAL: Final = ("Basic", "Linkage", "VerificationResult", "TestReport")
"""Types of resources to which hardly any reference may point."""

WRONG_CODE: Final = "no-such-code"
ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Mutation:
    """A resource with one change: its kind, the element that was changed, and the place where that is an error."""

    kind: str
    element: str
    resource: Json
    at: str


@dataclass(frozen=True, slots=True)
class Spot:
    """An object in a resource: its path in the JSON, its FHIRPath, and where its children are defined."""

    path: Path
    where: str
    value: Json
    place: Place


def mutations(resource: Json) -> Iterator[Mutation]:
    """Return the mutations of a valid resource, of each kind one for each element that it has."""
    seen: set[tuple[str, str]] = set()
    for spot in spots(resource):
        for kind, element, name, value, at in _changes(spot):
            if (kind, element) not in seen:
                seen.add((kind, element))
                yield Mutation(kind, element, changed(resource, (*spot.path, name), value), at)
        if only_an_id(spot.place) and ("ele-1", "Element") not in seen:
            seen.add(("ele-1", "Element"))
            yield Mutation("ele-1", "Element", changed(resource, spot.path, {"id": "only"}), spot.where)
        for kind, value, below in mutated_object(spot.place, spot.value):
            if (kind, spot.place.path) not in seen:
                seen.add((kind, spot.place.path))
                made = changed(resource, spot.path, value)
                yield Mutation(kind, spot.place.path, made, spot.where + below)
    for kind, inner, below in NESTED if "contained" in places.elements(_root(resource)) else ():
        made = changed(resource, ("contained",), [*resource.get("contained", ()), inner])
        position = len(resource.get("contained", ()))
        yield Mutation(kind, "DomainResource.contained", made, resource["resourceType"] + below.format(position))


def spots(resource: Json, path: Path = (), where: str = "") -> Iterator[Spot]:
    """Every object of a resource, the resources in it included, outermost first."""
    yield from _spots(Spot(path, where or resource["resourceType"], resource, _root(resource)))


def children(spot: Spot) -> Iterator[tuple[str, ElementDefinition, str, str]]:
    """What an object has: its name in JSON, its element, its type and its FHIRPath, without an index."""
    choices = places.typed_names(spot.place)
    elements = places.elements(spot.place)
    for name in spot.value:
        if name in choices:
            element, code = choices[name]
            yield name, element, code, f"{spot.where}.{element.name}.ofType({code})"
        elif name in elements:
            yield name, elements[name], places.codes(elements[name])[0], f"{spot.where}.{name}"


def changed(resource: Json, path: Path, value: object) -> Json:
    """The resource with another value at a path, or none where it is ABSENT."""
    return _changed(resource, path, value)  # type: ignore[no-any-return]  # an object stays one


def _changed(owner: Any, path: Path, value: object) -> Any:  # noqa: ANN401  # any JSON value
    if not path:
        return value
    first, *rest = path
    if isinstance(first, int):
        return [*owner[:first], _changed(owner[first], tuple(rest), value), *owner[first + 1 :]]
    if not rest and value is ABSENT:
        return {name: held for name, held in owner.items() if name not in (first, f"_{first}")}
    return {**owner, first: _changed(owner.get(first), tuple(rest), value)}


def _root(resource: Json) -> Place:
    return Place(resource["resourceType"], resource["resourceType"])


def _spots(spot: Spot) -> Iterator[Spot]:
    yield spot
    for name, element, code, where in children(spot):
        held = spot.value[name]
        listed = isinstance(held, list)
        for index, item in enumerate(held if listed else [held]):
            if not isinstance(item, dict):
                continue
            path = (*spot.path, name, index) if listed else (*spot.path, name)
            there = f"{where}[{index}]" if listed else where
            if places.is_a(code, "Resource"):
                yield from spots(item, path, there)
            elif below := places.below(spot.place, element, code):
                yield from _spots(Spot(path, there, item, below))


def _changes(spot: Spot) -> Iterator[tuple[str, str, str, object, str]]:
    """Kind, element, name of the property, its new value, and where that is an error."""
    yield "unknown element", spot.place.path, "unheardOf", "x", f"{spot.where}.unheardOf"
    for name, element, code, where in children(spot):
        held = spot.value[name]
        item = held[0] if isinstance(held, list) and held else held
        first = f"{where}[0]" if isinstance(held, list) else where
        if element.min and len(spot.value) > (1 if spot.path else 2):
            yield "required element dropped", element.path, name, ABSENT, f"{spot.where}.{element.name}"
        if element.max == "1":
            yield "one too many", element.path, name, [held, held], where
        if element.choice:
            yield from _other_type(spot, name, element)
        others = held[1:] if isinstance(held, list) else None
        for kind, value, at in _values(element, code, item, first):
            yield kind, element.path, name, value if others is None else [value, *others], at


def _other_type(spot: Spot, name: str, element: ElementDefinition) -> Iterator[tuple[str, str, str, object, str]]:
    other = next(
        (each for each in ("valueBoolean", "valueString") if each in element.json_names and each != name), None
    )
    if other:
        value = True if other == "valueBoolean" else "x"
        yield "two types of one choice", element.path, other, value, f"{spot.where}.{element.name}"
    unheard = next((code for code in ("Narrative", "Meta") if element.name + code not in element.json_names), None)
    if unheard:
        made = element.name + unheard
        yield "type that a choice lacks", element.path, made, {"status": "empty"}, f"{spot.where}.{made}"


def _values(element: ElementDefinition, code: str, item: object, where: str) -> Iterator[tuple[str, object, str]]:
    """Wrong values in place of one that is right."""
    if item is None or places.is_a(code, "Resource"):
        return
    yield "wrong type", ("x" if isinstance(item, dict | int | Decimal) else 5), where
    if code in MALFORMED and not isinstance(item, dict):
        yield "malformed primitive", MALFORMED[code], where
    if element.strength == "required":
        yield from _wrong_code(element, item, where)
    if isinstance(item, dict) and isinstance(item.get("reference"), str):
        targets = next((ref.targets for ref in element.types if ref.code == code), ())
        wrong = next((name for name in UNUSUAL if targets and name not in targets), None)
        if wrong and not {"Resource", "Any"} & set(targets):
            yield "wrong target", {"reference": f"{wrong}/x"}, f"{where}.reference"
        yield "contained resource that is not there", {"reference": "#nothing"}, where
    elif code == "canonical":
        yield "contained resource that is not there", "#nothing", where


def _wrong_code(element: ElementDefinition, item: object, where: str) -> Iterator[tuple[str, object, str]]:
    known = definitions.required_value_sets().get(element.value_set or "")
    if known is None or known.open is not None:
        return
    match item:
        case str():
            yield "wrong code", WRONG_CODE, where
        case {"coding": [{"system": system}]}:
            yield "wrong code", {"coding": [{"system": system, "code": WRONG_CODE}]}, where
        case {"system": system, "code": _}:
            yield "wrong code", {"system": system, "code": WRONG_CODE}, where
