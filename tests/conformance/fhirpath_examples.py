"""The official examples as the tests of FHIRPath read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from service.fhir import definitions
from service.fhir.definitions import Invariant, SearchParameter
from service.fhir.fhirpath import Node, children, model
from service.fhir.json import parse
from tests.conformance.packages import resource_files

MAX_BYTES = 40_000
"""Larger examples are mostly generated definitions: they take most of the time and show little that is new."""


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and resource of the small examples."""
    small = [path for path in resource_files("hl7.fhir.r5.examples") if path.stat().st_size <= MAX_BYTES]
    for path in small:
        yield path.name, parse(path.read_bytes()).data


def parameters_of(resource_type: str) -> list[SearchParameter]:
    """The search parameters of a type that have an expression."""
    found = definitions.search_parameters_for(resource_type).values()
    return [parameter for parameter in found if parameter.expression is not None]


def _declared() -> dict[str, list[Invariant]]:
    found: dict[str, list[Invariant]] = {}
    for invariant in definitions.invariants():
        for path in invariant.paths:
            found.setdefault(path.removesuffix("[x]"), []).append(invariant)
    return found


DECLARED: Final = _declared()


def elements(
    node: Node, resource: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[tuple[Node, dict[str, Any], dict[str, Any], str]]:
    """Every element with the resource that it is in, the root of that, and the path where it is declared."""
    yield node, resource, root, path
    for child in children(node):
        if model.is_resource(child.type):
            yield from elements(child, child.value, root if child.name == "contained" else child.value, "")
        else:
            yield from elements(child, resource, root, f"{node.type}.{child.name}")


def rules(node: Node, path: str) -> dict[tuple[str, str], Invariant]:
    """The invariants of an element: those of its type and of its path, each once."""
    places = (path, *model.supertypes(node.type))
    return {(rule.key, rule.expression): rule for place in places for rule in DECLARED.get(place, ())}
