"""A small code system with a value set and a map, and the operations on them as tests ask them."""

from __future__ import annotations

import httpx

from tests.support.asking import Json

S = "http://s.test"
FHIR = "http://hl7.org/fhir"
STATUS = f"{FHIR}/observation-status"
STATUSES = f"{FHIR}/ValueSet/observation-status"
SYSTEM: Json = {
    "resourceType": "CodeSystem",
    "id": "diseases",
    "url": S,
    "version": "1",
    "title": "Diseases",
    "status": "active",
    "content": "complete",
    "caseSensitive": True,
    "hierarchyMeaning": "is-a",
    "property": [
        {"code": "notSelectable", "uri": f"{FHIR}/concept-properties#notSelectable", "type": "boolean"},
        {"code": "inactive", "uri": f"{FHIR}/concept-properties#inactive", "type": "boolean"},
    ],
    "concept": [
        {
            "code": "leukaemia",
            "display": "Leukaemia",
            "property": [{"code": "notSelectable", "valueBoolean": True}],
            "concept": [
                {"code": "aml", "display": "AML", "designation": [{"language": "de", "value": "Akute Leukämie"}]},
                {"code": "all", "display": "ALL"},
            ],
        },
        {"code": "old", "display": "Old", "property": [{"code": "inactive", "valueBoolean": True}]},
    ],
}
SET: Json = {
    "resourceType": "ValueSet",
    "id": "set",
    "url": "http://v.test",
    "version": "1",
    "status": "active",
    "compose": {"include": [{"system": S}]},
}
MAP: Json = {
    "resourceType": "ConceptMap",
    "id": "map",
    "url": "http://m.test",
    "version": "1",
    "status": "active",
    "sourceScopeUri": "http://v.test",
    "group": [
        {
            "source": S,
            "target": "http://t.test",
            "element": [{"code": "aml", "target": [{"code": "C92.0", "relationship": "equivalent"}]}],
        }
    ],
}


def parameters(*entries: Json) -> Json:
    """A Parameters resource."""
    return {"resourceType": "Parameters", "parameter": list(entries)}


def values(response: httpx.Response) -> Json:
    """The values of the parameters that are answered, by name; parts as a list of such."""
    assert response.status_code == 200, response.text
    assert response.json()["resourceType"] == "Parameters"
    return _values(response.json()["parameter"])


def _values(entries: list[Json]) -> Json:
    found: Json = {}
    for entry in entries:
        name = entry["name"]
        if "part" in entry:
            found.setdefault(name, []).append(_values(entry["part"]))
        else:
            found[name] = next(value for key, value in entry.items() if key != "name")
    return found


def listed(response: httpx.Response) -> list[str]:
    """The codes of an expansion, in order."""
    assert response.status_code == 200, response.text

    def nested(entries: list[Json]) -> list[str]:
        return [code for entry in entries for code in (entry["code"], *nested(entry.get("contains", [])))]

    return nested(response.json()["expansion"].get("contains", []))
