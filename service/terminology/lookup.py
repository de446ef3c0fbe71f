"""$lookup: what a code system says of a code (https://hl7.org/fhir/R5/codesystem-operation-lookup.html)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from service.terminology.code_system import Concept, System, value_of
from service.terminology.displays import in_language, ranges

Part: TypeAlias = dict[str, Any]

_OWN = ("parent", "child", "inactive", "abstract")


def lookup(system: System, concept: Concept, properties: Sequence[str], language: str) -> list[Part]:
    """Return the parameters of the answer, with these properties; with all that there are where none is named."""
    name = system.resource.get("title") or system.resource.get("name") or system.url
    wanted = set(properties)
    languages = ranges(language)
    own = system.resource.get("language")
    display = in_language(concept.display, own, concept.designations, languages) or concept.code
    found: list[Part] = [{"name": "name", "valueString": name}]
    if system.version:
        found.append({"name": "version", "valueString": system.version})
    found.append({"name": "display", "valueString": display})
    if concept.definition and (not wanted or "definition" in wanted):
        found.append({"name": "definition", "valueString": concept.definition})
    if not wanted or "designation" in wanted:
        found += [_designation(each) for each in concept.designations]
    found += [
        {"name": "property", "part": parts}
        for code, parts in _properties(system, concept)
        if (not wanted or code in wanted) and parts
    ]
    return found


def _designation(designation: Part) -> Part:
    parts: list[Part] = []
    if "language" in designation:
        parts.append({"name": "language", "valueCode": designation["language"]})
    if "use" in designation:
        parts.append({"name": "use", "valueCoding": designation["use"]})
    parts.append({"name": "value", "valueString": designation.get("value", "")})
    return {"name": "designation", "part": parts}


def _properties(system: System, concept: Concept) -> Iterator[tuple[str, list[Part]]]:
    for code in concept.parents:
        yield "parent", [*_property("parent", "valueCode", code), *_display(system, code)]
    for code in concept.children:
        yield "child", [*_property("child", "valueCode", code), *_display(system, code)]
    if system.concepts and system.find(concept.code) is not None:
        yield "inactive", _property("inactive", "valueBoolean", concept.inactive)
        yield "abstract", _property("abstract", "valueBoolean", concept.abstract)
    for each in concept.properties:
        if each.get("code") not in _OWN and any(name.startswith("value") for name in each):
            yield each["code"], _property(each["code"], *value_of(each))


def _property(code: str, name: str, value: Any) -> list[Part]:  # noqa: ANN401  # any value[x]
    return [{"name": "code", "valueCode": code}, {"name": "value", name: value}]


def _display(system: System, code: str) -> list[Part]:
    display = system.concept(code).display
    return [{"name": "description", "valueString": display}] if display else []
