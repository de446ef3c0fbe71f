"""How often an element or slice occurs in one object, and what holds for each occurrence.

https://hl7.org/fhir/R5/profiling.html#cardinality
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from service.fhir.definitions import ElementDefinition
from service.profiles.definition.element import Element
from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.rules.item_rule import ItemRule, ItemsRule
from service.profiles.run import SINGLE, Where


class Occurrence(NamedTuple):
    """A minimum and a maximum as far as they are tighter than those of the base, and what they are about."""

    name: str
    shown: str
    least: int
    most: int | None

    @classmethod
    def of(cls, element: Element, base: ElementDefinition) -> Occurrence:
        """Compare an element or slice with the element of the base type."""
        least, most = element.min or 0, element.max
        if element.slice_name is None:
            least = least if least > base.min else 0
            most = None if most is not None and base.max == str(most) else most
            return cls(base.name, base.name + ("[x]" if base.choice else ""), least, most)
        most = None if most == 1 and base.max == "1" else most
        return cls(base.name, f"slice {element.slice_name}", least, most)


class Occurrences(NamedTuple):
    """The check of all items of an element.

    ``demands`` tells whether it demands something even where there is no item, ``only_presence`` whether it demands
    nothing but that there is one.
    """

    check: ItemsRule
    demands: bool
    only_presence: bool


def occurrence(count: Occurrence, rules: Sequence[ItemRule], groups: Sequence[ItemsRule]) -> Occurrences | None:
    """The check of an element: how often it occurs, each item, and the items as a group; None if nothing is checked."""
    name, shown, least, most = count
    if not rules and not groups and not least and most is None:
        return None

    if not groups and not least and most is None:
        return Occurrences(_each(rules), demands=False, only_presence=False)

    def check(items: Sequence[Item], where: Where, run: ProfileRun) -> None:
        found = len(items)
        if found < least:
            text = f"{shown} is required" if least == 1 else f"{shown} must occur at least {least} times, not {found}"
            run.report("required", "cardinality", (where, name, SINGLE), text)
        elif most is not None and found > most:
            text = f"{shown} must occur at most {most} times, not {found}" if most else f"{shown} is not allowed here"
            run.report("structure", "cardinality", (where, name, SINGLE), text)
        for item in items:
            for rule in rules:
                rule(item, run)
        for group in groups:
            group(items, where, run)

    return Occurrences(check, bool(least or groups), least == 1 and most is None and not rules and not groups)


def _each(rules: Sequence[ItemRule]) -> ItemsRule:
    """Check each item, of which there may be any number."""
    if len(rules) == 1:
        only = rules[0]

        def check_by_one(items: Sequence[Item], _where: Where, run: ProfileRun) -> None:
            for item in items:
                only(item, run)

        return check_by_one

    def check(items: Sequence[Item], _where: Where, run: ProfileRun) -> None:
        for item in items:
            for rule in rules:
                rule(item, run)

    return check
