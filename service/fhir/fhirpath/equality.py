"""Equality, equivalence and order (https://hl7.org/fhirpath/#equality, #equivalence, #comparison).

``key`` gives a hashable value that is the same for equal nodes, so that distinct, union and the like need no pairwise
comparison. Where equality is uncertain (dates of different precision) the keys differ: the items are kept apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from service.fhir.fhirpath import quantity as quantities
from service.fhir.fhirpath import temporal
from service.fhir.fhirpath.errors import EvaluationError
from service.fhir.fhirpath.node import Collection, Node, system_value
from service.fhir.fhirpath.quantity import Quantity
from service.fhir.fhirpath.temporal import Temporal

_NUMBER: Final = (int, Decimal)


def key(node: Node) -> Hashable:
    """A value that is the same for all nodes that are equal to this one."""
    value = system_value(node)
    if value is not None:
        return _system_key(value)
    if node.value is None:
        return ("extensions", _json_key(node.extra))
    return _json_key(node.value)


def _system_key(value: Any) -> Hashable:  # noqa: ANN401  # any System value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, _NUMBER):
        return ("number", value)
    if isinstance(value, Temporal):
        moment = value.utc()
        return (value.kind == "Time", moment.parts, moment.offset is None)
    return ("quantity", value.key) if isinstance(value, Quantity) else ("other", str(value))


def _json_key(value: Any) -> Hashable:  # noqa: ANN401  # any JSON value
    if isinstance(value, dict):
        return frozenset((name, _json_key(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(_json_key(item) for item in value)
    return ("boolean", value) if isinstance(value, bool) else value


def distinct(nodes: Iterable[Node]) -> Collection:
    """The nodes without those that are equal to an earlier one."""
    found: dict[Hashable, Node] = {}
    for node in nodes:
        found.setdefault(key(node), node)
    return list(found.values())


def equal(left: Collection, right: Collection) -> bool | None:
    """``=`` between collections: item by item, in order."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    outcome: bool | None = True
    for one, other in zip(left, right, strict=True):
        same = _equal(one, other)
        if same is False:
            return False
        outcome = outcome if same else None
    return outcome


def _equal(left: Node, right: Node) -> bool | None:
    one, other = system_value(left), system_value(right)
    if one is None or other is None:
        return key(left) == key(right)
    one, other = alike(one, other)
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        if (one.kind == "Time") != (other.kind == "Time"):
            return False
        order = temporal.compare(one, other)
        return None if order is None else order == 0
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return quantities.equal(one, other)
    return _system_key(one) == _system_key(other)


def alike(left: Any, right: Any) -> tuple[Any, Any]:  # noqa: ANN401  # System values
    """Both values, a number made a quantity where the other is one."""
    if isinstance(left, Quantity) and isinstance(right, _NUMBER) and not isinstance(right, bool):
        return left, Quantity(Decimal(right))
    if isinstance(right, Quantity) and isinstance(left, _NUMBER) and not isinstance(left, bool):
        return Quantity(Decimal(left)), right
    return left, right


def equivalent(left: Collection, right: Collection) -> bool:
    """``~`` between collections: the same items in any order; texts and precision need not be exactly the same."""
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return _equivalent(left[0], right[0])
    rest = list(right)
    for node in left:
        for index, other in enumerate(rest):
            if _equivalent(node, other):
                del rest[index]
                break
        else:
            return False
    return True


def _equivalent(left: Node, right: Node) -> bool:
    one, other = system_value(left), system_value(right)
    if one is None or other is None:
        return _loose(left.value) == _loose(right.value) if one is None and other is None else False
    one, other = alike(one, other)
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return quantities.equivalent(one, other)
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        return (one.kind == "Time") == (other.kind == "Time") and temporal.compare(one, other) == 0
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, _NUMBER) and isinstance(other, _NUMBER):
        return _same_number(Decimal(one), Decimal(other))
    return bool(_loose(one) == _loose(other))


def _same_number(left: Decimal, right: Decimal) -> bool:
    decimals = min(_decimals(left), _decimals(right))
    step = Decimal(1).scaleb(-decimals)
    one, other = (value.quantize(step, ROUND_HALF_UP, quantities.EXACT) for value in (left, right))
    return one == other


def _decimals(value: Decimal) -> int:
    exponent = value.normalize(quantities.EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _loose(value: Any) -> Hashable:  # noqa: ANN401  # any JSON value
    """A key that overlooks case, white space and the order of arrays; ids do not count."""
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    if isinstance(value, dict):
        return frozenset((name, _loose(item)) for name, item in value.items() if name != "id")
    if isinstance(value, list):
        return frozenset(Counter(_loose(item) for item in value).items())
    return ("boolean", value) if isinstance(value, bool) else value


def order(left: Any, right: Any) -> int | None:  # noqa: ANN401  # System values
    """The order of two System values: negative, zero, positive, or None where it is uncertain."""
    left, right = alike(left, right)
    if isinstance(left, Temporal) and isinstance(right, Temporal) and (left.kind == "Time") == (right.kind == "Time"):
        return temporal.compare(left, right)
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        gap = quantities.difference(left, right)
        return None if gap is None else (gap > 0) - (gap < 0)
    texts = isinstance(left, str) and isinstance(right, str)
    numbers = isinstance(left, _NUMBER) and isinstance(right, _NUMBER)
    if not (texts or numbers) or isinstance(left, bool) or isinstance(right, bool):
        raise EvaluationError(f"{describe(left)} and {describe(right)} have no order.")
    return int(left > right) - int(left < right)


def describe(value: Any) -> str:  # noqa: ANN401  # any value
    """What kind of value this is, for a message."""
    if isinstance(value, Temporal):
        return f"a {value.kind}"
    names = {bool: "a Boolean", str: "a String", int: "an Integer", Quantity: "a Quantity"}
    return names.get(type(value), "a Decimal" if isinstance(value, Decimal) else "a complex value")
