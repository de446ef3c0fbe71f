"""$translate: codes of one system in terms of another (https://hl7.org/fhir/R5/conceptmap-operation-translate.html)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from service.errors import Unprocessable
from service.fhir.library import Resource
from service.terminology.code_system import value_of

Json: TypeAlias = dict[str, Any]
Part: TypeAlias = dict[str, Any]

_REVERSED: Final = {
    "source-is-narrower-than-target": "source-is-broader-than-target",
    "source-is-broader-than-target": "source-is-narrower-than-target",
}
MAPS: Final = 50
"""Maps that lead on to each other, as many as are followed."""
_UNMATCHED: Final = "not-related-to"


@dataclass(frozen=True, slots=True)
class Coded:
    """A code to translate; the system may be left open."""

    code: str
    system: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be translated, which way round, into which system, and under which other circumstances."""

    codes: Sequence[Coded]
    reverse: bool = False
    target_system: str | None = None
    dependencies: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A translation: how the source relates to it, and which map says so. Without a code, it is known to have none."""

    relationship: str
    concept: Json
    origin: str
    properties: Sequence[Part] = ()
    products: Sequence[Part] = ()
    depends: Sequence[Part] = ()

    @property
    def found(self) -> bool:
        """Whether the source is related to this."""
        return self.relationship != _UNMATCHED

    @property
    def part(self) -> Part:
        """The match as a parameter of the answer."""
        parts: list[Part] = [{"name": "relationship", "valueCode": self.relationship}]
        if self.concept:
            parts.append({"name": "concept", "valueCoding": self.concept})
        parts += [*self.properties, *self.products, *self.depends]
        if self.origin:
            parts.append({"name": "originMap", "valueUri": self.origin})
        return {"name": "match", "part": parts}


@dataclass(frozen=True, slots=True)
class Translator:
    """Translates by maps; ``concept_map`` finds one that another leads on to, ``in_set`` tells what a set has."""

    concept_map: Callable[[str], Resource | None]
    in_set: Callable[[str, str | None, str], bool | None]

    def matches(self, concept_map: Resource, wanted: Wanted) -> list[Match]:
        """Return what a map says of the codes, each once."""
        found = [match for coded in wanted.codes for match in self._one(concept_map, coded, wanted, set())]
        return list({repr(match.part): match for match in found}.values())

    def _one(self, concept_map: Resource, coded: Coded, wanted: Wanted, seen: set[str]) -> Iterator[Match]:
        origin = concept_map.get("url", "")
        if origin in seen:
            return
        if len(seen) > MAPS:
            raise Unprocessable(f"Maps lead to each other over more than {MAPS}.", code="too-costly")
        seen.add(origin)
        for group in concept_map.get("group", ()):
            source, target = ("target", "source") if wanted.reverse else ("source", "target")
            if not _is(group.get(source), coded.system, coded.version):
                continue
            if not _is(group.get(target), wanted.target_system, None):
                continue
            if wanted.reverse:
                yield from self._backwards(group, coded, origin)
            else:
                yield from self._forwards(group, coded, wanted, origin, seen)

    def _forwards(self, group: Json, coded: Coded, wanted: Wanted, origin: str, seen: set[str]) -> Iterator[Match]:
        entries = [entry for entry in group.get("element", ()) if self._means(entry, group.get("source"), coded)]
        for entry in entries:
            if entry.get("noMap"):
                yield Match(_UNMATCHED, {}, origin)
            for target in entry.get("target", ()):
                if _holds(target.get("dependsOn", ()), wanted.dependencies):
                    yield _match(target, group.get("target"), target.get("relationship", "related-to"), origin)
        if not entries and "unmapped" in group:
            yield from self._unmapped(group, coded, wanted, origin, seen)

    def _backwards(self, group: Json, coded: Coded, origin: str) -> Iterator[Match]:
        for entry in group.get("element", ()):
            for target in entry.get("target", ()):
                if "code" in entry and self._means(target, group.get("target"), coded):
                    relationship = target.get("relationship", "related-to")
                    yield _match(entry, group.get("source"), _REVERSED.get(relationship, relationship), origin)

    def _means(self, entry: Json, system: str | None, coded: Coded) -> bool:
        if "valueSet" in entry:
            return self.in_set(entry["valueSet"], coded.system or _url(system), coded.code) is True
        return entry.get("code") == coded.code

    def _unmapped(self, group: Json, coded: Coded, wanted: Wanted, origin: str, seen: set[str]) -> Iterator[Match]:
        unmapped = group["unmapped"]
        relationship = unmapped.get("relationship", "related-to")
        match unmapped.get("mode"):
            case "use-source-code":
                yield _match({"code": coded.code}, group.get("target"), relationship, origin)
            case "fixed":
                yield _match(unmapped, group.get("target"), relationship, origin)
            case "other-map":
                other = self.concept_map(unmapped.get("otherMap", ""))
                if other is not None:
                    yield from self._one(other, coded, wanted, seen)


def _is(canonical: str | None, system: str | None, version: str | None) -> bool:
    """Whether a group's end is a system; either may be left open."""
    if canonical is None or system is None:
        return True
    url, _, own = canonical.partition("|")
    asked, _, asked_version = system.partition("|")
    wanted = version or asked_version
    return url == asked and (not own or not wanted or own == wanted)


def _url(canonical: str | None) -> str | None:
    return None if canonical is None else canonical.partition("|")[0]


def _match(entry: Json, system: str | None, relationship: str, origin: str) -> Match:
    url, _, version = (system or "").partition("|")
    given = {"system": url, "version": version, "code": entry.get("code"), "display": entry.get("display")}
    return Match(
        relationship,
        {name: value for name, value in given.items() if value} if "code" in entry else {},
        origin,
        [_named("property", "uri", "valueUri", each, "code") for each in entry.get("property", ())],
        [_named("product", "attribute", "valueUri", each, "attribute") for each in entry.get("product", ())],
        [_named("dependsOn", "attribute", "valueUri", each, "attribute") for each in entry.get("dependsOn", ())],
    )


def _named(name: str, of: str, type_: str, holder: Json, key: str) -> Part:
    parts: list[Part] = [{"name": of, type_: holder.get(key, "")}]
    if any(member.startswith("value") and member != "valueSet" for member in holder):
        parts.append({"name": "value", **dict([value_of({n: v for n, v in holder.items() if n != "valueSet"})])})
    return {"name": name, "part": parts}


def _holds(conditions: Iterable[Json], given: Mapping[str, object]) -> bool:
    """Whether what a translation depends on is given; what nobody speaks of is left for the client to judge."""
    for condition in conditions:
        attribute = condition.get("attribute", "")
        values = [value for name, value in condition.items() if name.startswith("value") and name != "valueSet"]
        if attribute in given and values and given[attribute] not in values:
            return False
    return True
