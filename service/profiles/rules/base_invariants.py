"""The invariants of the base definitions, from the tables of R5.

``ext-1``, ``ele-1``, ``dom-3``, ``txt-1`` and ``txt-2`` have rules of their own, which can say what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition
from service.fhir.fhirpath import model
from service.profiles.rules import contained, extension, narrative
from service.profiles.rules.invariant import Constraint, Judge, compile_constraints, compile_judge, element_node
from service.profiles.rules.plain import PLAIN
from service.profiles.run import SINGLE, Object, ObjectRule, Run, Where

CONTENT: Final = "ele-1"
"""The key of the invariant that every element has a value or children."""

_NATIVE: Final = frozenset((CONTENT, extension.RULE, contained.RULE, *narrative.RULES))

_NARRATIVE_RECOMMENDED: Final = "dom-6"
"""A recommendation for resources that stand on their own: contained ones are described by their container."""


@cache
def _declared() -> Mapping[str, tuple[Constraint, ...]]:
    """Path, without ``[x]`` -> the invariants that are declared there."""
    found: dict[str, list[Constraint]] = {}
    for invariant in definitions.invariants():
        for path in invariant.paths:
            source = f"http://hl7.org/fhir/StructureDefinition/{path.partition('.')[0]}"
            constraint = Constraint(invariant.key, invariant.severity, "", invariant.expression, source)
            found.setdefault(path.removesuffix("[x]"), []).append(constraint)
    return {path: tuple(constraints) for path, constraints in found.items()}


def constraints_at(*places: str) -> tuple[Constraint, ...]:
    """All invariants at several places, types or paths; one that is declared again in a narrower type counts once."""
    found: dict[tuple[str, str], Constraint] = {}
    for place in places:
        for constraint in _declared().get(place.removesuffix("[x]"), ()):
            found.setdefault((constraint.key, constraint.expression), constraint)
    return tuple(found.values())


def of_type(type_name: str, path: str | None) -> list[ObjectRule]:
    """The invariants of a type and all that it specialises, or of the backbone element with this path."""
    name = path or type_name
    places = (name, *sorted(model.supertypes(name) - {name}))
    wanted = [constraint for constraint in constraints_at(*places) if constraint.key not in _NATIVE]
    recommended = [constraint for constraint in wanted if constraint.key == _NARRATIVE_RECOMMENDED]
    wanted = [constraint for constraint in wanted if constraint.key != _NARRATIVE_RECOMMENDED]
    rules = [_unless_contained(compile_constraints(recommended, name))] if recommended else []
    if wanted:
        rules.append(_unless_plain(name, compile_constraints(wanted, name)))
    return rules


def _unless_plain(name: str, rule: ObjectRule) -> ObjectRule:
    plain = PLAIN.get(name)
    if plain is None:
        return rule

    def check(value: Object, where: Where, run: Run) -> None:
        if not plain(run.filled.get(id(value), value) if run.filled else value):
            rule(value, where, run)

    return check


def _unless_contained(rule: ObjectRule) -> ObjectRule:
    def check(value: Object, where: Where, run: Run) -> None:
        if run.resource is run.container:
            rule(value, where, run)

    return check


def of_element(element: ElementDefinition, type_name: str) -> list[ObjectRule]:
    """The invariants that an element has besides those of its type, which it need not be a backbone element for."""
    wanted = [constraint for constraint in constraints_at(element.path) if constraint.key not in _NATIVE]
    return [compile_constraints(wanted, type_name)] if wanted else []


def of_primitives(elements: Iterable[ElementDefinition]) -> list[ObjectRule]:
    """The invariants of the elements of an object that are primitive."""
    rules: list[ObjectRule] = []
    for element in elements:
        wanted = [constraint for constraint in constraints_at(element.path) if constraint.key not in _NATIVE]
        for name, ref in element.json_names.items() if wanted else ():
            if ref is not None and model.is_primitive(ref.code):
                judges = [compile_judge(constraint, ref.code) for constraint in wanted]
                shown = f"{element.name}.ofType({ref.code})" if element.choice else name
                rules.append(_values_of(name, shown, ref.code, judges))
    return rules


def _values_of(name: str, shown: str, type_name: str, judges: list[Judge]) -> ObjectRule:
    """Decide about every value of a primitive element that does not repeat, or each of one that does."""
    shadow = "_" + name

    def check(owner: Object, where: Where, run: Run) -> None:
        if name not in owner and shadow not in owner:
            return
        for value, extra, index in _pairs(owner.get(name), owner.get(shadow)):
            if isinstance(value, dict | list) or (value is None and not isinstance(extra, dict)):
                continue  # reported as a matter of structure
            node = element_node(value, type_name, extra)
            for judge in judges:
                judge(node, (where, shown, index), run)

    return check


def _pairs(value: Any, extra: Any) -> Iterable[tuple[Any, Any, int]]:  # noqa: ANN401  # JSON values
    if not isinstance(value, list) and not isinstance(extra, list):
        yield value, extra, SINGLE
        return
    values = value if isinstance(value, list) else []
    extras = extra if isinstance(extra, list) else []
    for index in range(max(len(values), len(extras))):
        yield (
            values[index] if index < len(values) else None,
            extras[index] if index < len(extras) else None,
            index,
        )
