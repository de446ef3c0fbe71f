"""The snapshot of a profile: https://hl7.org/fhir/R5/profiling.html#snapshot.

All elements of the base type in its order, with what the chain of profiles says laid over them; where a profile walks
into a data type or into the profile of one, the elements of these follow, and after an element its slices.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition
from service.profiles.definition import place as places
from service.profiles.definition.element import Element
from service.profiles.definition.place import Place
from service.profiles.definition.problems import STRUCTURE
from service.profiles.definition.tree import Tree, Trees

Json: TypeAlias = dict[str, Any]


def snapshot(tree: Tree, trees: Trees) -> Json:
    """The StructureDefinition of a profile with its snapshot; texts that no profile gives are our own.

    The tree must be without errors.
    """
    start = places.root(tree.type)
    if start is None:
        raise KeyError(tree.type)
    kind = definitions.type_definition(tree.type)
    facts = {"min": 0, "max": "*", "base": {"path": tree.type, "min": 0, "max": "*"}}
    facts |= {"constraint": _constraints(kind.invariants, tree.type), "definition": f"{tree.type} of FHIR R5."}
    elements = [_entry(tree.root, tree.type, tree.type, facts)]
    elements += _Writer(trees).children(tree.root, tree.type, tree.type, start)
    return {**tree.definition, "snapshot": {"element": elements}}


class _Writer:
    def __init__(self, trees: Trees) -> None:
        self._trees = trees

    def children(self, owner: Element, path: str, id_: str, place: Place) -> list[Json]:
        found: list[Json] = []
        for name, base in places.elements(place).items():
            shown = base.path.rpartition(".")[2]
            element = owner.children.get(name) or Element("", "", name, base)
            found += self._one(element, base, place, f"{path}.{shown}", f"{id_}.{shown}")
        return found

    def _one(self, element: Element, base: ElementDefinition, place: Place, path: str, id_: str) -> list[Json]:
        entry = _entry(element, path, id_, _facts(base, place))
        _raise_minimum(entry, element, base)
        found = [entry]
        inner = self._profiled(element) if element.children else element
        code = (element.codes or places.codes(base))[0]
        below = places.below(place, base, code)
        backbone = base.path in definitions.type_definition(place.type).children
        if below is not None and (element.children or backbone):
            found += self.children(inner, path, id_, below)
        for name, slice_ in element.slices.items():
            joint = "/" if element.slice_name else ":"
            whole = _sliced(element, slice_)
            made = self._one(whole, base, place, path, f"{id_}{joint}{name}")
            made[0]["sliceName"] = slice_.slice_name
            found += [{key: made[0][key] for key in ("id", "path", "sliceName")} | made[0], *made[1:]]
        return found

    def _profiled(self, element: Element) -> Element:
        """The element over the root of the profile of its type, if there is but one."""
        profiles = [url for entry in element.types for url in entry.get("profile", ())]
        tree = self._trees.find(profiles[0]) if len(profiles) == 1 else None
        return _laid(tree.root, element) if tree else element


def _raise_minimum(entry: Json, element: Element, base: ElementDefinition) -> None:
    """Let a sliced element say what its slices imply: how often it occurs, and of what type a choice has to be."""
    needed = [slice_ for slice_ in element.slices.values() if slice_.min]
    if needed:
        entry["min"] = max(entry["min"], sum(slice_.min or 0 for slice_ in needed))
        if base.choice and needed[0].types:
            entry["type"] = needed[0].types


def _sliced(element: Element, slice_: Element) -> Element:
    """What holds for the items of a slice: what is said about all items, and what is said about the slice."""
    general = Element(element.id, element.path, element.name, element.base, None, dict(element.given))
    general.children, general.constraints = element.children, element.constraints
    general.given.pop("slicing", None)
    general.given["min"] = 0
    return _laid(general, slice_)


def _laid(below: Element, above: Element) -> Element:
    """A new tree of two, the second over the first."""
    laid = below.copy()
    laid.id, laid.path, laid.name, laid.base = above.id, above.path, above.name, above.base
    laid.slice_name = above.slice_name
    laid.merge({**above.given, "constraint": above.constraints}, "")
    for own, others in ((laid.children, above.children), (laid.slices, above.slices)):
        for name, other in others.items():
            own[name] = _laid(own[name], other) if name in own else other
    return laid


def _entry(element: Element, path: str, id_: str, facts: Json) -> Json:
    entry = {"id": id_, "path": path, **facts, **element.given}
    if "type" in element.given:
        entry.pop("contentReference", None)
    own = element.constraints
    keys = {constraint.get("key") for constraint in own}
    entry["constraint"] = [c for c in facts.get("constraint", ()) if c["key"] not in keys] + own
    return {name: value for name, value in entry.items() if value not in ([], None)}


@cache
def _facts(base: ElementDefinition, place: Place) -> Json:
    origin = _origin(base, place)
    facts: Json = {
        "definition": f"As {origin} of FHIR R5.",
        "min": base.min,
        "max": base.max,
        "base": {"path": origin, "min": base.min, "max": base.max},
        "type": [_type(ref.code, ref.targets, ref.profile) for ref in base.types],
        "constraint": _constraints(base.invariants, base.path),
        "isModifier": base.modifier,
        "isSummary": base.summary,
    }
    if base.modifier:
        facts["isModifierReason"] = f"As {origin} of FHIR R5."
    if base.content:
        facts["contentReference"] = f"{STRUCTURE}{place.type}#{base.content}"
    if base.strength and base.value_set:
        facts["binding"] = {"strength": base.strength, "valueSet": base.value_set}
    return facts


def _type(code: str, targets: tuple[str, ...], profile: str | None) -> Json:
    entry: Json = {"code": code}
    if profile:
        entry["profile"] = [STRUCTURE + profile]
    if targets:
        entry["targetProfile"] = [STRUCTURE + target for target in targets]
    return entry


def _origin(base: ElementDefinition, place: Place) -> str:
    """The path at which the element was first defined: ``Resource.id`` for ``Observation.id``."""
    kinds: tuple[str, ...] = ("BackboneElement", "Element")
    if place.path == place.type:
        kinds = definitions.ancestors(place.type)
    for kind in reversed(kinds):
        there = places.root(kind)
        if there and base.name in places.elements(there):
            return places.elements(there)[base.name].path
    return base.path


def _constraints(keys: tuple[str, ...], path: str) -> list[Json]:
    return [found for key in keys if (found := _constraint(key, path))]


@cache
def _constraint(key: str, path: str) -> Json | None:
    """The invariant of this key that is declared at the path, or else at a type that the element has."""
    known = [invariant for invariant in definitions.invariants() if invariant.key == key and invariant.expression]
    here = [invariant for invariant in known if path in invariant.paths] or known
    if not here:
        return None
    source = STRUCTURE + here[0].paths[0].partition(".")[0]
    shared = {"key": key, "severity": here[0].severity, "human": here[0].expression}
    return {**shared, "expression": here[0].expression, "source": source}
