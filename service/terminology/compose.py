"""What is in a value set, from its definition: https://hl7.org/fhir/R5/valueset.html#compositions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from service.errors import Unprocessable
from service.fhir.library import Resource
from service.terminology.base import Verdict
from service.terminology.code_system import Concept, System
from service.terminology.filters import Filter, compile_filter
from service.terminology.members import (
    Gap,
    Member,
    Members,
    Test,
    both,
    difference,
    intersection,
    member,
    union,
)

Json: TypeAlias = dict[str, Any]

TOO_COSTLY = "http://hl7.org/fhir/StructureDefinition/valueset-toocostly"
UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
DEPTH = 50
"""Levels on which value sets may include each other."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Which versions of code systems a client wants: where none is named, others than named, or checked only."""

    default: Mapping[str, str] = field(default_factory=dict)
    force: Mapping[str, str] = field(default_factory=dict)
    check: Mapping[str, str] = field(default_factory=dict)

    def of(self, system: str, version: str | None) -> str | None:
        """Return the version to use of a system; raises :class:`Unprocessable` where a check fails."""
        chosen = self.force.get(system) or version or self.default.get(system) or self.check.get(system)
        wanted = self.check.get(system)
        if wanted is not None and chosen != wanted:
            raise Unprocessable(
                f"The value set uses version {chosen} of {system}, not {wanted}.",
                code="business-rule",
                expression="check-system-version",
            )
        return chosen

    def __bool__(self) -> bool:
        return bool(self.default or self.force or self.check)


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes value sets; ``system`` and ``value_set`` look up what they are made of, None for what is not known."""

    system: Callable[[str, str | None], System | None]
    value_set: Callable[[str], Resource | None]
    known: Callable[[str], Members | None] = lambda _: None
    """Return what has been composed already under a canonical."""
    versions: Versions = Versions()
    done: dict[str, Members] = field(default_factory=dict)
    """What this composer has met already: a value set may be used at many places."""

    def members(self, value_set: Resource, within: tuple[str, ...] = ()) -> Members:
        """Return what is in a value set; raises :class:`Unprocessable` where its definition cannot be followed."""
        url = value_set.get("url", "")
        if url and url in within:
            raise Unprocessable(f"A value set includes itself: {' -> '.join((*within, url))}.", code="processing")
        if len(within) > DEPTH:
            raise Unprocessable(f"Value sets include each other over more than {DEPTH} levels.", code="too-costly")
        compose, expansion = value_set.get("compose"), value_set.get("expansion")
        if compose is None:
            return self._expanded(expansion) if expansion else Members()
        path = (*within, url) if url else within
        included = union([self._part(part, compose, path) for part in compose.get("include", ())])
        excluded = [self._part(part, compose, path) for part in compose.get("exclude", ())]
        found = difference(included, union(excluded)) if excluded else included
        if found.gaps and expansion and not self.versions:
            return self._expanded(expansion)
        return found

    def _part(self, part: Json, compose: Json, path: tuple[str, ...]) -> Members:
        sets = [self._imported(canonical, path) for canonical in part.get("valueSet", ())]
        if "system" in part:
            sets.insert(0, self._of_system(part, active=compose.get("inactive") is False))
        if not sets:
            raise Unprocessable("A part of a value set names neither a system nor a value set.", code="invalid")
        found = sets[0]
        for each in sets[1:]:
            found = intersection(found, each)
        return found

    def _imported(self, canonical: str, path: tuple[str, ...]) -> Members:
        known = self.known(canonical) or self.done.get(canonical)
        if known is not None:
            return known
        value_set = self.value_set(canonical)
        if value_set is None:
            return Members((), lambda _, __: None, [Gap("not-found", f"the value set {canonical} is not known here")])
        found = self.done[canonical] = self.members(value_set, path)
        return found

    def _of_system(self, part: Json, *, active: bool) -> Members:
        url, version = part["system"], self.versions.of(part["system"], part.get("version"))
        system = self.system(url, version)
        shown = f"{url}|{version}" if version else url
        if "concept" in part:
            # What is enumerated needs no code system to be in the set.
            return Members(_enumerated(system or System(url, None), part["concept"], active=active))
        if system is None:
            return Members((), _unsure(url), [Gap("not-found", f"the code system {shown} is not known here")])
        filters = [compile_filter(system, each) for each in part.get("filter", ())]
        listed = [
            member(system, concept)
            for concept in system.concepts.values()
            if not (active and concept.inactive) and _passes(filters, concept.code, concept)
        ]
        if system.complete and system.hierarchy_known:
            return Members(listed)
        return Members(listed, _rest(system, filters), _gaps(system, filters))

    def _expanded(self, expansion: Json) -> Members:
        """Return what an expansion that came with the value set lists."""
        listed = list(self._listed(expansion.get("contains", ())))
        marks = {each.get("url") for each in expansion.get("extension", ())}
        if not marks & {TOO_COSTLY, UNCLOSED} and len(listed) >= int(expansion.get("total", 0)):
            return Members(listed)
        return Members(listed, lambda _, __: None, [Gap("incomplete", "the expansion that it came with is not whole")])

    def _listed(self, contains: Iterable[Json]) -> Iterable[Member]:
        for entry in contains:
            if "code" in entry and "system" in entry:
                system = self.system(entry["system"], entry.get("version")) or System(entry["system"], None)
                found = member(system, system.concept(entry["code"]), entry.get("display"))
                if entry.get("abstract"):
                    verdict = Verdict(False, f"{entry['code']!r} of {system.url} is abstract.", found.display)
                    found = Member(system, found.concept, found.display, (), verdict)
                yield found
            yield from self._listed(entry.get("contains", ()))


def _enumerated(system: System, concepts: Iterable[Json], *, active: bool) -> Iterable[Member]:
    for each in concepts:
        concept = system.find(each["code"])
        # Where the whole system is known, a code that it does not have is in no value set.
        if concept is None and system.complete:
            continue
        found = concept or Concept(each["code"])
        if not (active and found.inactive):
            yield member(system, found, each.get("display"), each.get("designation", ()))


def _unsure(url: str) -> Test:
    return lambda system, _: None if system in (None, url) else False


def _passes(filters: Sequence[Filter], code: str, concept: Concept | None) -> bool | None:
    found: bool | None = True
    for each in filters:
        found = both(found, each(code, concept))
    return found


def _rest(system: System, filters: Sequence[Filter]) -> Test:
    def rest(url: str | None, code: str) -> bool | None:
        if url not in (None, system.url):
            return False
        return both(system.has(code), _passes(filters, code, system.find(code)))

    return rest


def _gaps(system: System, filters: Sequence[Filter]) -> Iterable[Gap]:
    if system.grammar is not None:
        yield Gap("too-costly", f"the codes of {system.url} are a grammar and have no end")
    elif not system.complete:
        yield Gap("incomplete", f"only a part of the code system {system.url} is known here")
    if any(_passes(filters, concept.code, concept) is None for concept in system.concepts.values()):
        yield Gap("not-supported", f"what the value set asks of {system.url} is not known here")
