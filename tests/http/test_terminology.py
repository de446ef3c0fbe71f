"""Operations on terminology over HTTP: https://hl7.org/fhir/R5/terminology-service.html."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.api.app import build_app
from service.compose import build_engine
from service.settings import Settings
from service.store.base import Store
from tests.support.asking import BASE, Fhir, Json, refused
from tests.support.terminology_server import KNOWN, SNOMED, TerminologyServer

pytestmark = pytest.mark.anyio

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


@pytest.fixture
async def known(fhir: Fhir) -> Fhir:
    """A client of a server that has a code system, a value set and a map."""
    await fhir.store(SYSTEM, SET, MAP)
    return fhir


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


# --- $lookup -------------------------------------------------------------------------------------------------------


async def test_lookup(known: Fhir) -> None:
    """codesystem-operation-lookup: on the type with a system, on the instance without one; by GET and by POST."""
    coding = {"name": "coding", "valueCoding": {"system": S, "code": "aml"}}
    for response in (
        await known.get(f"CodeSystem/$lookup?system={S}&code=aml"),
        await known.get("CodeSystem/diseases/$lookup?code=aml"),
        await known.post("CodeSystem/$lookup", parameters(coding)),
        await known.post("CodeSystem/diseases/$lookup", parameters({"name": "code", "valueCode": "aml"})),
    ):
        found = values(response)
        assert (found["name"], found["version"], found["display"]) == ("Diseases", "1", "AML")
        assert found["designation"] == [{"language": "de", "value": "Akute Leukämie"}]
        assert {"code": "parent", "value": "leukaemia", "description": "Leukaemia"} in found["property"]


async def test_lookup_of_some_properties(known: Fhir) -> None:
    """codesystem-operation-lookup: property asks for those that are named, displayLanguage for a text."""
    url = f"CodeSystem/$lookup?system={S}&code=leukaemia"
    found = values(await known.get(f"{url}&property=child&property=abstract"))
    assert [each["code"] for each in found["property"]] == ["child", "child", "abstract"]
    assert "designation" not in found
    german = values(await known.get(f"CodeSystem/$lookup?system={S}&code=aml&displayLanguage=de"))
    assert german["display"] == "Akute Leukämie"


async def test_lookup_in_a_grammar(fhir: Fhir) -> None:
    """A unit that nobody has listed is a code all the same."""
    assert values(await fhir.get("CodeSystem/$lookup?system=http://unitsofmeasure.org&code=mg"))["display"] == "mg"
    response = await fhir.get("CodeSystem/$lookup?system=http://unitsofmeasure.org&code=mmHg")
    refused(response, 404, "code-invalid", "code")


# --- CodeSystem $validate-code ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("code=aml", True),
        ("code=aml&display=aml", True),
        ("code=aml&display=Other", False),
        ("code=leukaemia", True),
        ("code=leukaemia&abstract=false", False),
        ("code=nothing", False),
    ],
)
async def test_codes_of_a_system(known: Fhir, query: str, result: bool) -> None:
    """codesystem-operation-validate-code: the same on the type and on the instance; a no has its reason."""
    for path in (f"CodeSystem/$validate-code?url={S}&", "CodeSystem/diseases/$validate-code?"):
        found = values(await known.get(path + query))
        assert found["result"] is result
        assert ("message" in found) is not result
        assert ("issues" in found) is not result


async def test_codes_of_a_system_that_is_given(fhir: Fhir) -> None:
    """codeSystem: a resource that the server does not have."""
    given = {"name": "codeSystem", "resource": SYSTEM}
    for code, result in (("aml", True), ("nothing", False)):
        body = parameters(given, {"name": "code", "valueCode": code})
        assert values(await fhir.post("CodeSystem/$validate-code", body))["result"] is result


async def test_a_system_that_is_not_known(fhir: Fhir) -> None:
    """A code of SNOMED CT is neither right nor wrong here: the answer is no, and the issue says not known."""
    coding = {"name": "coding", "valueCoding": {"system": SNOMED, "code": "1"}}
    found = values(await fhir.post("CodeSystem/$validate-code", parameters(coding)))
    assert found["result"] is False
    assert found["issues"]["issue"][0]["code"] == "not-found"
    refused(await fhir.get(f"CodeSystem/$validate-code?url={SNOMED}&code=1"), 404, "not-found", "url")


# --- $subsumes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("leukaemia", "aml", "subsumes"),
        ("aml", "leukaemia", "subsumed-by"),
        ("aml", "all", "not-subsumed"),
        ("aml", "aml", "equivalent"),
    ],
)
async def test_subsumes(known: Fhir, one: str, other: str, outcome: str) -> None:
    """codesystem-operation-subsumes: by codes or by codings, on the type or the instance."""
    named = (("codingA", one), ("codingB", other))
    codings = [{"name": name, "valueCoding": {"system": S, "code": code}} for name, code in named]
    for response in (
        await known.get(f"CodeSystem/$subsumes?system={S}&codeA={one}&codeB={other}"),
        await known.get(f"CodeSystem/diseases/$subsumes?codeA={one}&codeB={other}"),
        await known.post("CodeSystem/$subsumes", parameters(*codings)),
    ):
        assert values(response) == {"outcome": outcome}


# --- $expand ----------------------------------------------------------------------------------------------------------


async def test_expand(known: Fhir) -> None:
    """valueset-operation-expand: by canonical, by version, on the instance, and of a value set that is given."""
    inline = parameters({"name": "valueSet", "resource": {**SET, "url": "http://mine.test"}})
    for response in (
        await known.get("ValueSet/$expand?url=http://v.test"),
        await known.get("ValueSet/$expand?url=http://v.test|1"),
        await known.get("ValueSet/$expand?url=http://v.test&valueSetVersion=1"),
        await known.get("ValueSet/set/$expand"),
        await known.post("ValueSet/set/$expand", b""),
        await known.post("ValueSet/$expand", inline),
        await known.post("ValueSet/$expand", SET),
    ):
        assert listed(response) == ["leukaemia", "aml", "all", "old"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filter=ml", "aml"),
        ("offset=1&count=2", "aml all"),
        ("activeOnly=true", "leukaemia aml all"),
        ("excludeNotForUI=true", "aml all old"),
        (f"exclude-system={S}", ""),
        ("excludeNested=true", "leukaemia aml all old"),
    ],
)
async def test_expand_parameters(known: Fhir, query: str, expected: str) -> None:
    """valueset-operation-expand: what is asked for is done, and repeated in the expansion."""
    response = await known.get(f"ValueSet/set/$expand?{query}")
    assert listed(response) == expected.split()
    echoed = {each["name"] for each in response.json()["expansion"]["parameter"]}
    assert {pair.partition("=")[0] for pair in query.split("&")} <= echoed


async def test_expand_texts(known: Fhir) -> None:
    """includeDesignations, displayLanguage and property show more of each code."""
    query = "includeDesignations=true&displayLanguage=de&property=parent&excludeNested=true"
    response = await known.get(f"ValueSet/set/$expand?{query}")
    aml = next(each for each in response.json()["expansion"]["contains"] if each["code"] == "aml")
    assert aml["display"] == "Akute Leukämie"
    assert aml["designation"] == [{"language": "de", "value": "Akute Leukämie"}]
    assert aml["property"] == [{"code": "parent", "valueCode": "leukaemia"}]


async def test_what_is_expanded_is_a_value_set(known: Fhir) -> None:
    """The answer is a resource that this server itself would take."""
    response = await known.get(f"ValueSet/$expand?url={STATUSES}")
    assert (await known.post("ValueSet", response.json())).status_code == 201


async def test_too_costly(known: Fhir) -> None:
    """What has no end is refused as too costly, what is not known as such."""
    url = f"ValueSet/$expand?url={FHIR}/ValueSet/"
    refused(await known.get(f"{url}all-languages"), 422, "too-costly")
    refused(await known.get(f"{url}condition-code"), 422, "not-found")


# --- ValueSet $validate-code ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "result"),
    [
        (f"system={S}&code=aml", True),
        ("code=aml&inferSystem=true", True),
        (f"system={S}&code=nothing", False),
        ("code=nothing&inferSystem=true", False),
        ("system=http://other.test&code=aml", False),
        (f"system={S}&code=aml&display=Akute Leukämie", True),
        (f"system={S}&code=aml&display=ALL", False),
        (f"system={S}&code=leukaemia", False),
        (f"system={S}&code=leukaemia&abstract=true", True),
        (f"system={S}&code=old", True),
        (f"system={S}&code=old&activeOnly=true", False),
        (f"system={S}&systemVersion=1&code=aml", True),
        (f"system={S}&systemVersion=2&code=aml", False),
    ],
)
async def test_codes_of_a_value_set(known: Fhir, query: str, result: bool) -> None:
    """valueset-operation-validate-code: the same by canonical and on the instance; a no has its reason."""
    for path in ("ValueSet/$validate-code?url=http://v.test&", "ValueSet/set/$validate-code?"):
        found = values(await known.get(path + query))
        assert found["result"] is result
        assert ("message" in found) is not result
        if result:
            assert (found["system"], found["version"]) == (S, "1")


@pytest.mark.parametrize(
    ("codings", "result", "issues"),
    [
        ([(S, "aml")], True, 0),
        ([("http://other.test", "x"), (S, "aml")], True, 1),
        ([("http://other.test", "x"), (S, "nothing")], False, 2),
    ],
)
async def test_concepts(known: Fhir, codings: list[tuple[str, str]], result: bool, issues: int) -> None:
    """A CodeableConcept is right where one of its codings is; what is wrong with the others is told all the same."""
    concept = {"coding": [{"system": system, "code": code} for system, code in codings]}
    body = parameters({"name": "codeableConcept", "valueCodeableConcept": concept})
    found = values(await known.post("ValueSet/set/$validate-code", body))
    assert found["result"] is result
    assert len(found.get("issues", {}).get("issue", [])) == issues
    assert found["codeableConcept"] == concept
    assert found.get("code") == ("aml" if result else None)


async def test_codes_that_are_not_known(known: Fhir) -> None:
    """Whether a code of SNOMED CT is in a value set is not known here: no is the answer, not-found the reason."""
    body = parameters(
        {"name": "url", "valueUri": f"{FHIR}/ValueSet/condition-code"},
        {"name": "coding", "valueCoding": {"system": SNOMED, "code": "1"}},
    )
    found = values(await known.post("ValueSet/$validate-code", body))
    assert found["result"] is False
    assert [issue["code"] for issue in found["issues"]["issue"]] == ["not-found"]


# --- $translate -------------------------------------------------------------------------------------------------------


async def test_translate(known: Fhir) -> None:
    """conceptmap-operation-translate: by a map, by scopes, by the target system, on the instance, in any form."""
    coding = {"system": S, "code": "aml"}
    for response in (
        await known.get(f"ConceptMap/$translate?url=http://m.test&sourceCode=aml&system={S}"),
        await known.get(f"ConceptMap/map/$translate?sourceCode=aml&system={S}"),
        await known.get(f"ConceptMap/$translate?sourceScope=http://v.test&sourceCode=aml&system={S}"),
        await known.get(f"ConceptMap/$translate?targetSystem=http://t.test&sourceCode=aml&system={S}"),
        await known.post("ConceptMap/map/$translate", parameters({"name": "sourceCoding", "valueCoding": coding})),
        await known.post(
            "ConceptMap/$translate",
            parameters(
                {"name": "conceptMap", "resource": MAP},
                {
                    "name": "sourceCodeableConcept",
                    "valueCodeableConcept": {"coding": [{"system": S, "code": "all"}, coding]},
                },
            ),
        ),
    ):
        found = values(response)
        assert found["result"] is True
        assert found["match"] == [
            {
                "relationship": "equivalent",
                "concept": {"system": "http://t.test", "code": "C92.0"},
                "originMap": "http://m.test",
            }
        ]


async def test_translate_backwards(known: Fhir) -> None:
    """targetCode, targetCoding: which codes are translated to this one."""
    coding = {"name": "targetCoding", "valueCoding": {"system": "http://t.test", "code": "C92.0"}}
    for response in (
        await known.get("ConceptMap/map/$translate?targetCode=C92.0&system=http://t.test"),
        await known.post("ConceptMap/map/$translate", parameters(coding)),
    ):
        assert values(response)["match"][0]["concept"] == {"system": S, "code": "aml"}


async def test_no_translation(known: Fhir) -> None:
    """A code without a translation is an answer, with a message."""
    found = values(await known.get(f"ConceptMap/map/$translate?sourceCode=all&system={S}"))
    assert found["result"] is False
    assert "'all'" in found["message"]
    assert "match" not in found


# --- what is wrong with a request -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "code", "expression"),
    [
        ("CodeSystem/$lookup?foo=1", 400, "invalid", "foo"),
        (f"CodeSystem/$lookup?system={S}", 400, "required", "code"),
        ("CodeSystem/$lookup?code=aml", 400, "required", "system"),
        (f"CodeSystem/$lookup?code=aml&code=all&system={S}", 400, "invalid", "code"),
        (f"CodeSystem/$lookup?code=aml&system={S}&system={STATUS}", 400, "invalid", "system"),
        (f"CodeSystem/$lookup?code=&system={S}", 400, "invalid", "code"),
        ("CodeSystem/$lookup?coding=x", 400, "invalid", "coding"),
        (f"CodeSystem/$lookup?code=aml&system={S}&date=2020", 400, "not-supported", "date"),
        (f"CodeSystem/$lookup?code=aml&system={S}&version=9", 404, "not-found", "system"),
        (f"CodeSystem/$lookup?code=nothing&system={S}", 404, "code-invalid", "code"),
        (f"CodeSystem/$lookup?code=aml&system={S}&useSupplement=http://x", 404, "not-found", "useSupplement"),
        (f"CodeSystem/diseases/$lookup?code=aml&system={S}", 400, "invalid", "system"),
        ("CodeSystem/nowhere/$lookup?code=aml", 404, "not-found", None),
        ("CodeSystem/$validate-code?code=aml", 400, "required", "url"),
        (f"CodeSystem/$validate-code?url={S}", 400, "required", "code"),
        (f"CodeSystem/$validate-code?url={S}|1&version=2&code=aml", 400, "invalid", "version"),
        (f"CodeSystem/$validate-code?url={S}&code=aml&abstract=yes", 400, "value", "abstract"),
        (f"CodeSystem/$subsumes?system={S}&codeA=aml", 400, "required", "codeB"),
        ("CodeSystem/$subsumes?codeA=aml&codeB=all", 400, "required", "system"),
        (f"CodeSystem/$subsumes?system={S}&codeA=aml&codeB=nothing", 404, "code-invalid", "codeB"),
        ("CodeSystem/$subsumes?system=urn:iso:std:iso:3166&codeA=AT&codeB=DE", 422, "not-supported", None),
        ("ValueSet/$expand", 400, "required", "url"),
        ("ValueSet/$expand?url=http://nowhere.test", 404, "not-found", "url"),
        ("ValueSet/set/$expand?url=http://v.test", 400, "invalid", "url"),
        ("ValueSet/set/$expand?count=-1", 400, "value", "count"),
        ("ValueSet/set/$expand?count=many", 400, "value", "count"),
        ("ValueSet/set/$expand?offset=-1", 400, "value", "offset"),
        ("ValueSet/set/$expand?system-version=x", 400, "value", "system-version"),
        (f"ValueSet/set/$expand?check-system-version={S}|2", 422, "not-found", None),
        ("ValueSet/set/$expand?context=x", 400, "not-supported", "context"),
        ("ValueSet/$validate-code?code=aml&inferSystem=true", 400, "required", "url"),
        ("ValueSet/set/$validate-code?code=aml", 400, "required", "system"),
        ("ValueSet/set/$validate-code?inferSystem=true", 400, "required", "code"),
        (f"ValueSet/set/$validate-code?system={S}", 400, "required", "code"),
        (f"ConceptMap/$translate?sourceCode=aml&system={S}", 400, "required", "url"),
        ("ConceptMap/map/$translate?sourceCode=aml", 400, "required", "system"),
        (f"ConceptMap/map/$translate?sourceCode=aml&targetCode=x&system={S}", 400, "invalid", "targetCode"),
        ("ConceptMap/map/$translate", 400, "required", "sourceCode"),
        (f"ConceptMap/$translate?url=http://nowhere.test&sourceCode=aml&system={S}", 404, "not-found", "url"),
    ],
)
async def test_what_is_refused(known: Fhir, path: str, status: int, code: str, expression: str | None) -> None:
    """A request that says too little, too much or what is not known is refused, by the name of the parameter."""
    refused(await known.get(path), status, code, expression)


@pytest.mark.parametrize(
    ("path", "body", "code", "expression"),
    [
        ("CodeSystem/$lookup", SYSTEM, "invalid", "resourceType"),
        ("CodeSystem/$lookup", parameters({"name": "coding", "valueCoding": {"system": S}}), "required", "coding.code"),
        ("CodeSystem/$lookup", parameters({"name": "coding", "valueCoding": {"code": 1}}), "invalid", "coding.code"),
        ("CodeSystem/$lookup", parameters({"name": "coding", "valueString": "x"}), "invalid", "coding"),
        ("CodeSystem/$lookup", parameters({"name": "code"}), "invalid", "code"),
        ("CodeSystem/$lookup", parameters({"name": "code", "valueCode": "a", "valueString": "b"}), "invalid", "code"),
        ("CodeSystem/$lookup", parameters({"name": "code", "valueCode": ["a"]}), "invalid", "code"),
        ("CodeSystem/$lookup", parameters({"valueCode": "a"}), "invalid", "Parameters.parameter[0]"),
        ("CodeSystem/$lookup", {"resourceType": "Parameters", "parameter": {}}, "invalid", "Parameters.parameter"),
        ("ValueSet/$expand", parameters({"name": "valueSet", "resource": SYSTEM}), "invalid", "valueSet"),
        ("ValueSet/$expand", parameters({"name": "valueSet", "valueString": "x"}), "invalid", "valueSet"),
        ("ValueSet/$expand", parameters({"name": "count", "valueInteger": "1"}), "invalid", "count"),
        (
            "ValueSet/$expand",
            parameters({"name": "valueSet", "resource": SET}, {"name": "url", "valueUri": "http://other.test"}),
            "invalid",
            "url",
        ),
        (
            "ValueSet/set/$validate-code",
            parameters({"name": "codeableConcept", "valueCodeableConcept": {"text": "x"}}),
            "required",
            "codeableConcept.coding",
        ),
        (
            "ValueSet/set/$validate-code",
            parameters({"name": "coding", "valueCoding": {"code": "aml"}}),
            "required",
            "coding.system",
        ),
        (
            "CodeSystem/$subsumes",
            parameters(
                {"name": "codingA", "valueCoding": {"system": S, "code": "aml"}},
                {"name": "codingB", "valueCoding": {"system": STATUS, "code": "final"}},
            ),
            "invalid",
            "codingB",
        ),
        (
            "CodeSystem/diseases/$lookup",
            parameters({"name": "coding", "valueCoding": {"system": STATUS, "code": "final"}}),
            "invalid",
            "coding",
        ),
        (
            "ConceptMap/map/$translate",
            parameters({"name": "dependency", "part": [{"name": "foo", "valueUri": "x"}]}),
            "invalid",
            "Parameters.parameter[0].part[0]",
        ),
    ],
)
async def test_bodies_that_are_refused(known: Fhir, path: str, body: Json, code: str, expression: str) -> None:
    """What a body has wrong is named: a parameter of another type, without a value, with too many."""
    refused(await known.post(path, body), 400, code, expression)


async def test_forms_of_a_request(known: Fhir) -> None:
    """operations.html#executing-synchronous: a body is FHIR JSON; other methods are not there."""
    assert (await known.post("ValueSet/$expand", b"x", Content_Type="text/plain")).status_code == 415
    refused(await known.post("ValueSet/$expand", b"{"), 400, "structure")
    assert (await known.ask("PUT", "ValueSet/set/$expand")).status_code == 405
    assert (await known.get("Patient/$expand")).status_code == 404
    assert (await known.ask("HEAD", "ValueSet/set/$expand")).status_code == 200


# --- what is stored, what is declared, who else is asked --------------------------------------------------------------


async def test_what_is_written_takes_effect_at_once(fhir: Fhir) -> None:
    """A code system, value set or map counts from the moment it is written until it is deleted."""
    path = "ValueSet/$expand?url=http://v.test"
    refused(await fhir.get(path), 404, "not-found", "url")
    await fhir.store(SET)
    refused(await fhir.get(path), 422, "not-found")
    await fhir.store(SYSTEM)
    assert listed(await fhir.get(path)) == ["leukaemia", "aml", "all", "old"]
    entry = {
        "resource": {**SYSTEM, "concept": [{"code": "new"}]},
        "request": {"method": "PUT", "url": "CodeSystem/diseases"},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert (await fhir.post("", bundle)).status_code == 200
    assert listed(await fhir.get(path)) == ["new"]
    await fhir.delete("CodeSystem/diseases")
    refused(await fhir.get(path), 422, "not-found")


async def test_capabilities(known: Fhir) -> None:
    """capabilitystatement.rest.resource.operation: the operations of FHIR are declared under their own definitions."""
    statement = (await known.get("metadata")).json()["rest"][0]
    declared = {
        f"{resource['type']}-{operation['name']}": operation["definition"]
        for resource in statement["resource"]
        for operation in resource.get("operation", [])
        if "/OperationDefinition/Resource-" not in operation["definition"]  # those that every type has
        if operation["definition"].startswith(FHIR)
    }
    names = ["CodeSystem-lookup", "CodeSystem-subsumes", "CodeSystem-validate-code", "ConceptMap-translate"]
    names += ["ValueSet-expand", "ValueSet-validate-code"]
    assert declared == {name: f"{FHIR}/OperationDefinition/{name}" for name in names}
    assert "expand" not in {operation["name"] for operation in statement["operation"]}


async def test_terminology_capabilities(known: Fhir) -> None:
    """http.html#capabilities: mode=terminology tells which code systems there are; it is a valid resource."""
    response = await known.get("metadata?mode=terminology")
    statement = response.json()
    systems = {each["uri"]: each for each in statement["codeSystem"]}
    assert systems[S] == {
        "uri": S,
        "content": "complete",
        "subsumption": True,
        "version": [{"code": "1", "isDefault": True}],
    }
    assert systems["urn:iso:std:iso:3166"]["content"] == "fragment"
    assert systems["http://unitsofmeasure.org"]["content"] == "not-present"
    assert SNOMED not in systems
    assert {"name": "filter"} in statement["expansion"]["parameter"]
    assert (await known.post("TerminologyCapabilities", statement)).status_code == 201


@pytest.fixture
async def server() -> TerminologyServer:
    """Another terminology server."""
    return TerminologyServer()


@pytest.fixture
async def helped(store: Store, server: TerminologyServer) -> AsyncIterator[Fhir]:
    """A client of a registry that may ask the other server."""
    engine = build_engine(store, Settings(), server.client())
    app: Any = build_app(Settings(), lambda: engine, [], None, "0")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
        yield Fhir(client)


async def test_another_server_is_asked(helped: Fhir, server: TerminologyServer) -> None:
    """What is not known here is asked of the server that the settings name, with the same parameters."""
    [code] = KNOWN
    found = values(await helped.get(f"CodeSystem/$lookup?system={SNOMED}&code={code}"))
    assert found["display"] == KNOWN[code]
    assert server.asked == [
        (
            "/r5/CodeSystem/$lookup",
            parameters({"name": "system", "valueUri": SNOMED}, {"name": "code", "valueCode": code}),
        )
    ]
    url = f"{FHIR}/ValueSet/condition-code"
    assert listed(await helped.get(f"ValueSet/$expand?url={url}")) == [code]
    answer = await helped.get(f"ValueSet/$validate-code?url={url}&system={SNOMED}&code={code}")
    assert values(answer)["result"] is True


async def test_another_server_is_not_asked_what_is_known(helped: Fhir, server: TerminologyServer) -> None:
    """What is known here, or wrong with the request, is for nobody else."""
    assert values(await helped.get(f"CodeSystem/$lookup?system={STATUS}&code=final"))["display"] == "Final"
    refused(await helped.get(f"CodeSystem/$lookup?system={STATUS}&code=nothing"), 404, "code-invalid", "code")
    refused(await helped.get("ValueSet/$expand?count=x"), 400, "value", "count")
    assert server.asked == []


@pytest.mark.parametrize("failure", [500, 404, b"nonsense", httpx.ReadTimeout("late")])
async def test_another_server_that_fails(helped: Fhir, server: TerminologyServer, failure: Any) -> None:
    """Without its answer the registry says what it says by itself: not known."""
    server.fails = [failure] * 3
    refused(await helped.get(f"CodeSystem/$lookup?system={SNOMED}&code=1"), 404, "not-found", "system")
