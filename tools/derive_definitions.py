"""The profiles and extensions among the tables of service/fhir/r5.

Every entry is a StructureDefinition by its URL, with its differential, without what only people read and without what
the reader can put back (``service/profiles/definition/core.py``).
Page: https://hl7.org/fhir/R5/structuredefinition.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

HEAD = ("version", "name", "status", "kind", "abstract", "type", "baseDefinition", "contextInvariant")
ELEMENT = ("slicing", "min", "max", "type", "contentReference", "maxLength", "isModifier", "mustSupport")
VALUES = ("fixed", "pattern", "minValue", "maxValue")
MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"


def structure_definitions(core: Iterable[Json], extensions: Iterable[Json]) -> Json:
    """URL -> StructureDefinition, for the profiles of the core and for all of the package of extensions."""
    found: Json = {}
    for structure in (*extensions, *core):
        if structure.get("derivation") == "constraint":
            found[structure["url"]] = _structure(structure)
    return dict(sorted(found.items()))


def _structure(structure: Json) -> Json:
    entry = {name: structure[name] for name in HEAD if structure.get(name)}
    if "context" in structure:
        entry["context"] = [{"type": c["type"], "expression": c["expression"]} for c in structure["context"]]
    elements = [_element(element) for element in structure["differential"]["element"]]
    # An element of which only prose is given matters where it opens a path, which the elements below it do as well.
    entry["element"] = [element for element in elements if len(element) > 1 or ":" in element["id"]]
    return entry


def _element(element: Json) -> Json:
    entry: Json = {"id": element["id"]}
    plain = ".".join(part.partition(":")[0] for part in element["id"].split("."))
    if element["path"] != plain:
        entry["path"] = element["path"]
    for name, value in element.items():
        if value is False:
            continue
        if name in ELEMENT or name.startswith(VALUES):
            entry[name] = _without_prose(value)
        elif name == "sliceName" and not element["id"].endswith(":" + value):
            entry[name] = value
    if "constraint" in element:
        entry["constraint"] = [_constraint(c) for c in element["constraint"] if "expression" in c]
    if "valueSet" in element.get("binding", {}):
        entry["binding"] = _binding(element["binding"])
    return entry


def _constraint(constraint: Json) -> Json:
    return {name: constraint[name] for name in ("key", "severity", "expression", "source") if name in constraint}


def _binding(binding: Json) -> Json:
    entry: Json = {name: binding[name] for name in ("strength", "valueSet") if name in binding}
    if "additional" in binding:
        kept = ("purpose", "valueSet", "usage", "any")
        entry["additional"] = [{name: one[name] for name in kept if name in one} for one in binding["additional"]]
    limits = [extension for extension in binding.get("extension", ()) if extension["url"] == MAX_VALUE_SET]
    if limits:
        entry["extension"] = limits
    return entry


def _without_prose(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """The value without descriptions and without the extensions of types, which say nothing about instances."""
    if isinstance(value, dict):
        return {k: _without_prose(v) for k, v in value.items() if k not in ("description", "extension", "comment")}
    return [_without_prose(item) for item in value] if isinstance(value, list) else value
