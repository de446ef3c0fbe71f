"""Slicing: https://hl7.org/fhir/R5/profiling.html#slicing.

Every item is given to the slice whose demands it meets; then each slice is checked with the items that it was given,
and its own slices with them (reslicing). What no slice takes goes to the slice ``@default``, if there is one. Where
there are slices of which nothing tells what is in them, it may be in one of those, so that nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.rules.discriminator import Matcher, Token
from service.profiles.rules.item_rule import ItemsRule
from service.profiles.rules.occurrence import Occurrences
from service.profiles.run import Where

DEFAULT = "@default"

_Find: TypeAlias = Callable[[Item, int, ProfileRun], Sequence[int]]
"""The numbers of the slices that an item is in: the item, where it stands, the run."""

_NONE: Final[Sequence[int]] = ()


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice: its name, what its items have to meet to be in it, and the check of the items that are.

    ``position`` is where its item stands, where slices are told apart by that; ``token`` what they can be looked up by.
    """

    name: str
    matches: Matcher | None
    own: Occurrences | None
    position: int | None = None
    token: Token | None = None


def slicing(slices: Sequence[Slice], rules: str, *, ordered: bool, undecided: bool = False) -> ItemsRule:
    """Sort the items of an element into slices and check each; ``rules`` is open, closed or openAtEnd.

    ``undecided`` tells that there are slices besides of which nothing tells what is in them.
    """
    named = [slice_ for slice_ in slices if slice_.name != DEFAULT]
    default = next((slice_ for slice_ in slices if slice_.name == DEFAULT), None)
    nothing_outside = default is None and not undecided
    find = _looked_up(named) or _tried(named)
    demanding = [(number, slice_.own) for number, slice_ in enumerate(named) if slice_.own is not None]

    def check(items: Sequence[Item], where: Where, run: ProfileRun) -> None:
        taken: list[list[Item]] = [[] for _ in named]
        rest: list[Item] = []
        order: list[int] = []
        for index, item in enumerate(items):
            found = find(item, index, run)
            order.append(found[0] if found else len(named))
            (taken[found[0]] if found else rest).append(item)
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
        for number, own in demanding:
            if taken[number] or own.demands:
                own.check(taken[number], where, run)
        if default is not None and default.own is not None and not undecided:
            default.own.check(rest, where, run)

    return check


def _tried(slices: Sequence[Slice]) -> _Find:
    """Ask each slice."""
    return lambda item, index, run: [n for n, slice_ in enumerate(slices) if _in(slice_, item, index, run)]


def _looked_up(slices: Sequence[Slice]) -> _Find | None:
    """Look slices up that are all told apart by the text, or by the code, of one child; None if they are not."""
    numbers: dict[Any, tuple[int, ...]] = {}
    names = set()
    for number, slice_ in enumerate(slices):
        if slice_.token is None or slice_.position is not None:
            return None
        names.add(slice_.token.name)
        numbers[slice_.token.key] = (*numbers.get(slice_.token.key, ()), number)
    if len(names) != 1:
        return None
    (name,) = names

    def find(item: Item, _index: int, _run: ProfileRun) -> Sequence[int]:
        holder = item.holder
        value = holder.get(name) if holder is not None else None
        if type(value) is str:
            return numbers.get(value, _NONE)
        codings = value.get("coding") if type(value) is dict else None
        if not isinstance(codings, list):
            return _NONE
        found = _NONE
        for coding in codings:
            system, code = (coding.get("system"), coding.get("code")) if isinstance(coding, dict) else (None, None)
            if type(system) is str and type(code) is str and (mine := numbers.get((system, code))):
                found = sorted({*found, *mine}) if found else mine
        return found

    return find


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
