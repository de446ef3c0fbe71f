"""What is wrong with a StructureDefinition as such: https://hl7.org/fhir/R5/profiling.html#limitations.

A profile may only narrow what its base permits, at paths that the base has; slices need something that tells them
apart; a constraint has to be a FHIRPath expression that makes sense where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from service.errors import Issue
from service.fhir import fhirpath
from service.fhir.fhirpath import Hooks, PathError, PathNotSupported
from service.fhir.library import Library
from service.profiles.definition import place as places
from service.profiles.definition.element import Element
from service.profiles.definition.problems import problem
from service.profiles.definition.tree import NOT_FOUND, Tree, Trees
from service.profiles.profile import Profile

_STRENGTHS = ("example", "preferred", "extensible", "required")


def check_definition(definition: dict[str, Any], library: Library, *, well_formed: bool = False) -> list[Issue]:
    """Return what is wrong with a profile or extension that is about to be stored.

    A base that is not in the library yet is a warning: until it is there the profile cannot be used, and nothing else
    is known of it. New types (``derivation`` other than ``constraint``) are not checked. Never raises for its content,
    which may be known to be ``well_formed``: without an error by the base definitions.
    """
    if definition.get("derivation") != "constraint":
        return []
    trees = Trees(library)
    if well_formed:
        trees.trust(definition)
    tree = trees.of(definition)
    if tree.issues:
        return [replace(issue, severity="warning") if issue.code == NOT_FOUND else issue for issue in tree.issues]
    base = trees.find(str(definition.get("baseDefinition")))
    issues = list(_against_base(tree, base.root if base else None))
    issues += _repeated_ids(definition)
    issues += Profile(tree, trees, _HOOKS, eager=True).faults
    return issues


_HOOKS = Hooks(member_of=lambda *_: None, conforms_to=lambda *_: None, subsumes=lambda *_: None)
"""Functions that a constraint may call; none is called while it is only compiled."""


def _against_base(tree: Tree, base: Element | None) -> Iterator[Issue]:
    form = "differential" if "differential" in tree.definition else "snapshot"
    for element, narrowed in _pairs(tree.root, base):
        if element.index is None:
            continue
        there = f"StructureDefinition.{form}.element[{element.index}]"
        yield from _cardinality(element, narrowed, there)
        yield from _types(element, narrowed, there)
        yield from _binding(element, narrowed, there)
        yield from _expressions(element, tree, there)


def _pairs(element: Element, base: Element | None) -> Iterator[tuple[Element, Element | None]]:
    """Each element with what the base profile says about it."""
    yield element, base
    for mine, others in ((element.children, base and base.children), (element.slices, base and base.slices)):
        for name, child in mine.items():
            yield from _pairs(child, others.get(name) if others else None)


def _cardinality(element: Element, narrowed: Element | None, there: str) -> Iterator[Issue]:
    least, most = element.min, element.max
    base_least, base_most = _base_range(element, narrowed)
    if least is not None and least < base_least:
        yield problem(f"the minimum {least} is less than the base's {base_least}", there + ".min", rule="cardinality")
    wider = element.given.get("max") == "*" if most is None else base_most is not None and most > base_most
    if wider and base_most is not None:
        text = f"the maximum {element.given['max']} is more than the base's {base_most}"
        yield problem(text, there + ".max", rule="cardinality")
    if most is not None and most < max(least or 0, base_least):
        yield problem(f"the maximum {most} is less than the minimum", there + ".max", rule="cardinality")


def _base_range(element: Element, narrowed: Element | None) -> tuple[int, int | None]:
    base = element.base
    least = narrowed.min if narrowed else None
    most = narrowed.max if narrowed else None
    if base is None:
        return 0, most
    if least is None:
        least = 0 if element.slice_name else base.min
    return least, int(base.max) if most is None and base.max.isdecimal() else most


def _types(element: Element, narrowed: Element | None, there: str) -> Iterator[Issue]:
    if element.base is None or not element.base.types:
        return
    permitted = narrowed.codes if narrowed and narrowed.types else places.codes(element.base)
    for index, code in enumerate(element.codes):
        if code.startswith("http://hl7.org/fhirpath/System.") or any(places.is_a(code, p) for p in permitted):
            continue
        text = f"the type {code} is not among those of the base: {', '.join(permitted)}"
        yield problem(text, f"{there}.type[{index}].code", rule="type")


def _binding(element: Element, narrowed: Element | None, there: str) -> Iterator[Issue]:
    before = (narrowed.given.get("binding") or {}).get("strength") if narrowed else None
    before = before or (element.base.strength if element.base else None)
    own = (element.given.get("binding") or {}).get("strength")
    if before in _STRENGTHS and own in _STRENGTHS and _STRENGTHS.index(own) < _STRENGTHS.index(before):
        text = f"the binding is {own}, which is weaker than the base's {before}"
        yield problem(text, there + ".binding.strength", rule="binding")


def _expressions(element: Element, tree: Tree, there: str) -> Iterator[Issue]:
    own = [constraint for constraint in element.constraints if constraint.get("source") in (tree.url, None)]
    for index, constraint in enumerate(own):
        try:
            for kind in _contexts(element, tree):
                fhirpath.compile(str(constraint.get("expression", "true")), kind, hooks=_HOOKS)
        except (PathError, PathNotSupported) as wrong:
            where = f"{there}.constraint[{index}].expression"
            yield problem(f"{constraint.get('key')}: {wrong}", where, rule="invariant")


def _contexts(element: Element, tree: Tree) -> Sequence[str]:
    """The types that a constraint of the element is evaluated on."""
    if element.base is None:
        return [tree.type]
    if (
        element.base.path.count(".")
        and element.base.types
        and element.base.types[0].code in ("BackboneElement", "Element")
    ):
        return [element.base.path]
    if element.base.content:
        return [element.base.content]
    return [code for code in element.codes or places.codes(element.base) if places.root(code)]


def _repeated_ids(definition: dict[str, Any]) -> Iterator[Issue]:
    for form in ("differential", "snapshot"):
        listed = definition.get(form)
        seen: set[str] = set()
        for index, element in enumerate(listed.get("element", ()) if isinstance(listed, dict) else ()):
            id_ = element.get("id") if isinstance(element, dict) else None
            if isinstance(id_, str) and id_ in seen:
                there = f"StructureDefinition.{form}.element[{index}].id"
                yield problem(f"the id {id_} is that of another element", there, rule="id")
            seen.add(str(id_))
