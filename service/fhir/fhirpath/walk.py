"""Plain paths walked without making lists of what they find.

A condition often needs no more than one item that meets it, or the only value. What a path is walked through must be as
its type promises; else AttributeError or TypeError tell that the nodes have to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from service.fhir.fhirpath import model
from service.fhir.fhirpath.fast import Path, paths_of
from service.fhir.fhirpath.fast_conditions import condition_of, has_primitive
from service.fhir.fhirpath.syntax import Call, Invoke, Member, Syntax

Object: TypeAlias = dict[str, Any]
Meets: TypeAlias = Callable[[Any], Any]
"""Whether an item, or one that is found from it, meets something, as a value that is true or not."""

Step: TypeAlias = tuple[str, bool]
"""The member that a step takes, and whether it repeats."""


def way(tree: Syntax, kind: str) -> tuple[Path, list[Step]] | None:
    """The path and its steps, None if it is more than one way through members."""
    paths = paths_of(tree, kind) if _is_plain(tree) else None
    if paths is None or len(paths) != 1:
        return None
    steps: list[Step] = []
    link = paths[0]
    while link.before is not None and link.last is not None:
        steps.append((link.last.member, link.repeats))
        link = link.before
    return paths[0], steps[::-1]


def _is_plain(tree: Syntax) -> bool:
    """Whether nothing in a path leaves out what its steps find, but for types of a choice."""
    while isinstance(tree, Invoke) and (isinstance(tree.step, Member) or tree.step.name == "ofType"):
        tree = tree.target
    return isinstance(tree, Member)


def any_meets(steps: Sequence[Step], meets: Meets) -> Meets:
    """The test whether one of the items at the end of some steps meets a test."""
    for member, repeats in reversed(steps):
        meets = _one_of(member, meets) if repeats else _only(member, meets)
    return meets


def _only(member: str, meets: Meets) -> Meets:
    def test(value: Object) -> object:
        item = value.get(member)
        return item is not None and meets(item)

    return test


def _one_of(member: str, meets: Meets) -> Meets:
    def test(value: Object) -> bool:
        for item in value.get(member) or ():  # noqa: SIM110  # a generator costs more than the few items
            if item is not None and meets(item):
                return True
        return False

    return test


def only_value(steps: Sequence[Step]) -> Callable[[Object], Any] | None:
    """The reader of the value at the end of steps that do not repeat, which is None where there is nothing."""
    members = [member for member, repeats in steps if not repeats]
    if len(members) < len(steps):
        return None
    if len(members) == 1:
        return lambda value: value.get(members[0])

    def read(value: Any) -> Any:  # noqa: ANN401  # any JSON value
        for member in members:
            value = value.get(member)
            if value is None:
                return None
        return value

    return read


def presence(tree: Syntax, kind: str) -> Meets | None:
    """The test of ``path.exists()`` or ``path.empty()``, None if this is neither, or of what is no plain path."""
    if not isinstance(tree, Invoke) or not isinstance(tree.step, Call) or tree.step.arguments:
        return None
    found = finds(tree.target, kind) if tree.step.name in ("exists", "empty") else None
    if found is None or tree.step.name == "exists":
        return found
    return lambda value: not found(value)


def finds(target: Syntax, kind: str) -> Meets | None:
    """The test whether a path finds anything, or anything that meets the criterion at its end; None if it has none."""
    if isinstance(target, Invoke) and isinstance(target.step, Call) and target.step.name == "where":
        found = way(target.target, kind)
        if found is None or model.is_primitive(found[0].type) or model.is_abstract(found[0].type):
            return None
        condition = condition_of(target.step.arguments[0], found[0].type)
        return any_meets(found[1], condition) if condition is not None else None
    found = way(target, kind)
    if found is None or found[0].last is None:
        return None
    entry, steps = found[0].last, found[1]
    if entry.primitive:
        return any_meets(steps[:-1], has_primitive(entry, repeats=steps[-1][1]))
    if len(steps) == 1:
        return lambda value: value.get(entry.member)
    return any_meets(steps, lambda _: True)
