"""``fixed[x]`` and ``pattern[x]``: https://hl7.org/fhir/R5/elementdefinition-definitions.html#ElementDefinition.fixed_x_.

A fixed value is the value exactly, down to ids and extensions. A pattern is a part of the value: what it has must be
there, in arrays among whatever else there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import eq
from typing import Any, TypeAlias

from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.rules.item_rule import ItemRule
from service.profiles.run import json_type, quoted

Test: TypeAlias = Callable[[Any], bool]
"""Whether a JSON value has what is demanded of it."""


def fixed(expected: Any) -> ItemRule:  # noqa: ANN401  # any JSON value
    """Demand exactly this value."""

    is_it = being(expected)

    def check(item: Item, run: ProfileRun) -> None:
        if not is_it(item.value):
            run.report("value", "fixed", item.where, f"must be {shown(expected)}, not {shown(item.value)}")

    return check


def pattern(expected: Any) -> ItemRule:  # noqa: ANN401  # any JSON value
    """Demand that the value has all that the pattern has."""

    has_it = having(expected)

    def check(item: Item, run: ProfileRun) -> None:
        if not has_it(item.value):
            run.report("value", "pattern", item.where, f"must have what the pattern {shown(expected)} has")

    return check


def same(expected: Any, value: Any) -> bool:  # noqa: ANN401  # any JSON values
    """Whether two JSON values are the same; the digits of a decimal count, for they are its precision."""
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and expected.keys() == value.keys()
            and all(same(part, value[name]) for name, part in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(value, list)
            and len(expected) == len(value)
            and all(same(*pair) for pair in zip(expected, value, strict=True))
        )
    return _same_primitive(expected, value)


def being(expected: Any) -> Test:  # noqa: ANN401  # any JSON value
    """The test whether a value is the same as a fixed one."""
    return partial(eq, expected) if isinstance(expected, str) else partial(same, expected)


def having(expected: Any) -> Test:  # noqa: ANN401  # any JSON value
    """The test whether a value has all that a pattern has; each item of an array in the pattern is in the value's."""
    if isinstance(expected, str):
        return partial(eq, expected)
    if isinstance(expected, dict):
        return _having_members([(name, having(part)) for name, part in expected.items()])
    if isinstance(expected, list):
        return _having_items([having(part) for part in expected])
    return partial(_same_primitive, expected)


def _having_members(members: Sequence[tuple[str, Test]]) -> Test:
    if len(members) == 1:
        only, only_test = members[0]
        return lambda value: isinstance(value, dict) and only_test(value.get(only))
    if len(members) == 2:  # the system and the code of a pattern for codes
        (first, first_test), (second, second_test) = members
        return lambda value: isinstance(value, dict) and first_test(value.get(first)) and second_test(value.get(second))
    return lambda value: isinstance(value, dict) and all(test(value.get(name)) for name, test in members)


def _having_items(parts: Sequence[Test]) -> Test:
    if len(parts) == 1:
        only = parts[0]
        return lambda value: isinstance(value, list) and any(map(only, value))
    return lambda value: isinstance(value, list) and all(any(map(part, value)) for part in parts)


def _same_primitive(expected: object, value: object) -> bool:
    # True is 1 to Python, and 1.0 is 1.00; neither is so to FHIR.
    return json_type(expected) == json_type(value) and str(expected) == str(value)


def shown(value: object) -> str:
    """A value in a message: a coded one by system and code, other objects by what they have."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {shown(part)}" for name, part in list(value.items())[:4]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(shown(part) for part in value[:3]) + "]"
    return "nothing" if value is None else quoted(value)
