"""Which search parameters there are for a type, from the derived tables.

This release answers ``_id``, ``_lastUpdated``, ``identifier`` and ``status``; a parameter that is not answered is not
in the capability statement, and asking for it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from service.fhir import definitions

RESOURCE: Final = "Resource"
_ANSWERED: Final = frozenset({"_id", "_lastUpdated", "identifier", "status"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter as one resource type has it.

    ``paths`` are the element paths, below the resource, that are indexed under ``key``; ``implied_system`` is the code
    system of a plain ``code`` element, which a required binding fixes.
    """

    code: str
    type: definitions.SearchType
    url: str
    key: str
    paths: tuple[tuple[str, ...], ...] = ()
    implied_system: str = ""


@cache
def parameters_for(type_: str) -> Mapping[str, Parameter]:
    """Code -> parameter for a resource type, or for ``Resource``: those that every type has."""
    found = definitions.search_parameters_for(type_)
    return {code: _parameter(type_, found[code]) for code in sorted(_ANSWERED & found.keys())}


def _parameter(type_: str, definition: definitions.SearchParameter) -> Parameter:
    key = f"{type_}.{definition.code}"
    if definition.code.startswith("_"):
        return Parameter(definition.code, definition.type, definition.url, key)
    paths = tuple(
        tuple(parts[1:])
        for alternative in (definition.expression or "").split("|")
        if (parts := alternative.strip().split("."))[0] == type_
    )
    return Parameter(definition.code, definition.type, definition.url, key, paths, _implied_system(type_, paths))


def _implied_system(type_: str, paths: tuple[tuple[str, ...], ...]) -> str:
    elements = definitions.type_definition(type_).by_path
    for path in paths:
        element = elements.get(".".join((type_, *path)))
        if element and element.value_set and element.strength == "required" and element.types[0].code == "code":
            systems = definitions.required_codes(element.value_set).systems
            if len(systems) == 1:
                return next(iter(systems))
    return ""
