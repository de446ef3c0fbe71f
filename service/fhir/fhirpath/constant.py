"""Expressions that have the same outcome however often an evaluation asks.

``contained.where(id in %resource.descendants().reference)`` would walk through the whole resource for every contained
one (dom-3 does so four times). What depends on nothing but the resource is evaluated once and remembered.
"""

from __future__ import annotations

from typing import Final

from service.fhir.fhirpath.context import Context
from service.fhir.fhirpath.environment import constant_value
from service.fhir.fhirpath.node import Collection
from service.fhir.fhirpath.registry import Run
from service.fhir.fhirpath.syntax import Binary, Call, Index, Invoke, Literal, Member, Polarity, Syntax, Variable

_FIXED: Final = frozenset(("resource", "rootResource", "context"))
_TYPED: Final = frozenset(("ofType", "as", "is"))
_EFFECTS: Final = frozenset(("trace", "defineVariable"))


def is_constant(tree: Syntax) -> bool:
    """Whether an expression depends on the resource alone; in doubt it does not."""
    if isinstance(tree, Literal):
        return True
    if isinstance(tree, Variable):
        return tree.name in _FIXED or constant_value(tree.name) is not None
    if isinstance(tree, Binary):
        return is_constant(tree.left) and is_constant(tree.right)
    if isinstance(tree, Index):
        return is_constant(tree.target) and is_constant(tree.index)
    if isinstance(tree, Polarity):
        return is_constant(tree.operand)
    return isinstance(tree, Invoke) and is_constant(tree.target) and _is_constant_step(tree.step)


def _is_constant_step(step: Member | Call) -> bool:
    if isinstance(step, Member) or step.name in _TYPED:
        return True
    return step.name not in _EFFECTS and all(is_constant(argument) for argument in step.arguments)


def once(run: Run) -> Run:
    """An expression that is evaluated at most once in an evaluation."""

    def remembered(context: Context, focus: Collection) -> Collection:
        found = context.memory.get(remembered)
        if found is None:
            found = context.memory[remembered] = run(context, focus)
        return found

    return remembered
