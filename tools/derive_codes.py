"""The codes of required bindings, for the tables of ``tools/derive_r5.py``.

https://hl7.org/fhir/R5/terminologies.html#strength
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]

TOO_COSTLY = "http://hl7.org/fhir/StructureDefinition/valueset-toocostly"

# Grammars by which a code of an unbounded code system can still be checked.
GRAMMARS = {"urn:ietf:bcp:13": "mime", "urn:ietf:bcp:47": "language"}


def extension(element: Json, url: str) -> str | bool | None:
    """The value of the extension with this URL, None where there is none."""
    for each in element.get("extension", ()):
        if each["url"] == url:
            value: str | bool = next(value for key, value in each.items() if key.startswith("value"))
            return value
    return None


class Terminology:
    """Code systems, value sets, and value sets with their expansions."""

    def __init__(self, systems: list[Json], value_sets: list[Json], expanded: list[Json]) -> None:
        self.systems: dict[str, Json] = {system["url"]: system for system in systems}
        self.composed: dict[str, Json] = {value_set["url"]: value_set for value_set in (*expanded, *value_sets)}
        self.expanded: dict[str, Json] = {value_set["url"]: value_set["expansion"] for value_set in expanded}

    def codes(self, url: str) -> Json:
        """``{"systems": {system: [code]}}`` if the value set is closed, else ``{"open": grammar}``."""
        systems = self._from_expansion(url) or self._from_compose(url)
        if systems:
            return {"systems": {system: sorted(codes) for system, codes in sorted(systems.items())}}
        return {"open": self._grammar(url)}

    def _from_expansion(self, url: str) -> dict[str, set[str]] | None:
        expansion = self.expanded.get(url)
        if expansion is None or not _is_complete(expansion):
            return None
        systems: dict[str, set[str]] = defaultdict(set)
        for concept in _nested(expansion.get("contains", ()), "contains"):
            if not concept.get("abstract"):
                systems[concept["system"]].add(concept["code"])
        return systems

    def _from_compose(self, url: str) -> dict[str, set[str]] | None:
        """From enumerated concepts and whole code systems; None as soon as anything else is included."""
        compose = self.composed.get(url, {}).get("compose", {})
        if compose.get("exclude"):
            return None
        systems: dict[str, set[str]] = defaultdict(set)
        for include in compose.get("include", ()):
            codes = self._included(include)
            if codes is None:
                return None
            systems[include["system"]] |= codes
        return systems

    def _included(self, include: Json) -> set[str] | None:
        if include.get("filter") or include.get("valueSet"):
            return None
        if include.get("concept"):
            return {concept["code"] for concept in include["concept"]}
        system = self.systems.get(include["system"])
        if system is None or system["content"] != "complete":
            return None
        return {concept["code"] for concept in _nested(system.get("concept", ()), "concept")}

    def _grammar(self, url: str) -> str:
        includes = self.composed.get(url, {}).get("compose", {}).get("include", ())
        grammars = {GRAMMARS.get(include.get("system", ""), "unchecked") for include in includes}
        return grammars.pop() if len(grammars) == 1 else "unchecked"


def _is_complete(expansion: Json) -> bool:
    """Whether the expansion lists all of the set: tools cut large or unbounded sets and say so in two ways."""
    if extension(expansion, TOO_COSTLY):
        return False
    if any(p["name"] == "limitedExpansion" and p.get("valueBoolean") for p in expansion.get("parameter", ())):
        return False
    listed = sum(1 for _ in _nested(expansion.get("contains", ()), "contains"))
    return 0 < listed >= int(expansion.get("total", listed))


def _nested(concepts: Iterable[Json], key: str) -> Iterator[Json]:
    for concept in concepts:
        yield concept
        yield from _nested(concept.get(key, ()), key)
