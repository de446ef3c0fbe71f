"""What can be known of a condition without walking through the resource: that it certainly holds.

Most conditions speak of elements that are not there (``period.exists() implies period >= 0``), and one look at the
members of an object tells. In doubt the answer is False, and the expression itself has to decide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from service.fhir.fhirpath import model
from service.fhir.fhirpath.certain_numbers import all_different, all_meet, counted
from service.fhir.fhirpath.fast_conditions import condition_of
from service.fhir.fhirpath.operators import BOOLEAN_OPERATORS
from service.fhir.fhirpath.syntax import Binary, Call, Index, Invoke, Member, Syntax, TypeTest, union_parts
from service.fhir.fhirpath.walk import presence

Certain: TypeAlias = Callable[[dict[str, Any]], Any]
"""Whether it is certain of a JSON object of the right type that a condition has the outcome that was asked for: true.

Raises AttributeError or TypeError where only the nodes can decide.
"""

_KEEP_EMPTY: Final = frozenset((
    "where", "select", "ofType", "resolve", "first", "last", "tail", "repeat", "distinct", "trace", "children",
    "descendants", "extension", "skip", "take", "substring",
))  # fmt: skip
"""Functions that make nothing of nothing."""

_OF_NOTHING: Final = {
    "empty": True,
    "exists": False,
    "all": True,
    "isDistinct": True,
    "allTrue": True,
    "allFalse": True,
    "hasValue": False,
}
"""What the functions that always have an outcome make of nothing."""


def certain(tree: Syntax, kind: str, *, outcome: bool = True) -> Certain | None:
    """The quick test whether a condition on an object of this type certainly has this outcome, None if it has none."""
    condition = None
    if isinstance(tree, Binary):
        condition = None if _asks_for_presence(tree) else condition_of(tree, kind)
        decided = _binary(tree, kind, outcome=outcome) if condition is None else None
        if decided is not None:
            return decided
    if isinstance(tree, Invoke) and isinstance(tree.step, Call):
        if tree.step.name == "not" and not tree.step.arguments:
            return certain(tree.target, kind, outcome=not outcome)
        present = presence(tree, kind)
        if present is not None:
            return present if outcome else lambda value: not present(value)
    condition = condition or condition_of(tree, kind)
    if condition is not None:
        return condition if outcome else lambda value: condition(value) is False
    if isinstance(tree, Invoke) and isinstance(tree.step, Call) and _OF_NOTHING.get(tree.step.name) is outcome:
        return _any([_absent(tree.target, kind), _met(tree.target, tree.step, kind) if outcome else None])
    return None


def _asks_for_presence(tree: Syntax) -> bool:
    """Whether a condition has parts of which :func:`presence` knows more quickly than the whole does."""
    if isinstance(tree, Binary):
        return tree.operator in BOOLEAN_OPERATORS and (_asks_for_presence(tree.left) or _asks_for_presence(tree.right))
    return isinstance(tree, Invoke) and isinstance(tree.step, Call) and tree.step.name in ("exists", "empty", "not")


def _met(target: Syntax, call: Call, kind: str) -> Certain | None:
    """What may be certain of all that is found, as it is of nothing."""
    if call.name == "all":
        return all_meet(target, call.arguments[0], kind)
    return all_different(target, kind) if call.name == "isDistinct" else None


def _binary(tree: Binary, kind: str, *, outcome: bool) -> Certain | None:
    """The operators of which one side may be enough."""
    if tree.operator == "implies":
        sides = [certain(tree.left, kind, outcome=not outcome), certain(tree.right, kind, outcome=outcome)]
        return _any(sides) if outcome else None
    if tree.operator not in ("and", "or"):
        return counted(tree, kind, outcome=outcome)
    sides = [certain(tree.left, kind, outcome=outcome), certain(tree.right, kind, outcome=outcome)]
    return _any(sides) if outcome is (tree.operator == "or") else _all(sides)


def _any(tests: list[Certain | None]) -> Certain | None:
    known = [test for test in tests if test is not None]
    if len(known) == 2:
        first, second = known
        return lambda value: first(value) or second(value)
    return known[0] if known else None


def _all(tests: list[Certain | None]) -> Certain | None:
    known = [test for test in tests if test is not None]
    if len(known) < len(tests):
        return None
    first, second = known
    return lambda value: first(value) and second(value)


def _absent(tree: Syntax, kind: str) -> Certain | None:
    """Whether none of the elements is there that a path, or a union of paths, starts with."""
    names: set[str] = set()
    for part in union_parts(tree):
        name = _start(part)
        step = model.step(kind, name) if name and not model.is_type(name) else None
        if step is None:
            return None
        names.update(name for entry in step.entries for name in (entry.member, entry.shadow))
    if len(names) == 2:
        one, other = names
        return lambda value: one not in value and other not in value
    return frozenset(names).isdisjoint


def _start(tree: Syntax) -> str | None:
    """The element that a path starts with, None if it can find something without that."""
    while not isinstance(tree, Member):
        if isinstance(tree, Call) and tree.name == "extension":
            return tree.name
        if isinstance(tree, TypeTest) and tree.operator == "as":
            tree = tree.operand
        elif isinstance(tree, Index) or (isinstance(tree, Invoke) and _keeps_empty(tree.step)):
            tree = tree.target
        else:
            return None
    return tree.name


def _keeps_empty(step: Member | Call) -> bool:
    return isinstance(step, Member) or step.name in _KEEP_EMPTY
