"""The parts of a search parameter's expression.

https://hl7.org/fhir/R5/searchparameter-definitions.html#SearchParameter.expression
Many expressions are unions over several resource types (``Patient.birthDate | RelatedPerson.birthDate``). For one type
only the parts that can find something in it are compiled and kept, each with what its element says about its values.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition
from service.fhir.fhirpath import EvaluationError, Expression, compile  # noqa: A004  # its name everywhere

Found: TypeAlias = list[tuple[str, list[Any]]]
"""FHIR types, each with JSON values of it."""

_log: Final = logging.getLogger(__name__)
_STEP: Final = re.compile(r"\.?([A-Za-z]\w*)(\((?:[^()]|\([^()]*\))*\))?")
_GRAMMAR_SYSTEMS: Final = {"language": "urn:ietf:bcp:47", "mime": "urn:ietf:bcp:13"}


@dataclass(frozen=True, slots=True)
class Source:
    """One part: its expression, the types that its values can have, and the code system of a plain code in it."""

    expression: Expression
    types: frozenset[str]
    implied_system: str = ""

    def typed(self, resource: dict[str, Any]) -> list[tuple[str, Any]]:
        """Type and value of all that is found; nothing where the expression cannot be evaluated on the resource.

        A parameter that fails must not keep a valid resource out of the registry, but it is said that it does.
        """
        try:
            return self.expression.typed(resource)
        except EvaluationError as problem:
            _log.warning("%s finds nothing in %s: %s", self.expression.text, resource.get("id"), problem)
            return []

    def within(self, value: Any, fhir_type: str) -> list[tuple[str, Any]]:  # noqa: ANN401  # any JSON value
        """The same, starting from an element."""
        try:
            return self.expression.typed_within(value, fhir_type)
        except EvaluationError as problem:
            _log.warning("%s finds nothing in a %s: %s", self.expression.text, fhir_type, problem)
            return []


def found_in(resource: dict[str, Any], parts: Iterable[Source]) -> Found:
    """What all parts of an expression find in a resource."""
    return [(fhir_type, [value]) for source in parts for fhir_type, value in source.typed(resource)]


def found_within(value: Any, fhir_type: str, parts: Iterable[Source]) -> Found:  # noqa: ANN401  # any JSON value
    """What all parts of an expression find in an element."""
    return [(kind, [held]) for source in parts for kind, held in source.within(value, fhir_type)]


@lru_cache(maxsize=16_384)  # users define parameters, of which there is no end
def sources(expression: str, root: str) -> tuple[Source, ...]:
    """The parts of an expression that can find something in resources of the root type, or elements of a type."""
    found = []
    for part in alternatives(expression):
        compiled = compile(part, root)
        if not compiled.static.empty:
            types = compiled.static.types or frozenset()
            found.append(Source(compiled, types, implied_system(part, root) if "code" in types else ""))
    return tuple(found)


def alternatives(expression: str) -> list[str]:
    """The parts of a union at the top level of an expression."""
    parts: list[str] = [""]
    depth, quote = 0, ""
    for character in expression:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'`":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "|" and not depth:
            parts.append("")
            continue
        parts[-1] += character
    return [part.strip() for part in parts]


def implied_system(path: str, root: str) -> str:
    """The system that the required binding of a ``code`` element implies, empty if there is not exactly one."""
    element = _element(path.strip("() "), root)
    if element is None or element.strength != "required" or element.value_set is None:
        return ""
    codes = definitions.required_codes(element.value_set)
    if codes.open is not None:
        return _GRAMMAR_SYSTEMS.get(codes.open, "")
    return next(iter(codes.systems)) if len(codes.systems) == 1 else ""


def _element(path: str, root: str) -> ElementDefinition | None:
    """The definition of the element that a path of plain steps and filters leads to."""
    owner, place, element = root.partition(".")[0], root, None
    for number, step in enumerate(_STEP.finditer(path)):
        name, call = step[1], step[2]
        if call is not None or (number == 0 and name[0].isupper()):
            continue  # a filter picks elements, it does not lead to others
        element = _child(owner, place, name)
        if element is None:
            return None
        kind = element.types[0].code if element.types else ""
        if element.content:
            place = element.content
        elif element.path in definitions.type_definition(owner).children:
            place = element.path
        else:
            owner = place = kind
    return element


def _child(owner: str, place: str, name: str) -> ElementDefinition | None:
    if owner not in definitions.type_names():
        return None
    by_path = definitions.type_definition(owner).by_path
    return by_path.get(f"{place}.{name}") or by_path.get(f"{place}.{name}[x]")
