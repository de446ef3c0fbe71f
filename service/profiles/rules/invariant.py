"""Constraints in FHIRPath: https://hl7.org/fhir/R5/conformance-rules.html#constraints.

A constraint is met only if its expression is true: an empty outcome breaks it, as it does for the other validators of
FHIR. What cannot be evaluated is reported as such, once in a run, and never passed silently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final, Literal, TypeAlias

from service.fhir import definitions, fhirpath
from service.fhir.fhirpath import EvaluationError, Expression, Hooks, Node, PathError, PathNotSupported
from service.fhir.fhirpath.certain import Certain
from service.profiles.run import Object, ObjectRule, Run, Where, quoted

_ASKS_OTHERS: Final = ("resolve()", "memberOf(", "conformsTo(", "subsumes")
"""Functions whose answer may be unknown: then an empty outcome tells nothing."""

_LONGEST: Final = 300
"""Characters of an expression that are shown in a message."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """``ElementDefinition.constraint``; ``source`` is the canonical URL of the definition that it was first made in.

    ``human`` says what is demanded; without it, the expression is shown.
    """

    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: str
    source: str


Judge: TypeAlias = Callable[[Node, Where, Run], None]
"""Decides about one element, a primitive one as well: the element, its location, the run."""


def _member_of(node: Node, value_set: str) -> bool | None:
    """Whether a bare code is in one of the closed value sets that R5 binds something to."""
    codes = definitions.required_value_sets().get(value_set.partition("|")[0])
    if codes is None or codes.open is not None or not isinstance(node.value, str):
        return None
    return node.value in codes.codes


BASE_HOOKS: Final = Hooks(member_of=_member_of)
"""What the base invariants may ask: there is no terminology here but the tables of R5."""


Compiled: TypeAlias = "Expression | str"
"""The expression of a constraint, or why there is none."""


def _compile(constraint: Constraint, context_type: str, hooks: Hooks) -> Compiled:
    try:
        return fhirpath.compile(constraint.expression, context_type, hooks=hooks)
    except (PathError, PathNotSupported) as problem:
        return str(problem)


def compile_judge(constraint: Constraint, context_type: str, hooks: Hooks = BASE_HOOKS) -> Judge:
    """Compile a constraint on elements of a type: a data type, a resource type, or the path of a backbone element.

    The expression is compiled when the first such element is met, so that definitions of which most is never used cost
    nothing.
    """
    return _judge(constraint, cache(lambda: _compile(constraint, context_type, hooks)))


def _judge(constraint: Constraint, compiled: Callable[[], Compiled]) -> Judge:
    key, severity = constraint.key, constraint.severity
    unknown_possible = any(function in constraint.expression for function in _ASKS_OTHERS)

    def judge(node: Node, where: Where, run: Run) -> None:
        expression = compiled()
        if isinstance(expression, str):
            run.not_evaluated(key, where, expression)
            return
        try:
            met = expression.boolean(run.resource, node, root_resource=run.container)
        except EvaluationError as problem:
            run.not_evaluated(key, where, str(problem))
            return
        if met is None and unknown_possible:
            run.not_evaluated(key, where, "it asks for what is not known here")
        elif met is not True:
            run.report("invariant", key, where, _text(constraint), severity)

    return judge


def compile_constraints(constraints: Sequence[Constraint], context_type: str, hooks: Hooks = BASE_HOOKS) -> ObjectRule:
    """Compile constraints on elements of a type that are objects in JSON into one rule; see :func:`compile_judge`."""

    tests: list[tuple[Certain | None, Judge]] | None = None

    def compiled_tests() -> list[tuple[Certain | None, Judge]]:
        found = []
        for constraint in constraints:
            compiled = _compile(constraint, context_type, hooks)
            certain = None if isinstance(compiled, str) else compiled.certain
            found.append((certain, _judge(constraint, partial(_same, compiled))))
        return found

    def check(value: Object, where: Where, run: Run) -> None:
        nonlocal tests
        if tests is None:
            tests = compiled_tests()
        node: Node | None = None
        if run.filled:
            value = run.filled.get(id(value), value)
        for certain, judge in tests:
            try:
                if certain is not None and certain(value):
                    continue
            except (AttributeError, TypeError):  # the object is not what its type promises: the nodes take anything
                pass
            node = node or Node(value, context_type)
            judge(node, where, run)

    return check


def _same(compiled: Compiled) -> Compiled:
    return compiled


def _text(constraint: Constraint) -> str:
    if constraint.human:
        return f"{constraint.key}: {constraint.human}"
    shown = constraint.expression
    return f"{constraint.key} does not hold: {shown if len(shown) <= _LONGEST else quoted(shown)}"


def element_node(value: Any, context_type: str, extra: Object | None) -> Node:  # noqa: ANN401  # any JSON value
    """The node of a primitive value and its shadow, which is what a judge takes."""
    return Node(value, context_type, extra if isinstance(extra, dict) else None)
