"""The filters of a value set's compose: https://hl7.org/fhir/R5/codesystem-filter-operator.html.

A filter is a test of one code. Of a code that the system does not list, or lists without what the filter asks about,
the answer may be that it is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from service.errors import Unprocessable
from service.fhir.fhirpath.regex import RegexError, compile_regex
from service.terminology.code_system import Concept, System

Filter: TypeAlias = Callable[[str, Concept | None], bool | None]
"""Whether a code passes; the concept is None where the system does not list the code."""

OWN: Final = frozenset({"code", "concept"})
"""Properties that are the code itself."""
_LISTED: Final = frozenset({*OWN, "display"})
_RELATIONS: Final = frozenset({"parent", "child"})


def compile_filter(system: System, definition: Mapping[str, Any]) -> Filter:
    """Return the test of a filter; raises :class:`Unprocessable` for what is no filter."""
    name, op, value = (definition.get(part) for part in ("property", "op", "value"))
    if not (isinstance(name, str) and isinstance(op, str) and isinstance(value, str)):
        raise Unprocessable("A filter needs a property, an operator and a value.", code="invalid")
    if op in _HIERARCHICAL:
        return _hierarchical(system, name, op, value)
    if op == "not-in":
        inside = _comparing(system, name, _in(value))
        return lambda code, concept: None if (found := inside(code, concept)) is None else not found
    if op in _COMPARING:
        return _comparing(system, name, _COMPARING[op](value))
    if op == "exists":
        if value not in ("true", "false"):
            raise Unprocessable(f"exists is true or false, not {value!r}.", code="value")
        wanted = value == "true"
        return _known(system, name, lambda concept: bool(concept.values(name)) is wanted)
    raise Unprocessable(f"{op!r} is not a filter operator.", code="not-supported")


def _hierarchical(system: System, name: str, op: str, value: str) -> Filter:
    if name not in OWN:
        raise Unprocessable(f"{op} asks about a concept, not about {name!r}.", code="not-supported")
    chosen = _HIERARCHICAL[op](system, value)
    if system.hierarchy_known:
        return lambda code, _: (system.key(code) in chosen) is (op != "is-not-a")
    sure = system.key(value)
    answers = {"is-a": True, "generalizes": True, "is-not-a": False}

    def partly(code: str, concept: Concept | None) -> bool | None:
        del concept
        return answers.get(op, False) if system.key(code) == sure else None

    return partly


def _comparing(system: System, name: str, passes: Callable[[str], bool]) -> Filter:
    if name in OWN:
        return lambda code, _: passes(code)

    def test(concept: Concept) -> bool:
        return any(map(passes, concept.values(name)))

    if not system.properties_known and name not in {*_LISTED, *_RELATIONS}:
        # Not all properties are known, but those that are known are right.
        return lambda _, concept: True if concept is not None and test(concept) else None
    return _known(system, name, test)


def _known(system: System, name: str, test: Callable[[Concept], bool]) -> Filter:
    if not (system.hierarchy_known if name in _RELATIONS else system.properties_known or name in _LISTED):
        return lambda _, __: None
    return lambda _, concept: None if concept is None else test(concept)


def _keys(system: System, codes: frozenset[str] | set[str] | list[str]) -> frozenset[str]:
    return frozenset(map(system.key, codes))


def _leaves(system: System, code: str) -> frozenset[str]:
    return _keys(system, [each for each in system.below(code) if not system.concept(each).children])


_HIERARCHICAL: Final[Mapping[str, Callable[[System, str], frozenset[str]]]] = {
    "is-a": lambda system, code: _keys(system, {code, *system.below(code)}),
    "is-not-a": lambda system, code: _keys(system, {code, *system.below(code)}),
    "descendent-of": lambda system, code: _keys(system, system.below(code)),
    "descendent-leaf": _leaves,
    "generalizes": lambda system, code: _keys(system, {code, *system.above(code)}),
    "child-of": lambda system, code: _keys(system, system.concept(code).children),
}
"""Operator -> the codes that it names."""


def _listed(value: str) -> frozenset[str]:
    return frozenset(part.strip() for part in value.split(","))


def _in(value: str) -> Callable[[str], bool]:
    return _listed(value).__contains__


def _regex(value: str) -> Callable[[str], bool]:
    try:
        compile_regex(value, 0)
    except RegexError as problem:
        raise Unprocessable(str(problem), code="value") from None
    return lambda text: compile_regex(value, len(text)).fullmatch(text) is not None


_COMPARING: Final[Mapping[str, Callable[[str], Callable[[str], bool]]]] = {
    "=": lambda value: value.__eq__,
    "in": _in,
    "regex": _regex,
}
"""Operator -> the test of one of a property's values."""
