"""Comparisons of numbers over plain JSON: ``low.value <= high.value``, ``value.all($this > 0)``.

A value that is not plainly a number (of the wrong JSON type, beyond all magnitude, only an extension) raises TypeError,
by which the caller knows that the nodes have to decide.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from service.fhir.fhirpath import model
from service.fhir.fhirpath.fast import Condition, Path
from service.fhir.fhirpath.node import MAX_MAGNITUDE
from service.fhir.fhirpath.syntax import Binary, Literal, Special, Syntax

COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPARE_COUNTS: Final[dict[str, Callable[[int, int], bool]]] = {**COMPARE, "=": operator.eq, "!=": operator.ne}
"""Of whole numbers as of ``count()``, which are equal where they are the same."""
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

Number: TypeAlias = int | Decimal
Read: TypeAlias = Callable[[dict[str, Any]], Any]
Test: TypeAlias = Callable[[Number], bool]


def compared(left: Read | Number, right: Read | Number, sign: str) -> Condition:
    """Compare what two readers find, or one with a constant; empty where one finds nothing."""
    compare = COMPARE[sign]
    if not callable(left):
        return compared(right, left, _TURNED[sign])
    if not callable(right):
        constant = right

        def decide_one(value: dict[str, Any]) -> bool | None:
            found = left(value)
            return None if found is None else compare(found, constant)

        return decide_one

    def decide(value: dict[str, Any]) -> bool | None:
        one, other = left(value), right(value)
        return None if one is None or other is None else compare(one, other)

    return decide


def reading(read: Read, type_name: str) -> Read:
    """Make a reader insist on what is plainly a number of this type; None is still nothing."""
    whole = _is_whole(type_name)

    def read_number(value: dict[str, Any]) -> Any:  # noqa: ANN401  # a number or None
        found = read(value)
        return found if found is None else _plain(found, whole=whole)

    return read_number


def is_number(type_name: str) -> bool:
    """Whether values of a type are numbers in JSON; those of integer64 are texts."""
    return model.system_type(type_name) in ("System.Decimal", "System.Integer") and type_name != "integer64"


def constant(tree: Syntax) -> Number | None:
    """The number that an operand is, None if it is none."""
    value = tree.value if isinstance(tree, Literal) else None
    return value if type(value) is int or isinstance(value, Decimal) else None


def all_numbers(path: Path, criterion: Syntax) -> Condition | None:
    """Whether every number at the end of a path meets ``$this > 0`` or the like, None if that has no fast form."""
    entry, before = path.last, path.before
    if entry is None or before is None or path.repeats or not is_number(path.type):
        return None
    test = _test(criterion)
    if test is None:
        return None
    owners, member, shadow, whole = before.get, entry.member, entry.shadow, _is_whole(path.type)

    def decide(value: dict[str, Any]) -> bool:
        for owner in owners(value):
            found = owner.get(member)
            if found is None:
                if shadow in owner:
                    raise TypeError(shadow)
            elif not test(_plain(found, whole=whole)):
                return False
        return True

    return decide


def _test(tree: Syntax) -> Test | None:
    if not isinstance(tree, Binary):
        return None
    if tree.operator in ("and", "or"):
        left, right = _test(tree.left), _test(tree.right)
        if left is None or right is None:
            return None
        if tree.operator == "and":
            return lambda number: left(number) and right(number)
        return lambda number: left(number) or right(number)
    limit = constant(tree.right)
    if tree.operator not in COMPARE or limit is None or not isinstance(tree.left, Special) or tree.left.name != "this":
        return None
    compare = COMPARE[tree.operator]
    return lambda number: compare(number, limit)


def _is_whole(type_name: str) -> bool:
    return model.system_type(type_name) == "System.Integer"


def _plain(found: object, *, whole: bool) -> Number:
    if type(found) is int:
        return found
    if whole or not isinstance(found, Decimal) or abs(found.adjusted()) > MAX_MAGNITUDE:
        raise TypeError(type(found))
    return found
