"""Derive the tables of service/fhir/r5 from the packages of the specification.

The definitions of FHIR R5 (https://hl7.org/fhir/R5/downloads.html) are tens of megabytes, most of it prose. The
service needs only their skeleton: elements, types, cardinalities, bindings, codes, search parameters, invariants and
compartments, and profiles and extensions. This program reads the packages ``hl7.fhir.r5.core``,
``hl7.fhir.r5.expansions`` and ``hl7.fhir.uv.extensions.r5``, as unpacked folders or as ``.tgz`` archives, and writes
that skeleton as JSON, sorted, so that the same packages give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from service.fhir import definitions
from service.profiles.definition.core import core_definitions
from service.terminology.core import core_library
from tools.derive_codes import Terminology, extension
from tools.derive_definitions import structure_definitions
from tools.derive_terminology import terminology_tables

Json = dict[str, Any]

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = STRUCTURE + "structuredefinition-fhir-type"
REGEX = STRUCTURE + "regex"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
STRENGTHS = ("required", "extensible", "preferred")  # an example binding binds nobody

# Profiles of a data type that the base resources themselves use as the type of an element.
DATA_TYPE_PROFILES = ("MoneyQuantity", "SimpleQuantity")


class Package:
    """The JSON resources of a FHIR package, by resource type and then by file name."""

    def __init__(self, source: Path) -> None:
        self.manifest: Json = {}
        self._resources: dict[str, dict[str, Json]] = defaultdict(dict)
        for name, text in _files(source):
            if name == "package.json":
                self.manifest = json.loads(text)
            elif not name.startswith("."):
                resource = json.loads(text)
                if isinstance(resource, dict) and "resourceType" in resource:
                    self._resources[resource["resourceType"]][name] = resource
        if not self.manifest:
            raise SystemExit(f"{source}: not a FHIR package (no package.json)")

    def of_type(self, resource_type: str) -> list[Json]:
        """All resources of a type, in the order of their file names."""
        resources = self._resources[resource_type]
        return [resources[name] for name in sorted(resources)]


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    """File name and content of every JSON file that lies directly in the package folder."""
    if source.is_dir():
        folder = source / "package" if (source / "package").is_dir() else source
        for path in folder.glob("*.json"):
            yield path.name, path.read_bytes()
        return
    with tarfile.open(source, "r:gz") as archive:
        for member in archive:
            folder_name, _, name = member.name.partition("/")
            if member.isfile() and folder_name == "package" and "/" not in name and name.endswith(".json"):
                content = archive.extractfile(member)
                if content is not None:
                    yield name, content.read()


def _tail(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def _compact(entry: Json) -> Json:
    """The entry without what is absent; readers take the defaults of service.fhir.definitions."""
    return {key: value for key, value in entry.items() if value not in (None, False, 0, "", [], {})}


def elements(core: Package) -> Json:
    """Type name -> its definition, for all resources and data types, abstract ones included."""
    chosen = [s for s in core.of_type("StructureDefinition") if _is_type(s)]
    roots = {s["name"]: {c["key"] for c in s["snapshot"]["element"][0].get("constraint", ())} for s in chosen}
    return {s["name"]: _type_definition(s, roots) for s in sorted(chosen, key=lambda s: str(s["name"]))}


def _is_type(structure: Json) -> bool:
    if structure["name"] in DATA_TYPE_PROFILES:
        return True
    return structure["kind"] != "logical" and structure.get("derivation") != "constraint"


def _type_definition(structure: Json, roots: dict[str, set[str]]) -> Json:
    own = structure["snapshot"]["element"]
    value = next((e for e in own if e["path"] == structure["type"] + ".value"), None)
    regex = None
    if structure["kind"] == "primitive-type" and value is not None:
        regex = extension(value["type"][0], REGEX)
    return _compact(
        {
            "kind": structure["kind"],
            "abstract": structure["abstract"],
            "base": _tail(structure["baseDefinition"]) if "baseDefinition" in structure else None,
            "regex": regex,
            "invariants": sorted(roots[structure["name"]]),
            "elements": [_element(e, roots) for e in own[1:]],
        }
    )


def _element(element: Json, roots: dict[str, set[str]]) -> Json:
    types = [_type_reference(element, t) for t in element.get("type", ())]
    binding = element.get("binding", {})
    if binding.get("strength") not in STRENGTHS or "valueSet" not in binding:
        binding = {}
    # What already belongs to the type of the element (ele-1, ext-1, ...) is not repeated at each use of the type.
    inherited = set.intersection(*(roots.get(t["code"], set()) for t in types)) if types else {"ele-1"}
    return _compact(
        {
            "path": element["path"],
            "min": element["min"],
            "max": None if element["max"] == "1" else element["max"],
            "types": types,
            "content": element.get("contentReference", "").rpartition("#")[2],
            "strength": binding.get("strength"),
            "value_set": binding.get("valueSet", "").partition("|")[0],
            "invariants": sorted({c["key"] for c in element.get("constraint", ())} - inherited),
            "summary": element.get("isSummary", False),
            "modifier": element.get("isModifier", False),
            "attribute": "xmlAttr" in element.get("representation", ()),
        }
    )


def _type_reference(element: Json, reference: Json) -> Json:
    code = reference["code"]
    if code.startswith(SYSTEM_TYPE):
        code = extension(reference, FHIR_TYPE) or "string"
        # An element's id is any string without spaces, only a resource's id is an ``id``:
        # https://hl7.org/fhir/R5/types.html#Element
        if element["base"]["path"] == "Element.id":
            code = "string"
    targets = sorted({_tail(target) for target in reference.get("targetProfile", ())} - {"Resource"})
    if any(_tail(target) == "Resource" for target in reference.get("targetProfile", ())):
        targets = []
    profiles = [_tail(profile) for profile in reference.get("profile", ())]
    return _compact({"code": code, "targets": targets, "profile": profiles[0] if profiles else None})


# --- codes -----------------------------------------------------------------------------------------------------------


def codes(types: Json, core: Package, expansions: Package) -> Json:
    """Value set -> its codes, for all value sets with a required binding."""
    terminology = Terminology(core.of_type("CodeSystem"), core.of_type("ValueSet"), expansions.of_type("ValueSet"))
    bound = {
        element["value_set"]
        for definition in types.values()
        for element in definition.get("elements", ())
        if element.get("strength") == "required"
    }
    return {url: terminology.codes(url) for url in sorted(bound)}


# --- search parameters, invariants, compartments ---------------------------------------------------------------------


def search_parameters(core: Package) -> list[Json]:
    """All search parameters, by url, without the four samples that the package carries along."""
    parameters = core.of_type("SearchParameter")
    chosen = [p for p in parameters if p["id"] != "example" and not p["id"].startswith("example-")]
    return [_search_parameter(p) for p in sorted(chosen, key=lambda p: str(p["url"]))]


def _search_parameter(parameter: Json) -> Json:
    return _compact(
        {
            "url": parameter["url"],
            "code": parameter["code"],
            "type": parameter["type"],
            "base": sorted(parameter["base"]),
            "expression": parameter.get("expression"),
            "target": sorted(parameter.get("target", ())),
            "comparator": parameter.get("comparator"),
            "modifier": parameter.get("modifier"),
            "single_or": parameter.get("multipleOr") is False,
            "single_and": parameter.get("multipleAnd") is False,
            "component": [
                {"definition": c["definition"], "expression": c["expression"]} for c in parameter.get("component", ())
            ],
            "processing": parameter.get("processingMode"),
        }
    )


def invariants(core: Package) -> list[Json]:
    """All invariants, by key; one key with two expressions is two entries, told apart by their paths."""
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for structure in core.of_type("StructureDefinition"):
        if not _is_type(structure):
            continue
        here = structure["name"]
        for element in structure["snapshot"]["element"]:
            for constraint in element.get("constraint", ()):
                declared_at = _tail(constraint.get("source", here))
                path = here + element["path"][len(structure["type"]) :]
                if declared_at == here:
                    key = (constraint["key"], constraint["severity"], constraint.get("expression", ""))
                    found[key].add(path)
    return [
        _compact({"key": key, "severity": severity, "expression": expression, "paths": sorted(paths)})
        for (key, severity, expression), paths in sorted(found.items())
    ]


def compartments(core: Package) -> Json:
    """Compartment -> resource type -> search parameters; the sample definition of the package is left out."""
    return {
        definition["code"]: {r["code"]: sorted(r["param"]) for r in definition["resource"] if r.get("param")}
        for definition in sorted(core.of_type("CompartmentDefinition"), key=lambda d: str(d["code"]))
        if definition["id"] != "example"
    }


def provenance(core: Package, *others: Package) -> Json:
    """Which packages the tables were derived from."""
    return {
        "packages": [f"{p.manifest['name']}#{p.manifest['version']}" for p in (core, *others)],
        "fhirVersion": core.manifest["fhirVersions"][0],
        "license": core.manifest["license"],
    }


# --- writing ---------------------------------------------------------------------------------------------------------


def _lines(table: Json | list[Json]) -> str:
    """JSON with one entry of the table a line, so that a change of the specification shows as changed lines."""

    def compact(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    if isinstance(table, dict):
        return "{\n" + ",\n".join(f"{compact(key)}:{compact(value)}" for key, value in table.items()) + "\n}\n"
    return "[\n" + ",\n".join(compact(value) for value in table) + "\n]\n"


def derive(core: Package, expansions: Package, extensions: Package, output: Path) -> dict[str, Path]:
    """Write all tables to the output folder; the files written, by table."""
    output.mkdir(parents=True, exist_ok=True)
    types = elements(core)
    tables: dict[str, Json | list[Json]] = {
        "elements": types,
        "codes": codes(types, core, expansions),
        "search_parameters": search_parameters(core),
        "invariants": invariants(core),
        "compartments": compartments(core),
        "structure_definitions": structure_definitions(
            core.of_type("StructureDefinition"), extensions.of_type("StructureDefinition")
        ),
        "provenance": provenance(core, expansions, extensions),
        **terminology_tables(
            {t: core.of_type(t) for t in ("CodeSystem", "ValueSet", "ConceptMap", "OperationDefinition")},
            expansions.of_type("ValueSet"),
            {t: extensions.of_type(t) for t in ("CodeSystem", "ValueSet")},
        ),
    }
    written = {}
    for name, table in tables.items():
        written[name] = output / f"{name}.json"
        written[name].write_text(_lines(table), encoding="utf-8")
    return written


def _timed(load: Callable[[], object]) -> float:
    started = time.perf_counter()
    load()
    return (time.perf_counter() - started) * 1000


def _every_type() -> list[object]:
    return [definitions.type_definition(name) for name in definitions.type_names()]


def main() -> None:
    """Derive the tables, then print their sizes and how long the service takes to load each."""
    parser = argparse.ArgumentParser(description="Derive the tables of service/fhir/r5 from the packages of FHIR R5.")
    for name in ("hl7.fhir.r5.core", "hl7.fhir.r5.expansions", "hl7.fhir.uv.extensions.r5"):
        parser.add_argument("packages", type=Path, metavar=name, action="append", help="folder or .tgz")
    parser.add_argument("output", type=Path, nargs="?", default=definitions.TABLES, help="default: service/fhir/r5")
    arguments = parser.parse_args()
    core, expansions, extensions = map(Package, arguments.packages)
    written = derive(core, expansions, extensions, arguments.output)
    loaders: dict[str, Callable[[], object]] = {
        "elements": definitions.type_names,
        "codes": definitions.required_value_sets,
        "search_parameters": definitions.search_parameters,
        "invariants": definitions.invariants,
        "compartments": definitions.compartments,
        "structure_definitions": core_definitions,
        "provenance": definitions.provenance,
        "operations": lambda: definitions.operation("ValueSet-expand"),
        **dict.fromkeys(("code_systems", "value_sets", "concept_maps"), core_library),
    }
    print(f"{'table':<20}{'bytes':>10}{'entries':>9}{'load ms':>9}")
    for name, path in written.items():
        text = path.read_bytes()
        print(f"{name:<20}{len(text):>10}{len(json.loads(text)):>9}{_timed(loaders[name]):>9.1f}")
    print(f"{'every type decoded':<39}{_timed(_every_type):>9.1f}")


if __name__ == "__main__":
    main()
