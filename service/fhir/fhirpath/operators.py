"""The operators between expressions (https://hl7.org/fhirpath/#operations)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from service.fhir.fhirpath import model
from service.fhir.fhirpath.arithmetic import calculate
from service.fhir.fhirpath.context import Context, boolean, limited, limited_text, single
from service.fhir.fhirpath.equality import distinct, equal, equivalent, key, order
from service.fhir.fhirpath.node import EMPTY, FALSE, TRUE, Collection, Node, computed, truth
from service.fhir.fhirpath.registry import Run, take

BOOLEAN_OPERATORS: Final = frozenset(("and", "or", "xor", "implies"))
COMPARISONS: Final[dict[str, Callable[[int], bool]]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def logic(operator: str, left: Run, right: Run) -> Run:
    """``and``, ``or``, ``xor``, ``implies`` in three-valued logic; the right side only where it can matter."""

    def run(context: Context, focus: Collection) -> Collection:
        one = boolean(left(context, focus), operator)
        if (operator == "and" and one is False) or (operator == "or" and one is True):
            return FALSE if operator == "and" else TRUE
        if operator == "implies" and one is False:
            return TRUE
        return truth(_LOGIC[operator](one, boolean(right(context, focus), operator)))

    return run


def _and(one: bool | None, other: bool | None) -> bool | None:
    return False if other is False else None if one is None or other is None else True


def _or(one: bool | None, other: bool | None) -> bool | None:
    return True if other else None if one is None or other is None else False


def _xor(one: bool | None, other: bool | None) -> bool | None:
    return None if one is None or other is None else one is not other


def _implies(one: bool | None, other: bool | None) -> bool | None:
    return True if other else None if one is None or other is None else False


_LOGIC: Final[dict[str, Callable[[bool | None, bool | None], bool | None]]] = {
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
}


def equality(operator: str, left: Run, right: Run) -> Run:
    """``=``, ``!=``, ``~`` and ``!~``."""
    wanted = not operator.startswith("!")
    exact = operator.endswith("=")
    compare: Callable[[Collection, Collection], bool | None] = equal if exact else equivalent

    def run(context: Context, focus: Collection) -> Collection:
        one, other = left(context, focus), right(context, focus)
        if exact and len(one) == len(other) == 1 and _is_text(one[0]) and _is_text(other[0]):
            return TRUE if (one[0].value == other[0].value) is wanted else FALSE
        outcome = compare(one, other)
        return EMPTY if outcome is None else TRUE if outcome is wanted else FALSE

    return run


def _is_text(node: Node) -> bool:
    return type(node.value) is str and _is_text_type(node.type)


@cache
def _is_text_type(name: str) -> bool:
    return model.system_type(name) == "System.String"


def comparison(operator: str, left: Run, right: Run) -> Run:
    """``<``, ``<=``, ``>`` and ``>=``."""
    decide = COMPARISONS[operator]

    def run(context: Context, focus: Collection) -> Collection:
        one, other = take(left(context, focus), "any", operator), take(right(context, focus), "any", operator)
        if one is None or other is None:
            return EMPTY
        sign = order(one, other)
        return EMPTY if sign is None else TRUE if decide(sign) else FALSE

    return run


def membership(operator: str, left: Run, right: Run) -> Run:
    """``in``, and ``contains``, which is the same the other way round."""

    def run(context: Context, focus: Collection) -> Collection:
        one, other = left(context, focus), right(context, focus)
        wanted, found = (one, other) if operator == "in" else (other, one)
        item = single(wanted, operator)
        if item is None:
            return EMPTY
        known = key(item)
        if any(key(node) == known for node in found):
            return TRUE
        return truth(any(equal([item], [node]) is True for node in found))

    return run


def union(parts: list[Run]) -> Run:
    """``|`` between any number of collections."""

    def run(context: Context, focus: Collection) -> Collection:
        found = [node for part in parts for node in part(context, focus)]
        return distinct(limited(found)) if len(found) > 1 else found

    return run


def concatenation(left: Run, right: Run) -> Run:
    """``&``: like ``+`` between texts, but an empty side counts as an empty text."""

    def run(context: Context, focus: Collection) -> Collection:
        one, other = take(left(context, focus), "string", "&"), take(right(context, focus), "string", "&")
        return [computed(limited_text((one or "") + (other or "")))]

    return run


def arithmetic(operator: str, left: Run, right: Run) -> Run:
    """``+``, ``-``, ``*``, ``/``, ``div`` and ``mod``."""

    def run(context: Context, focus: Collection) -> Collection:
        one, other = take(left(context, focus), "any", operator), take(right(context, focus), "any", operator)
        if one is None or other is None:
            return EMPTY
        outcome = calculate(operator, one, other)
        return EMPTY if outcome is None else [computed(outcome)]

    return run
