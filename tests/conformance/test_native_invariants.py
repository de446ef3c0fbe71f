"""The whole check against the plain meaning of the invariants.

The check decides much by quick tests and rules of its own. Here every invariant is evaluated on every element with
FHIRPath alone, on official examples and on mutations of them, and both have to report the same at the same places.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from service.fhir import fhirpath
from service.fhir.fhirpath import EvaluationError
from service.fhir.fhirpath.context import boolean
from service.profiles.base import check
from service.profiles.rules.invariant import BASE_HOOKS
from service.profiles.rules.plain import PLAIN
from tests.conformance.fhirpath_examples import elements, examples, rules

MUTATIONS = 6
"""For each example."""

OF_THEIR_OWN = {"txt-1", "txt-2"}
"""Narratives have one expression for two invariants, which is less than their rules tell."""

ASKING = ("resolve()", "memberOf(")


def reported(resource: dict[str, Any]) -> set[tuple[str, str]]:
    """Invariant and place of what the check says, as FHIRPath writes places."""
    found = set()
    for issue in check(resource):
        if issue.code == "invariant" and issue.rule not in OF_THEIR_OWN:
            place = re.sub(r"\.ofType\(\w+\)", "", issue.expression[0])
            if issue.rule == "dom-3":  # said of the contained resource, declared for its container
                place = re.sub(r"\.contained(\[\d+\])?$", "", place)
            found.add((str(issue.rule), place))
    return found


def broken(resource: dict[str, Any]) -> set[tuple[str, str]]:
    """Invariant and place of what FHIRPath says."""
    found = set()
    for node, owner, outer, path in elements(fhirpath.root(resource), resource, resource, ""):
        for rule in rules(node, path).values():
            if rule.key in OF_THEIR_OWN or (rule.key == "dom-6" and owner is not outer):
                continue
            expression = fhirpath.compile(rule.expression, node.type, hooks=BASE_HOOKS)
            try:
                met = boolean(expression(owner, node, root_resource=outer), rule.key)
            except EvaluationError:
                continue
            if met is False or (met is None and not any(function in rule.expression for function in ASKING)):
                found.add((rule.key, node.path))
    return found


def mutations(name: str, resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resource with one property taken away, or one value put in the place of another."""
    chance = random.Random(name)
    for _ in range(MUTATIONS):
        made = deepcopy(resource)
        owners = [owner for owner in _objects(made) if len(owner) > 1]
        owner = chance.choice(owners)
        member = chance.choice([key for key in owner if key != "resourceType"] or ["id"])
        if chance.random() < 0.7 or not isinstance(owner.get(member), str):
            owner.pop(member, None)
        else:
            others = [other[member] for other in _objects(made) if isinstance(other.get(member), str)]
            owner[member] = chance.choice(["#nothing", "1900", "draft", *others])
        if isinstance(made.get("resourceType"), str):
            yield made


def _objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _objects(child)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)


@pytest.mark.timeout(900)
def test_the_check_says_what_the_expressions_say() -> None:
    """On examples as they are and with one change each: the same invariants are broken at the same places."""
    seen = 0
    for number, (name, resource) in enumerate(examples()):
        if number % 4:
            continue
        for made in (resource, *mutations(name, resource)):
            expected = broken(made)
            assert reported(made) == expected, name
            seen += bool(expected)
    assert seen > 100


def variants(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An object, the same with each of its properties taken away, and a period the wrong way round."""
    yield value
    if "start" in value and "end" in value:
        yield {**value, "start": value["end"], "end": value["start"]}
    for member in value:
        yield {key: item for key, item in value.items() if key != member}


@pytest.mark.timeout(300)
def test_a_plain_object_keeps_its_invariants() -> None:
    """What the quick test of a type accepts satisfies every invariant of the type; and something is not accepted."""
    outcomes: dict[str, set[tuple[bool, bool]]] = {name: set() for name in PLAIN}
    known: set[tuple[object, ...]] = set()
    for name, resource in examples():
        for node, owner, outer, _ in elements(fhirpath.root(resource), resource, resource, ""):
            if node.type not in PLAIN:
                continue
            for value in variants(node.value):
                shape = (
                    node.type,
                    *sorted(value),
                    str(value.get("reference"))[:1],
                    value.get("start"),
                    value.get("end"),
                )
                if shape in known or not value.keys() - {"id"}:
                    continue
                known.add(shape)
                made = fhirpath.Node(value, node.type)
                kept = all(
                    boolean(fhirpath.compile(rule.expression, node.type)(owner, made, root_resource=outer), rule.key)
                    for rule in rules(made, "").values()
                )
                plain = bool(PLAIN[node.type](value))
                assert kept or not plain, (name, node.path, value)
                outcomes[node.type].add((plain, kept))
    assert {name for name, found in outcomes.items() if (True, True) in found} == set(PLAIN)
    assert {name for name, found in outcomes.items() if (False, False) in found} >= {"Coding", "Quantity", "Reference"}
