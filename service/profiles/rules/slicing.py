"""Slicing: https://hl7.org/fhir/R5/profiling.html#slicing.

Every item is given to the slice whose demands it meets; then each slice is checked with the items that it was given,
and its own slices with them (reslicing). What no slice takes goes to the slice ``@default``, if there is one. Where
there are slices of which nothing tells what is in them, it may be in one of those, so that nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.rules.discriminator import Matcher
from service.profiles.rules.item_rule import ItemsRule
from service.profiles.run import Where

DEFAULT = "@default"


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice: its name, what its items have to meet to be in it, and the check of the items that are.

    ``position`` is where its item stands, where slices are told apart by that.
    """

    name: str
    matches: Matcher | None
    check: ItemsRule | None
    position: int | None = None


def slicing(slices: Sequence[Slice], rules: str, *, ordered: bool, undecided: bool = False) -> ItemsRule:
    """Sort the items of an element into slices and check each; ``rules`` is open, closed or openAtEnd.

    ``undecided`` tells that there are slices besides of which nothing tells what is in them.
    """
    named = [slice_ for slice_ in slices if slice_.name != DEFAULT]
    default = next((slice_ for slice_ in slices if slice_.name == DEFAULT), None)
    nothing_outside = default is None and not undecided

    def check(items: Sequence[Item], where: Where, run: ProfileRun) -> None:
        taken: list[list[Item]] = [[] for _ in named]
        rest: list[Item] = []
        order: list[int] = []
        for index, item in enumerate(items):
            found = [number for number, slice_ in enumerate(named) if _in(slice_, item, index, run)]
            if found:
                taken[found[0]].append(item)
                order.append(found[0])
            else:
                rest.append(item)
                order.append(len(named))
            if len(found) > 1:
                names = " and ".join(named[number].name for number in found)
                run.report("structure", "slicing", item.where, f"is in more than one slice: {names}")
        if rest and nothing_outside and rules == "closed":
            for item in rest:
                run.report("structure", "slicing", item.where, f"is in none of the slices {_names(named)}")
        if rules == "openAtEnd" and nothing_outside:
            _at_end(order, len(named), items, run)
        if ordered:
            _in_order(order, named, items, run)
        for slice_, mine in zip(named, taken, strict=True):
            if slice_.check is not None:
                slice_.check(mine, where, run)
        if default is not None and default.check is not None and not undecided:
            default.check(rest, where, run)

    return check


def _in(slice_: Slice, item: Item, index: int, run: ProfileRun) -> bool:
    if slice_.position is not None and slice_.position != index:
        return False
    return slice_.matches is None or slice_.matches(item, run)


def _names(slices: Sequence[Slice]) -> str:
    return ", ".join(slice_.name for slice_ in slices)


def _at_end(order: Sequence[int], outside: int, items: Sequence[Item], run: ProfileRun) -> None:
    if outside not in order:
        return
    first = order.index(outside)
    for number, item in zip(order[first:], items[first:], strict=True):
        if number != outside:
            run.report("structure", "slicing", item.where, "stands after an item that is in no slice")
            return


def _in_order(order: Sequence[int], named: Sequence[Slice], items: Sequence[Item], run: ProfileRun) -> None:
    furthest = 0
    for number, item in zip(order, items, strict=True):
        if number == len(named):
            continue
        if number < furthest:
            text = f"slice {named[number].name} stands after slice {named[furthest].name}"
            run.report("structure", "slicing", item.where, text)
            return
        furthest = number
