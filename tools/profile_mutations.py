"""Single mutations that break a profile: https://hl7.org/fhir/R5/profiling.html.

What a profile demands of its elements beyond the base is broken element by element. Slices are left out: which item
belongs to which slice is what a validator has to find out, so that those mutations are written by hand
(``tests/cases/profiles``), as are those that break an invariant of a profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition
from service.fhir.library import Library
from service.profiles.definition.element import Element
from service.profiles.definition.tree import Trees
from tools.mutations import ABSENT, Json, Mutation, Spot, changed, children, spots

VALUES: Final[dict[str, Any]] = {
    "Annotation": {"text": "x"},
    "BackboneElement": {"extension": [{"url": "http://example.org/x", "valueBoolean": True}]},
    "CodeableConcept": {"text": "something else"},
    "Identifier": {"system": "http://example.org/i", "value": "x"},
    "Quantity": {"value": 1},
    "Range": {"low": {"value": 1}},
    "Reference": {"display": "x"},
    "RelatedArtifact": {"type": "citation", "label": "x"},
    "UsageContext": {
        "code": {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "focus"},
        "valueCodeableConcept": {"text": "x"},
    },
    "boolean": True,
    "canonical": "http://example.org/x",
    "date": "2020",
    "dateTime": "2020",
    "decimal": 1,
    "integer": 1,
    "markdown": "x",
    "string": "x",
    "uri": "http://example.org/x",
}
"""Type -> a value that is right as far as the base is concerned."""

_TARGET: Final = "wrong target for the profile"


def profile_mutations(resource: Json, canonical: str, library: Library) -> Iterator[Mutation]:
    """Return the mutations of a resource that conforms to a profile, of each kind one for each element."""
    tree = Trees(library).usable(canonical)
    if tree is None:
        raise LookupError(canonical)
    seen: set[tuple[str, str]] = set()
    by_path = {spot.path: spot for spot in spots(resource)}
    for kind, element, path, value, at in _element(tree.root, by_path[()], by_path):
        if (kind, element) not in seen:
            seen.add((kind, element))
            yield Mutation(kind, element, changed(resource, path, value), at)


def _element(
    element: Element, spot: Spot, by_path: dict[tuple[str | int, ...], Spot]
) -> Iterator[tuple[str, str, tuple[str | int, ...], object, str]]:
    """Kind, element, path, new value and place of each mutation of what an object has, and of what that has."""
    there = {base.path: (name, code, where) for name, base, code, where in children(spot)}
    for child in element.children.values():
        if child.base is None:
            continue
        if child.base.path not in there:
            if child.max == 0 and child.base.max != "0":
                yield from _prohibited(child.base, spot)
            continue
        name, code, where = there[child.base.path]
        held = spot.value[name]
        listed = isinstance(held, list)
        path = (*spot.path, name)
        if child.min and not child.base.min and len(spot.value) > 1:
            yield "element dropped", child.base.path, path, ABSENT, f"{spot.where}.{child.name}"
        if child.max == 1 and child.base.repeats:
            yield "one too many for the profile", child.base.path, path, [*held, *held], where
        items = [((*path, index), f"{where}[{index}]") for index in range(len(held))] if listed else [(path, where)]
        for item_path, item_where in items:
            for kind, value in _values(child, child.base, code):
                at = f"{item_where}.reference" if kind == _TARGET else item_where
                yield kind, child.base.path, item_path, value, at
            if item_path in by_path:
                yield from _element(child, by_path[item_path], by_path)
        yield from _other_type(child, child.base, spot, name)


def _prohibited(base: ElementDefinition, spot: Spot) -> Iterator[tuple[str, str, tuple[str | int, ...], object, str]]:
    name, value = next(
        ((name, VALUES[ref.code]) for name, ref in base.json_names.items() if ref and ref.code in VALUES), ("", None)
    )
    if value is not None:
        made = [value] if base.repeats else value
        yield "prohibited element", base.path, (*spot.path, name), made, f"{spot.where}.{base.name}"


def _values(element: Element, base: ElementDefinition, code: str) -> Iterator[tuple[str, object]]:
    """What the base allows and the profile does not."""
    fixed = element.fixed("fixed") or element.fixed("pattern")
    if fixed and code == "code":
        known = definitions.required_value_sets().get(base.value_set or "")
        others = sorted(known.codes - {fixed[1]}) if known else ["other"]
        yield "not what is fixed", others[0]
    elif fixed and code in VALUES and code != "BackboneElement":
        yield "not what is fixed", VALUES[code]
    binding = element.given.get("binding")
    required = isinstance(binding, dict) and binding.get("strength") == "required"
    if required and code in ("CodeableConcept", "Coding"):
        coding = {"system": "http://example.org/codes", "code": "x"}
        yield "not of the value set", coding if code == "Coding" else {"coding": [coding]}
    if code == "Reference":
        targets = {str(t).rpartition("/")[2] for kind in element.types for t in kind.get("targetProfile", ())}
        allowed = next((ref.targets for ref in base.types if ref.code == code), ()) or definitions.resource_types()
        wrong = next((each for each in allowed if targets and each in definitions.resource_types()), None)
        if wrong and not _reaches(element, wrong):
            yield _TARGET, {"reference": f"{wrong}/x"}


def _reaches(element: Element, type_name: str) -> bool:
    """Whether a profile of this type, or the type itself, may be among the targets."""
    targets = [str(t) for kind in element.types for t in kind.get("targetProfile", ())]
    return any(t.endswith(f"/{type_name}") or not t.startswith("http://hl7.org/fhir/") for t in targets)


def _other_type(
    child: Element, base: ElementDefinition, spot: Spot, name: str
) -> Iterator[tuple[str, str, tuple[str | int, ...], object, str]]:
    if not base.choice or not child.types:
        return
    for other, ref in base.json_names.items():
        if ref and ref.code not in child.codes and ref.code in VALUES:
            value = {key: held for key, held in spot.value.items() if key not in (name, f"_{name}")}
            where = f"{spot.where}.{base.name}.ofType({ref.code})"
            yield "type that the profile leaves out", base.path, spot.path, {**value, other: VALUES[ref.code]}, where
            return
