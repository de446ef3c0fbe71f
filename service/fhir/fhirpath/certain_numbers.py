"""What is certain of the numbers in an object: that all meet a criterion, how many there are, that no two are the same.

Here a criterion may also compare what it looks at with the object that the whole expression starts with
(``%context.quantity.value``, https://hl7.org/fhirpath/#environment-variables). In doubt the answer is False, or a
TypeError where something is not plainly a number.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from service.fhir.fhirpath import fast_numbers, model
from service.fhir.fhirpath.arithmetic import calculate
from service.fhir.fhirpath.fast import Path, paths_of
from service.fhir.fhirpath.fast_conditions import condition_of
from service.fhir.fhirpath.functions.boundaries import high_boundary, low_boundary
from service.fhir.fhirpath.syntax import Binary, Call, Invoke, Literal, Member, Special, Syntax, Variable, union_parts
from service.fhir.fhirpath.walk import only_value, presence, way

Object: TypeAlias = dict[str, Any]
Certain: TypeAlias = Callable[[Object], bool]

_Get: TypeAlias = Callable[[Object], list[Any]]
"""The items that a path finds."""

_Test: TypeAlias = Callable[[Any, Object], Any]
"""Whether an item certainly meets a criterion (true): the item, and the object that the expression starts with."""

_Read: TypeAlias = Callable[[Any, Object], Any]
"""The number that a criterion speaks of; None where there is none, which has no order."""

_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "toDecimal": Decimal,
    "lowBoundary": low_boundary,
    "highBoundary": high_boundary,
}
_SMALL: Final = 10**15
"""Whole numbers below are sure to fit what FHIRPath takes for an Integer."""


def all_meet(target: Syntax, criterion: Syntax, kind: str) -> Certain | None:
    """The test whether all that a path, or a union of paths, finds certainly meets a criterion."""
    tests: list[tuple[_Get, _Test]] = []
    for part in union_parts(target):
        found = _found(part, kind)
        if found is None:
            return None
        for items, item_kind in found:
            test = _test(criterion, item_kind, kind)
            if test is None:
                return None
            tests.append((items, test))

    def decide(value: Object) -> bool:
        for items, test in tests:
            for item in items(value):
                if not test(item, value):
                    return False
        return True

    return decide


def counted(tree: Binary, kind: str, *, outcome: bool) -> Certain | None:
    """The test whether ``a.count() + b.count() < 2`` or the like certainly has an outcome."""
    compare = fast_numbers.COMPARE_COUNTS.get(tree.operator)
    limit = tree.right.value if isinstance(tree.right, Literal) else None
    found = [_counted(part, kind) for part in _summands(tree.left)]
    if compare is None or type(limit) is not int or None in found:
        return None
    counts = [count for count in found if count is not None]
    return lambda value: compare(sum(len(count(value)) for count in counts), limit) is outcome


def all_different(target: Syntax, kind: str) -> Certain | None:
    """The test whether all texts that a path finds are certainly different."""
    paths = _paths(target, kind)
    texts = _items(paths[0]) if len(paths) == 1 and model.system_type(paths[0].type) == "System.String" else None
    if texts is None:
        return None

    def decide(value: Object) -> bool:
        found = texts(value)
        return len(found) < 2 or len(set(found)) == len(found)

    return decide


def _found(tree: Syntax, kind: str) -> list[tuple[_Get, str]] | None:
    """The readers of all that a path finds, with the types; of what a criterion leaves some out, these as well."""
    paths = paths_of(tree, kind)
    if paths is not None:
        found = [(items, path.type) for path in paths if (items := _items(path))]
        return found if len(found) == len(paths) else None
    if not isinstance(tree, Invoke) or not isinstance(tree.step, Call) or len(tree.step.arguments) != 1:
        return None
    if tree.step.name == "where":
        return _found(tree.target, kind)
    return _selected(tree.target, tree.step.arguments[0], kind) if tree.step.name == "select" else None


def _selected(target: Syntax, choice: Syntax, kind: str) -> list[tuple[_Get, str]] | None:
    """The reader of ``target.select(iif(condition, one, other))``, where both are of one type."""
    owners = _paths(target, kind)
    if len(owners) != 1 or not isinstance(choice, Call) or choice.name != "iif" or len(choice.arguments) != 3:
        return None
    get, owner_kind = owners[0].get, owners[0].type
    if model.is_primitive(owner_kind) or model.is_abstract(owner_kind):
        return None
    condition = condition_of(choice.arguments[0], owner_kind)
    sides = [_found(side, owner_kind) for side in choice.arguments[1:]]
    found = [side[0] for side in sides if side is not None and len(side) == 1]
    if condition is None or len(found) != 2 or found[0][1] != found[1][1]:
        return None
    (one, item_kind), (other, _) = found
    return [(lambda value: [item for o in get(value) for item in (one if condition(o) else other)(o)], item_kind)]


def _paths(target: Syntax, kind: str) -> list[Path]:
    """All paths of a union, none if one of them has no plain form."""
    found = [paths_of(part, kind) for part in union_parts(target)]
    return [] if None in found else [path for paths in found for path in paths or ()]


def _items(path: Path) -> _Get | None:
    """The reader of all that a path finds; None where primitive values could have something beside them."""
    if not model.is_primitive(path.type):
        return path.get
    if path.last is None or path.before is None or path.repeats:
        return None
    owners, member, shadow = path.before.get, path.last.member, path.last.shadow

    def read(value: Object) -> list[Any]:
        found = []
        for owner in owners(value):
            if shadow in owner:
                raise TypeError(shadow)
            if (item := owner.get(member)) is not None:
                found.append(item)
        return found

    return read


def _counted(tree: Syntax, kind: str) -> _Get | None:
    if not isinstance(tree, Invoke) or not isinstance(tree.step, Call) or tree.step.name != "count":
        return None
    paths = _paths(tree.target, kind)
    return _items(paths[0]) if len(paths) == 1 else None


def _summands(tree: Syntax) -> list[Syntax]:
    found: list[Syntax] = []
    while isinstance(tree, Binary) and tree.operator == "+":
        found.append(tree.right)
        tree = tree.left
    return [tree, *found]


def _test(tree: Syntax, item_kind: str, kind: str) -> _Test | None:
    if isinstance(tree, Binary) and tree.operator in ("and", "or"):
        left, right = _test(tree.left, item_kind, kind), _test(tree.right, item_kind, kind)
        if left is None or right is None:
            return None
        if tree.operator == "and":
            return lambda item, start: left(item, start) and right(item, start)
        return lambda item, start: left(item, start) or right(item, start)
    if not model.is_primitive(item_kind):
        condition = presence(tree, item_kind) or condition_of(tree, item_kind)
        if condition is not None:
            return lambda item, _: condition(item)
    if not isinstance(tree, Binary):
        return None
    if _says_whole(tree):
        return lambda item, _: type(item) is int and -_SMALL < item < _SMALL
    compare = fast_numbers.COMPARE.get(tree.operator)
    one, other = _amount(tree.left, item_kind, kind), _amount(tree.right, item_kind, kind)
    if compare is None or one is None or other is None:
        return None
    return lambda item, start: compare(one(item, start), other(item, start))


def _says_whole(tree: Binary) -> bool:
    """Whether this is ``$this.truncate() = $this``."""
    left = tree.left
    return (
        tree.operator == "="
        and isinstance(left, Invoke)
        and isinstance(left.step, Call)
        and left.step.name == "truncate"
        and _is_this(left.target)
        and _is_this(tree.right)
    )


def _is_this(tree: Syntax) -> bool:
    return isinstance(tree, Special) and tree.name == "this"


def _amount(tree: Syntax, item_kind: str, kind: str) -> _Read | None:
    """The reader of one side of a comparison: a constant, the item, or a path from it or from ``%context``."""
    if isinstance(tree, Binary) and tree.operator in ("*", "/"):
        return _calculated(tree.operator, _amount(tree.left, item_kind, kind), _amount(tree.right, item_kind, kind))
    if isinstance(tree, Invoke) and isinstance(tree.step, Call) and not tree.step.arguments:
        function, argument = _FUNCTIONS.get(tree.step.name), _amount(tree.target, item_kind, kind)
        return None if function is None or argument is None else _applied(function, argument)
    constant = fast_numbers.constant(tree)
    if constant is not None:
        return lambda _item, _start: constant
    if _is_this(tree):
        if not fast_numbers.is_number(item_kind):
            return None
        plain = fast_numbers.reading(lambda item: item, item_kind)
        return lambda item, _start: plain(item)
    below = _below_context(tree)
    read = _number(tree if below is None else below, item_kind if below is None else kind)
    if read is None:
        return None
    if below is None:
        return lambda item, _start: read(item)
    return lambda _item, start: read(start)


def _calculated(sign: str, left: _Read | None, right: _Read | None) -> _Read | None:
    if left is None or right is None:
        return None

    def read(item: Any, start: Object) -> Any:  # noqa: ANN401  # a number or None
        one, other = left(item, start), right(item, start)
        return None if one is None or other is None else calculate(sign, one, other)

    return read


def _applied(function: Callable[[Any], Any], argument: _Read) -> _Read:
    def read(item: Any, start: Object) -> Any:  # noqa: ANN401  # a number or None
        value = argument(item, start)
        return None if value is None else function(value)

    return read


def _number(tree: Syntax, kind: str) -> fast_numbers.Read | None:
    """The reader of a path to at most one number."""
    found = None if model.is_primitive(kind) else way(tree, kind)
    read = only_value(found[1]) if found is not None and fast_numbers.is_number(found[0].type) else None
    return fast_numbers.reading(read, found[0].type) if found is not None and read is not None else None


def _below_context(tree: Syntax) -> Syntax | None:
    """The path that follows ``%context``, None if the expression is anything else."""
    if not isinstance(tree, Invoke) or not isinstance(tree.step, Member) or model.is_type(tree.step.name):
        return None
    if isinstance(tree.target, Variable):
        return tree.step if tree.target.name == "context" else None
    before = _below_context(tree.target)
    return None if before is None else Invoke(tree.position, before, tree.step)
