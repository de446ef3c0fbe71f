"""A set of codes of which some may not be known here, and how sets are put together.

Whether a code is in such a set is yes, no, or not known; :class:`Members` says this of every code there is, and lists
those that are surely in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from service.terminology.base import Verdict
from service.terminology.code_system import Concept, System

Test: TypeAlias = Callable[[str | None, str], bool | None]
"""Whether a code of a system, None for any, is in a set; None where that is not known."""
Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a set cannot be listed: an issue type, and whatever is not known or has no end."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Member:
    """A code of a set; ``display`` is the one that the value set chose for it, else that of its system."""

    system: System
    concept: Concept
    display: str | None
    designations: tuple[dict[str, object], ...]
    verdict: Verdict

    @property
    def key(self) -> Key:
        """What tells it from others in a set."""
        return self.system.url, self.system.key(self.concept.code)


def member(
    system: System, concept: Concept, display: str | None = None, designations: Iterable[dict[str, object]] = ()
) -> Member:
    """Return a code as a member of a set."""
    shown = display or concept.display
    verdict = Verdict(True, display=shown)
    if concept.abstract:
        verdict = Verdict(False, f"{concept.code!r} of {system.url} is abstract: it only groups others.", shown)
    return Member(system, concept, shown, tuple(designations), verdict)


class Members:
    """What is surely in a set, in its order; a test for whatever is not among that; why that cannot be listed."""

    def __init__(self, listed: Iterable[Member] = (), rest: Test | None = None, gaps: Iterable[Gap] = ()) -> None:
        self.listed: dict[Key, Member] = {}
        for each in listed:
            self.listed.setdefault(each.key, each)
        self.rest = rest
        self.gaps = tuple(dict.fromkeys(gaps))
        self._any_case = {each.system.url for each in self.listed.values() if not each.system.case_sensitive}
        self._by_code: dict[str, list[Member]] | None = None
        self._last: tuple[str | None, str, bool | None] | None = None

    def find(self, system: str | None, code: str) -> Member | None:
        """Return a member that is listed; without a system, the first with this code."""
        if system is None:
            found = self.of_code(code)
            return found[0] if found else None
        return self.listed.get((system, code)) or (
            self.listed.get((system, code.casefold())) if system in self._any_case else None
        )

    def of_code(self, code: str) -> list[Member]:
        """Return the members with a code, whatever their system."""
        if self._by_code is None:
            by_code: dict[str, list[Member]] = {}
            for (_, key), each in self.listed.items():
                by_code.setdefault(key, []).append(each)
            self._by_code = by_code
        found = self._by_code.get(code, [])
        folded = code.casefold()
        if self._any_case and folded != code:
            found = [*found, *(each for each in self._by_code.get(folded, ()) if not each.system.case_sensitive)]
        return found

    def has(self, system: str | None, code: str) -> bool | None:
        """Whether a code is in the set, None where that is not known."""
        if self.find(system, code) is not None:
            return True
        if self.rest is None:
            return False
        # A set may be reached on many ways from one that is made of it; it is asked once for each code.
        last = self._last
        if last is None or last[0] != system or last[1] != code:
            last = self._last = system, code, self.rest(system, code)
        return last[2]

    def __iter__(self) -> Iterator[Member]:
        return iter(self.listed.values())


def both(one: bool | None, other: bool | None) -> bool | None:
    """The conjunction of two answers."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def either(one: bool | None, other: bool | None) -> bool | None:
    """The disjunction of two answers."""
    if one or other:
        return True
    return None if one is None or other is None else False


def union(sets: Iterable[Members]) -> Members:
    """Return the codes that are in any of the sets."""
    every = list(sets)
    rests = [each.has for each in every if each.rest is not None]

    def rest(system: str | None, code: str) -> bool | None:
        found: bool | None = False
        for test in rests:
            found = either(found, test(system, code))
            if found:
                break
        return found

    listed = (each for one in every for each in one)
    return Members(listed, rest if rests else None, (gap for each in every for gap in each.gaps))


def intersection(one: Members, other: Members) -> Members:
    """Return the codes that are in both sets, as the first shows them."""
    sure = [(each, _has(other, each)) for each in one]
    if one.rest is not None:
        sure += [(each, _has(one, each)) for each in other]
    # Where one of the two is listed whole, what is in both is listed as well.
    open_ = (one.rest is not None and other.rest is not None) or any(found is None for _, found in sure)

    def rest(system: str | None, code: str) -> bool | None:
        return both(one.has(system, code), other.has(system, code))

    listed = (each for each, found in sure if found)
    return Members(listed, rest if open_ else None, (*one.gaps, *other.gaps) if open_ else ())


def difference(one: Members, other: Members) -> Members:
    """Return the codes that are in the first set and not in the second."""
    kept = {each.key: _has(other, each) for each in one}
    listed = [each for each in one if kept[each.key] is False]
    unsure = any(found is None for found in kept.values())

    def rest(system: str | None, code: str) -> bool | None:
        excluded = other.has(system, code)
        return both(one.has(system, code), None if excluded is None else not excluded)

    open_ = one.rest is not None or unsure
    return Members(listed, rest if open_ else None, (*one.gaps, *(other.gaps if unsure else ())))


def _has(members: Members, each: Member) -> bool | None:
    return members.has(each.system.url, each.concept.code)
