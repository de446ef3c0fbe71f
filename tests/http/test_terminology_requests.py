"""Requests about terminology that are refused, their forms, and what the server says of itself.

https://hl7.org/fhir/R5/terminology-service.html
"""

from __future__ import annotations

import pytest

from tests.support.asking import Fhir, Json, refused
from tests.support.terminology import FHIR, SET, STATUS, SYSTEM, S, listed, parameters
from tests.support.terminology_server import SNOMED

pytestmark = pytest.mark.anyio


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
