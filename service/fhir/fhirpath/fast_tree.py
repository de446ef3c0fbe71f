"""Many paths over plain JSON at once: each step that several have in common is taken once.

A resource type has a hundred search parameters, of which most find nothing in most resources, and the others begin
alike. Their paths make a tree, and what is followed of it is what the resource has.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, TypeAlias

from service.fhir.fhirpath.fast import Json, Move, Path

Found: TypeAlias = list[tuple[int, list[Json]]]
_Branch: TypeAlias = tuple["str | None", bool, Move, tuple[int, ...], tuple["_Branch", ...]]

_NUMBER: Final = itemgetter(0)


@dataclass(slots=True)
class _Step:
    """A step of paths: to an element, of which there may be several, or any other, of no ``member``.

    ``ends`` are the numbers of the paths that end with it; the steps that follow it are known by their labels.
    """

    member: str | None
    repeats: bool
    move: Move
    ends: list[int] = field(default_factory=list)
    after: dict[Hashable, _Step] = field(default_factory=dict)

    def branch(self) -> _Branch:
        """The same to be followed."""
        return self.member, self.repeats, self.move, tuple(self.ends), _branches(self.after)


class Tree:
    """Paths from one type, known by their place among all; immutable, and safe to share between threads."""

    __slots__ = ("_always", "_by_member")

    def __init__(self, paths: Iterable[Path]):
        by_member: dict[str | None, dict[Hashable, _Step]] = {}
        for number, path in enumerate(paths):
            level = by_member.setdefault(head_of(path), {})
            for label, step in _steps(path):
                last = level.setdefault(label, step)
                level = last.after
            last.ends.append(number)
        self._always = _branches(by_member.pop(None, {}))
        self._by_member = {member: _branches(steps) for member, steps in by_member.items()}

    def find(self, value: dict[str, Any]) -> Found:
        """The numbers of the paths that find something in an object, each with its values, in order.

        Raises AttributeError or TypeError where the object is not what its type promises.
        """
        found: Found = []
        start, by_member = [value], self._by_member
        if self._always:
            _follow(start, self._always, found)
        for member in value:
            branches = by_member.get(member)
            if branches is not None:
                _follow(start, branches, found)
        found.sort(key=_NUMBER)
        return found


def head_of(path: Path) -> str | None:
    """The member that the first step of a path takes, None if it has no step: without it, nothing is found."""
    first = None
    link: Path | None = path
    while link is not None:
        first = link.last.member if link.last is not None else first
        link = link.before
    return first


def _steps(path: Path) -> Sequence[tuple[Hashable, _Step]]:
    """The steps of a path with their labels; where one asks the root, the whole path is a step of its own."""
    get, found = path.get, list[tuple[Hashable, _Step]]()
    while path.before is not None:
        if path.move is None:
            return [(get, _Step(None, False, lambda values: get(values[0])))]
        member = path.label if isinstance(path.label, str) else None
        found.append((path.label, _Step(member, path.repeats, path.move)))
        path = path.before
    return found[::-1] or [(None, _Step(None, False, list))]


def _branches(steps: dict[Hashable, _Step]) -> tuple[_Branch, ...]:
    return tuple(step.branch() for step in steps.values())


def _follow(values: list[Json], branches: tuple[_Branch, ...], found: Found) -> None:
    one = values[0] if len(values) == 1 else None
    for member, repeats, move, ends, after in branches:
        if one is None or member is None:
            there = move(values)
        else:  # as most steps are: one look-up
            held = one.get(member)
            if held is None:
                continue
            there = [held] if not repeats else held if None not in held else move(values)
        if not there:
            continue
        for number in ends:
            found.append((number, there))
        if after:
            _follow(there, after, found)
