"""Search parameter expressions on the official examples: this engine, its fast forms, and fhirpathpy."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

import fhirpathpy
from fhirpathpy.models import models

from service.fhir import fhirpath
from tests.conformance.fhirpath_examples import examples, parameters_of

DIFFERENCES = {
    "(ConceptMap.sourceScope as uri)": "a canonical is no uri for a cast: the official cases say so for all primitives",
    "(ConceptMap.targetScope as uri)": "the same",
}
"""Expressions in which fhirpathpy is known to find something else, and why."""


def test_the_fast_form_finds_what_the_nodes_find() -> None:
    """Type and value of everything that goes into an index, with and without nodes, on every small example."""
    compared = 0
    for name, resource in examples():
        kind = resource["resourceType"]
        for parameter in parameters_of(kind):
            expression = fhirpath.compile(parameter.expression or "", kind)
            by_nodes = [(node.type, node.value) for node in expression(resource) if node.value is not None]
            fast = expression.typed(resource)
            assert sorted(map(repr, fast)) == sorted(map(repr, by_nodes)), (name, parameter.code)
            assert len(expression.values(resource)) == len(fast)
            compared += len(fast)
    assert compared > 30_000


def test_fhirpathpy_finds_the_same() -> None:
    """All small examples with an independent engine, which has no ``resolve`` and needs floats."""
    different: dict[str, list[str]] = {}
    compared = 0
    for name, resource in examples():
        kind = resource["resourceType"]
        plain = json.loads(json.dumps(resource, default=float))
        for parameter in parameters_of(kind):
            text = parameter.expression or ""
            if "resolve()" in text or "Resource." in text:
                continue
            ours = {_key(value) for value in fhirpath.compile(text, kind).values(resource)}
            theirs = {_key(value) for value in _independent(_branches(text, kind))(plain)}
            compared += len(ours)
            if ours != theirs:
                different.setdefault(text, []).append(name)
    assert different.keys() == DIFFERENCES.keys(), different
    assert compared > 25_000


@cache
def _independent(text: str) -> Callable[..., list[Any]]:
    compiled: Callable[..., list[Any]] = fhirpathpy.compile(text, models["r5"])
    return compiled


@cache
def _branches(text: str, kind: str) -> str:
    """The parts of a union of plain paths that concern a type: the others only cost time."""
    parts = text.split(" | ")
    if any(part.count("(") != part.count(")") for part in parts):
        return text
    return " | ".join(part for part in parts if part.strip("( ").startswith(kind)) or text


def _key(value: object) -> str:
    def number(item: object) -> float:
        assert isinstance(item, Decimal)
        return float(item)

    value = float(value) if isinstance(value, Decimal) else value
    return json.dumps(value, sort_keys=True, default=number).replace(".0", "")
