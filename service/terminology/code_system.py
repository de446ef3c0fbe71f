"""A code system as it is looked things up in: https://hl7.org/fhir/R5/codesystem.html.

What one of its codes is, what lies above and below it, and whether a code that is not listed can be one all the same:
a system may be here only in part, or be a grammar that no list exhausts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from service.fhir.library import Resource
from service.terminology.grammars import GRAMMARS

Json: TypeAlias = dict[str, Any]

FLAT: Final = "https://trial-registry.example.org/fhir/StructureDefinition/hierarchy-unknown"
"""Extension of a code system of the tables: its codes are known here, their hierarchy and properties are not."""
_PROPERTIES: Final = "http://hl7.org/fhir/concept-properties#"


@dataclass(slots=True)
class Concept:
    """A code and what its system says of it; ``properties`` and ``designations`` are as in the resource."""

    code: str
    display: str | None = None
    definition: str | None = None
    properties: list[Json] = field(default_factory=list)
    designations: list[Json] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    abstract: bool = False
    inactive: bool = False

    def values(self, name: str) -> list[str]:
        """Return the values of a property as text; ``code``, ``concept``, ``display``, ``parent``, ``child`` too."""
        match name:
            case "code" | "concept":
                return [self.code]
            case "display":
                return [self.display] if self.display else []
            case "parent":
                return self.parents
            case "child":
                return self.children
        return [value_text(each) for each in self.properties if each.get("code") == name]

    @property
    def displays(self) -> Iterator[str]:
        """Every text that may stand for the code."""
        if self.display:
            yield self.display
        for designation in self.designations:
            if isinstance(text := designation.get("value"), str):
                yield text


def value_of(holder: Json) -> tuple[str, Any]:
    """Return the name and the content of the ``value[x]`` of an element; raises StopIteration where there is none."""
    return next((name, value) for name, value in holder.items() if name.startswith("value"))


def value_text(holder: Json) -> str:
    """Return the ``value[x]`` of an element as the text that a filter compares; empty where there is none."""
    value = next((value for name, value in holder.items() if name.startswith("value")), "")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get("code", "")) if isinstance(value, dict) else str(value)


class System:
    """A code system with the supplements that are known of it; without a resource, one that is only a grammar."""

    def __init__(self, url: str, resource: Resource | None, supplements: Iterable[Resource] = ()) -> None:
        self.url = url
        self.resource: Resource = resource or {"url": url, "content": "not-present"}
        self.version: str | None = self.resource.get("version")
        self.grammar: Callable[[str], bool | None] | None = GRAMMARS.get(url)
        self.complete = self.resource.get("content") == "complete" and self.grammar is None
        self.case_sensitive = self.resource.get("caseSensitive") is not False
        self.concepts: dict[str, Concept] = {}
        self.properties_known = all(each.get("url") != FLAT for each in self.resource.get("extension", ()))
        self.hierarchy_known = self.complete and self.properties_known
        self.subsuming = self.resource.get("hierarchyMeaning", "is-a") == "is-a"
        """Whether what lies below a code is a kind of it."""
        self._below: dict[str, frozenset[str]] = {}
        self._flags = _flags(self.resource)
        self._take(self.resource.get("concept", ()), None)
        for supplement in supplements:
            self._supplement(supplement.get("concept", ()))
        self._link()

    def key(self, code: str) -> str:
        """Return the code as it is compared."""
        return code if self.case_sensitive else code.casefold()

    def find(self, code: str) -> Concept | None:
        """Return the concept of a code, None where it is not listed."""
        return self.concepts.get(code) or (None if self.case_sensitive else self.concepts.get(code.casefold()))

    def has(self, code: str) -> bool | None:
        """Whether this is one of the system's codes; None where that is not known here."""
        if self.find(code) is not None:
            return True
        if self.grammar is not None:
            return self.grammar(code)
        return False if self.complete else None

    def below(self, code: str) -> frozenset[str]:
        """Return the codes below a code, at any depth, without itself."""
        found = self._below.get(code)
        if found is None:
            found = self._below[code] = frozenset(self._reached(code, lambda concept: concept.children))
        return found

    def above(self, code: str) -> set[str]:
        """Return the codes above a code, at any height, without itself."""
        return self._reached(code, lambda concept: concept.parents)

    def subsumes(self, ancestor: str, descendant: str) -> bool | None:
        """Whether a code is the other or above it; None where that is not known here."""
        first, second = self.find(ancestor), self.find(descendant)
        if self.key(ancestor) == self.key(descendant):
            return self.has(ancestor)
        if not self.hierarchy_known:
            return None
        if first is None or second is None:
            return False
        return self.subsuming and second.code in self.below(first.code)

    def _reached(self, code: str, along: Callable[[Concept], list[str]]) -> set[str]:
        found: set[str] = set()
        start = self.find(code)
        ahead = list(along(start)) if start else []
        while ahead:
            each = ahead.pop()
            concept = self.find(each)
            if concept is not None and concept.code not in found:
                found.add(concept.code)
                ahead.extend(along(concept))
        return found

    def _take(self, listed: Iterable[Json], parent: str | None) -> None:
        ahead = [(each, parent) for each in reversed(list(listed))]
        while ahead:
            entry, above = ahead.pop()
            concept = Concept(
                entry.get("code", ""),
                entry.get("display"),
                entry.get("definition"),
                list(entry.get("property", ())),
                list(entry.get("designation", ())),
                [above] if above is not None else [],
            )
            for flag, names in self._flags.items():
                found = {value_text(each) for each in concept.properties if each.get("code") in names}
                setattr(concept, flag, bool(found & {"true", "retired", "inactive"}))
            self.concepts.setdefault(self.key(concept.code), concept)
            ahead.extend((each, concept.code) for each in reversed(entry.get("concept", ())))

    def _supplement(self, listed: Iterable[Json]) -> None:
        for entry in listed:
            concept = self.find(entry.get("code", ""))
            if concept is not None:
                concept.designations.extend(entry.get("designation", ()))
                concept.properties.extend(entry.get("property", ()))
            self._supplement(entry.get("concept", ()))

    def _link(self) -> None:
        """Join each code to those above and below it, whichever way round the resource says it."""
        for concept in list(self.concepts.values()):
            for each in concept.properties:
                other = self.find(value_text(each)) if each.get("code") in ("parent", "child") else None
                if other is not None:
                    lower, upper = (concept, other) if each["code"] == "parent" else (other, concept)
                    if upper.code not in lower.parents:
                        lower.parents.append(upper.code)
        for concept in self.concepts.values():
            for code in dict.fromkeys(concept.parents):
                above = self.find(code)
                if above is not None:
                    above.children.append(concept.code)

    def concept(self, code: str) -> Concept:
        """Return the concept of a code, a bare one where it is not listed."""
        return self.find(code) or Concept(code)


def _flags(resource: Resource) -> dict[str, set[str]]:
    """Return for each flag of a concept the codes of the properties that say it."""
    found = {"abstract": {"notSelectable", "abstract"}, "inactive": {"inactive", "status"}}
    for declared in resource.get("property", ()):
        uri, code = declared.get("uri", ""), declared.get("code", "")
        if uri.startswith(_PROPERTIES):
            meant = uri.removeprefix(_PROPERTIES)
            for names, own in ((found["abstract"], {"notSelectable"}), (found["inactive"], {"inactive", "status"})):
                if meant in own:
                    names.add(code)
                elif code in own:
                    names.discard(code)
    return found
