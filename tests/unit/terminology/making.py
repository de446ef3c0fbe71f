"""Short ways to make code systems and value sets, and a service that knows them."""

from __future__ import annotations

from typing import Any

from service.fhir.library import Library
from service.terminology.members import Members
from service.terminology.service import TerminologyService

Json = dict[str, Any]

S = "http://s.test"
DISEASES: Json = {
    "resourceType": "CodeSystem",
    "url": S,
    "version": "1",
    "content": "complete",
    "caseSensitive": True,
    "hierarchyMeaning": "is-a",
    "property": [
        {"code": "status", "uri": "http://hl7.org/fhir/concept-properties#status", "type": "code"},
        {"code": "abstract", "uri": "http://hl7.org/fhir/concept-properties#notSelectable", "type": "boolean"},
        {"code": "grade", "type": "integer"},
        {"code": "lineage", "type": "Coding"},
    ],
    "concept": [
        {
            "code": "leukaemia",
            "display": "Leukaemia",
            "definition": "A cancer of the blood",
            "property": [{"code": "abstract", "valueBoolean": True}],
            "concept": [
                {
                    "code": "aml",
                    "display": "Acute myeloid leukaemia",
                    "designation": [
                        {"language": "de", "value": "Akute myeloische Leukämie"},
                        {"use": {"system": "http://u.test", "code": "short"}, "value": "AML"},
                    ],
                    "property": [
                        {"code": "grade", "valueInteger": 3},
                        {"code": "lineage", "valueCoding": {"system": "http://l.test", "code": "myeloid"}},
                    ],
                    "concept": [{"code": "apl", "display": "Acute promyelocytic leukaemia"}],
                },
                {
                    "code": "all",
                    "display": "Acute lymphoblastic leukaemia",
                    "property": [{"code": "grade", "valueInteger": 2}],
                },
            ],
        },
        {"code": "old", "display": "Something old", "property": [{"code": "status", "valueCode": "retired"}]},
        {"code": "aged", "display": "Something aged", "property": [{"code": "status", "valueCode": "deprecated"}]},
    ],
}
ALL = {"leukaemia", "aml", "apl", "all", "old", "aged"}


def service(*resources: Json) -> TerminologyService:
    """Return a service that knows these resources and no others."""
    library = Library()
    for resource in resources:
        library.add(resource)
    return TerminologyService(library)


def value_set(*include: Json, exclude: tuple[Json, ...] = (), url: str = "http://v.test", **compose: Any) -> Json:
    """Return a value set that is composed of these parts."""
    return {
        "resourceType": "ValueSet",
        "url": url,
        "status": "active",
        "compose": {**compose, "include": list(include), **({"exclude": list(exclude)} if exclude else {})},
    }


def part(system: str = S, **members: Any) -> Json:
    """Return a part of a compose, of codes of a system."""
    return {"system": system, **members}


def filtered(property_: str, op: str, value: str, system: str = S) -> Json:
    """Return a part of a compose with one filter."""
    return {"system": system, "filter": [{"property": property_, "op": op, "value": value}]}


def codes(members: Members) -> set[str]:
    """Return the codes that are surely in a set."""
    return {each.concept.code for each in members}
