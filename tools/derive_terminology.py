"""The terminology among the tables of service/fhir/r5: code systems, value sets, concept maps and operations.

Every entry is the FHIR resource itself, by its URL, without what only people read. Code systems that HL7's value sets
use and the specification does not define (HL7 v3 and THO, countries, currencies, ...) are put together from what the
expansions list of them: complete where a whole system was expanded, else a fragment. Of systems that may not be passed
on (SNOMED CT, LOINC, ...) nothing is taken over from the expansions, nor value sets of the extensions that list them.
Pages: https://hl7.org/fhir/R5/codesystem.html, https://hl7.org/fhir/R5/valueset.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]

FLAT = "https://trial-registry.example.org/fhir/StructureDefinition/hierarchy-unknown"
"""Extension of a code system: its codes are known here, and how they lie one above the other is not."""
UCUM = "http://unitsofmeasure.org"
TOO_COSTLY = "http://hl7.org/fhir/StructureDefinition/valueset-toocostly"
UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
CONCEPT_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
FLAGS = {"inactive": "boolean", "notSelectable": "boolean", "status": "code"}
"""Properties of concepts that an expansion tells, and their types."""

OPEN_SYSTEMS = (
    "http://terminology.hl7.org/CodeSystem/",
    "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "http://dicom.nema.org/resources/ontology/DCM",
    "http://hl7.org/fhir/sid/cvx",
    "http://unstats.un.org/unsd/methods/m49/m49.htm",
    "https://www.iana.org/time-zones",
    "sample-security-structural-roles",  # HL7's own; the one value set that uses it names it so
    "urn:ietf:bcp:13",
    "urn:ietf:bcp:47",
    "urn:iso:std:iso:3166",
    "urn:iso:std:iso:4217",
)
"""How the URLs begin of the systems that are taken over from the expansions."""

# The parts of each resource that are kept; True keeps a value as it is.
Shape = Mapping[str, Any]
_HEAD: Shape = dict.fromkeys(("version", "name", "title", "status", "experimental", "date", "publisher"), True)
_DESIGNATION: Shape = {"language": True, "use": True, "value": True}
_CONCEPT: dict[str, Any] = {"code": True, "display": True, "designation": _DESIGNATION, "property": True}
_CONCEPT["concept"] = _CONCEPT
_CODE_SYSTEM: Shape = {
    **_HEAD,
    "caseSensitive": True,
    "valueSet": True,
    "hierarchyMeaning": True,
    "compositional": True,
    "versionNeeded": True,
    "content": True,
    "supplements": True,
    "filter": {"code": True, "operator": True, "value": True},
    "property": {"code": True, "uri": True, "type": True},
    "concept": _CONCEPT,
}
_INCLUDE: Shape = {
    "system": True,
    "version": True,
    "concept": {"code": True, "display": True, "designation": _DESIGNATION},
    "filter": {"property": True, "op": True, "value": True},
    "valueSet": True,
}
_VALUE_SET: Shape = {
    **_HEAD,
    "immutable": True,
    "compose": {"lockedDate": True, "inactive": True, "include": _INCLUDE, "exclude": _INCLUDE, "property": True},
}
_DEPENDENCY: Shape = {
    "attribute": True,
    **{f"value{type_}": True for type_ in ("Code", "Coding", "String", "Boolean", "Quantity")},
    "valueSet": True,
}
_CONCEPT_MAP: Shape = {
    **_HEAD,
    **{f"{end}Scope{type_}": True for end in ("source", "target") for type_ in ("Uri", "Canonical")},
    "property": {"code": True, "uri": True, "type": True, "system": True},
    "additionalAttribute": {"code": True, "uri": True, "type": True},
    "group": {
        "source": True,
        "target": True,
        "element": {
            "code": True,
            "display": True,
            "valueSet": True,
            "noMap": True,
            "target": {
                "code": True,
                "display": True,
                "valueSet": True,
                "relationship": True,
                "property": True,
                "dependsOn": _DEPENDENCY,
                "product": _DEPENDENCY,
            },
        },
        "unmapped": {
            **dict.fromkeys(("mode", "code", "display", "valueSet", "relationship", "otherMap"), True),
        },
    },
}
_PARAMETER: dict[str, Any] = dict.fromkeys(("name", "use", "scope", "min", "max", "type", "allowedType"), True)
_PARAMETER["part"] = _PARAMETER
_OPERATION: Shape = {
    **_HEAD,
    "kind": True,
    "affectsState": True,
    "code": True,
    "resource": True,
    "system": True,
    "type": True,
    "instance": True,
    "parameter": _PARAMETER,
}


def terminology_tables(
    resources: Mapping[str, Iterable[Json]], expanded: Iterable[Json], extensions: Mapping[str, Iterable[Json]]
) -> dict[str, Json]:
    """Return the tables, by name: each is canonical URL -> resource.

    ``resources`` are those of the core package by type, ``expanded`` the value sets of the expansions package,
    ``extensions`` the code systems and value sets of the package of extensions, which the core may have as well.
    """
    systems = {s["url"]: _kept(s, _CODE_SYSTEM) for s in (*extensions["CodeSystem"], *resources["CodeSystem"])}
    value_sets = {v["url"]: v for v in extensions["ValueSet"] if not _lists_others(v)}
    value_sets |= {v["url"]: v for v in resources["ValueSet"]}
    expansions = {v["url"]: v for v in expanded}
    systems.update(_from_expansions(expansions.values(), systems))
    for url, value_set in expansions.items():
        if _terminology_of_hl7(url):
            value_sets.setdefault(url, value_set)
    sets = {}
    for url, value_set in value_sets.items():
        sets[url] = _kept(value_set, _VALUE_SET)
        expansion = expansions.get(url, {}).get("expansion")
        if expansion and not _computable(url, value_sets, systems) and _passed_on(expansion, value_set, systems):
            contains = [{"system": c["system"], "code": c["code"]} for c in _nested(expansion["contains"])]
            sets[url]["expansion"] = {"timestamp": expansion["timestamp"], "contains": contains}
    return {
        "code_systems": dict(sorted(systems.items())),
        "value_sets": dict(sorted(sets.items())),
        "concept_maps": {m["url"]: _kept(m, _CONCEPT_MAP) for m in _sorted(resources["ConceptMap"])},
        "operations": {o["url"]: _kept(o, _OPERATION) for o in _sorted(resources["OperationDefinition"])},
    }


def _sorted(resources: Iterable[Json]) -> list[Json]:
    return sorted(resources, key=lambda each: str(each["url"]))


def _kept(resource: Json, shape: Shape) -> Json:
    """The parts of a resource that the shape names."""

    found: Json = {}
    for name, value in resource.items():
        of = shape.get(name)
        if of is True:
            found[name] = _without_extensions(value)
        elif of is not None:
            found[name] = [_kept(each, of) for each in value] if isinstance(value, list) else _kept(value, of)
    return found


def _without_extensions(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, dict):
        return {name: _without_extensions(each) for name, each in value.items() if name != "extension"}
    return [_without_extensions(each) for each in value] if isinstance(value, list) else value


def _nested(concepts: Iterable[Json], key: str = "contains") -> Iterator[Json]:
    for concept in concepts:
        yield concept
        yield from _nested(concept.get(key, ()), key)


def _terminology_of_hl7(url: str) -> bool:
    return url.startswith(("http://terminology.hl7.org/", "http://dicom.nema.org/"))


def _may_be_passed_on(system: str) -> bool:
    return system.startswith(OPEN_SYSTEMS) and not system.startswith("urn:iso:std:iso:3166:")


def _lists_others(value_set: Json) -> bool:
    """Whether a value set lists codes of systems that may not be passed on."""
    listing = (part["system"] for part in value_set["compose"]["include"] if "concept" in part)
    return not all(system.startswith((*OPEN_SYSTEMS, "http://hl7.org/fhir/", UCUM)) for system in listing)


def _is_whole(expansion: Json) -> bool:
    """Whether an expansion lists all of its set: it is not cut, and the set is not unbounded."""
    marks = {extension["url"] for extension in expansion.get("extension", ())}
    cut = any(p["name"] in ("limitedExpansion", "fragment") for p in expansion.get("parameter", ()))
    return not cut and not marks & {TOO_COSTLY, UNCLOSED}


def _passed_on(expansion: Json, value_set: Json, systems: Mapping[str, Json]) -> bool:
    """Whether an expansion is whole, of systems that are passed on and codes that the value set lists by itself."""
    listed = expansion.get("contains", ())
    own = {
        (part["system"], concept["code"])
        for part in value_set["compose"]["include"]
        for concept in part.get("concept", ())
    }
    return (
        bool(listed)
        and _is_whole(expansion)
        and all(c["system"] in systems or (c["system"], c["code"]) in own for c in _nested(listed))
    )


def _from_expansions(expanded: Iterable[Json], known: Mapping[str, Json]) -> dict[str, Json]:
    """The code systems that are known by what expansions list of them."""
    concepts: dict[str, dict[str, Json]] = defaultdict(dict)
    versions: dict[str, str] = {}
    whole: set[str] = set()
    for value_set in sorted(expanded, key=lambda each: str(each["url"])):
        expansion, compose = value_set["expansion"], value_set.get("compose", {})
        for parameter in expansion.get("parameter", ()):
            if parameter["name"] == "version":
                system, _, version = parameter["valueUri"].partition("|")
                versions.setdefault(system, version)
        for concept in _nested(expansion.get("contains", ())):
            system = concept["system"]
            if _may_be_passed_on(system) and system not in known:
                listed = concepts[system].setdefault(concept["code"], _listed(concept))
                new = [each for each in _told(compose, system) if each not in listed.get("property", ())]
                if new:
                    listed["property"] = [*listed.get("property", ()), *new]
        if _is_whole(expansion) and "exclude" not in compose and compose.get("inactive") is not False:
            whole |= {part["system"] for part in compose.get("include", ()) if part.keys() <= {"system", "version"}}
    return {
        system: {
            "extension": [{"url": FLAT, "valueBoolean": True}],
            **({"version": versions[system]} if system in versions else {}),
            "status": "active",
            "caseSensitive": True,
            "content": "complete" if system in whole else "fragment",
            "property": [
                {"code": code, "uri": CONCEPT_PROPERTIES + code, "type": type_} for code, type_ in FLAGS.items()
            ],
            "concept": [listed[code] for code in sorted(listed)],
        }
        for system, listed in sorted(concepts.items())
    }


def _told(compose: Json, system: str) -> list[Json]:
    """The properties that all codes of a system have which a value set with this compose lists."""
    parts = [part for part in compose.get("include", ()) if part.get("system") == system]
    filters = parts[0].get("filter", ()) if len(parts) == 1 else ()
    return [
        {"code": each["property"], "valueCode": each["value"]}
        for each in filters
        if each["op"] == "=" and each["property"] not in FLAGS
    ]


def _listed(concept: Json) -> Json:
    flags = (("inactive", "inactive"), ("abstract", "notSelectable"))
    properties = [{"code": code, "valueBoolean": True} for flag, code in flags if concept.get(flag)]
    properties += [_without_extensions(each) for each in concept.get("property", ()) if each["code"] == "status"]
    found = {"code": concept["code"], "display": concept.get("display"), "property": properties}
    return {name: value for name, value in found.items() if value}


def _computable(url: str, value_sets: Mapping[str, Json], systems: Mapping[str, Json]) -> bool:
    """Whether the codes of a value set follow from its compose and the code systems that are known."""
    if url not in value_sets:
        return False
    compose = value_sets[url].get("compose", {})
    return all(_follows(part, value_sets, systems) for part in (*compose["include"], *compose.get("exclude", ())))


def _follows(part: Json, value_sets: Mapping[str, Json], systems: Mapping[str, Json]) -> bool:
    if not all(_computable(url.partition("|")[0], value_sets, systems) for url in part.get("valueSet", ())):
        return False
    if "concept" in part or "system" not in part:
        return True
    system = systems.get(part["system"], {})
    return system.get("content") == "complete" and not ("filter" in part and "extension" in system)
