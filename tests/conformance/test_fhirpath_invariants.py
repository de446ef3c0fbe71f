"""All base invariants on the official examples: which fail, and which cannot be evaluated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from service.fhir import definitions, fhirpath
from service.fhir.definitions import Invariant
from service.fhir.fhirpath import EvaluationError, Hooks, Node, children, model
from service.fhir.fhirpath.context import boolean
from tests.conformance.fhirpath_examples import examples

HOOKS = Hooks(member_of=lambda _node, _value_set: None)

FAILING = {"ele-1": 1, "que-2": 21, "sdf-27": 10}
"""Invariant of severity error -> how many of the small examples break it, all of them truly: ele-1 is an identifier
with nothing but an id, que-2 a linkId that is used twice, sdf-27 a base without a derivation."""

NOT_EVALUATED = {"eld-11"}
"""``type.code.contains(':')`` takes a single code, and an element may have several types."""


def _declared() -> dict[str, list[Invariant]]:
    found: dict[str, list[Invariant]] = {}
    for invariant in definitions.invariants():
        for path in invariant.paths:
            found.setdefault(path.removesuffix("[x]"), []).append(invariant)
    return found


DECLARED = _declared()


def _elements(
    node: Node, resource: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[tuple[Node, dict[str, Any], dict[str, Any], str]]:
    """Every element with the resource that it is in, the root of that, and the path where it is declared."""
    yield node, resource, root, path
    for child in children(node):
        if model.is_resource(child.type):
            yield from _elements(child, child.value, root if child.name == "contained" else child.value, "")
        else:
            yield from _elements(child, resource, root, f"{node.type}.{child.name}")


def _rules(node: Node, path: str) -> dict[tuple[str, str], Invariant]:
    places = (path, *model.supertypes(node.type))
    return {(rule.key, rule.expression): rule for place in places for rule in DECLARED.get(place, ())}


def test_exactly_the_invalid_examples_break_an_invariant() -> None:
    """Every invariant on every element: with its fast form and with nodes, and both agree."""
    broken: dict[str, set[str]] = {}
    not_evaluated: Counter[str] = Counter()
    for name, resource in examples():
        for node, owner, root, path in _elements(fhirpath.root(resource), resource, resource, ""):
            for rule in _rules(node, path).values():
                expression = fhirpath.compile(rule.expression, node.type, hooks=HOOKS)
                try:
                    outcome = expression.boolean(owner, node, root_resource=root)
                except EvaluationError:
                    not_evaluated[rule.key] += 1
                    continue
                if expression._condition is not None:
                    assert outcome is boolean(expression(owner, node, root_resource=root), rule.key), (name, node.path)
                if outcome is False and rule.severity == "error":
                    broken.setdefault(rule.key, set()).add(name)
    assert set(not_evaluated) == NOT_EVALUATED
    assert {key: len(names) for key, names in sorted(broken.items())} == FAILING
