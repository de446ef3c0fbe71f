"""capabilities and the OpenAPI description: https://hl7.org/fhir/R5/http.html#capabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from service.fhir import definitions
from service.fhir.json import loads
from service.fhir.xml import to_xml
from service.registry.package import catalogue
from service.search.parameters import Parameter
from tests.http.conftest import Configured
from tests.support.asking import BASE, Fhir, refused
from tests.support.asking import resource as resource_of
from tests.support.validation import check

pytestmark = pytest.mark.anyio

SAMPLES = {
    "token": "x",
    "date": "2020",
    "string": "x",
    "reference": "Group/x",
    "uri": "urn:x",
    "number": "1",
    "quantity": "1",
    "special": "x",
}
QUERIES = {
    "_has": "_has:List:item:_id=x",
    "_in": "_in=Group/x",
    "_filter": "_filter=_id eq x",
    "_type": "_type=Group",
    "_asOf": "_asOf=2020",
}
UNANSWERED: set[str | tuple[str, str]] = {
    "_query",  # there is no named query
    ("Location", "near"),  # no geography
    ("Location", "contains"),
    ("Composition", "section-code-text"),  # its component is text that nothing indexes
    ("ImagingStudy", "reason"),  # R5 gives these four no expression
    ("Medication", "form"),
    ("MedicationKnowledge", "packaging-cost"),
    ("MedicationKnowledge", "packaging-cost-concept"),
}
AS_OF = "https://trial-registry.example.org/fhir/SearchParameter/Resource-as-of"
INTERACTIONS = {
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
}


async def test_the_statement_is_a_valid_resource(fhir: Fhir) -> None:
    """capabilitystatement.html: what the server says of itself obeys the rules that it checks in others."""
    content = (await fhir.get("metadata")).content
    assert [issue.diagnostics for issue in check(loads(content))] == []


async def test_every_type_with_its_interactions(fhir: Fhir) -> None:
    """http.html#capabilities: every resource type of R5, each with what is done with it."""
    statement = (await fhir.get("metadata")).json()
    assert statement["fhirVersion"] == "5.0.0"
    assert statement["implementation"]["url"] == BASE
    rest = statement["rest"][0]
    assert [each["type"] for each in rest["resource"]] == sorted(definitions.resource_types())
    for resource in rest["resource"]:
        assert {each["code"] for each in resource["interaction"]} == INTERACTIONS
    system = {each["code"] for each in rest["interaction"]}
    assert system == {"history-system", "search-system", "transaction", "batch"}


async def test_every_parameter_that_is_listed_is_answered(fhir: Fhir) -> None:
    """http.html#capabilities: a parameter that is listed is never an unknown one, for any type.

    What is official but cannot be answered is refused by name as not supported, and is in the table of this test.
    """
    for type_ in ("", *definitions.resource_types()):
        for name, parameter in _known(type_).items():
            query = QUERIES.get(name, f"{name}={_sample(parameter)}")
            response = await fhir.get(f"{type_}?{query}")
            if name in UNANSWERED or (type_, name) in UNANSWERED:
                refused(response, 400, "not-supported", name)
            else:
                assert (type_, name, response.status_code) == (type_, name, 200), response.text


async def test_exactly_the_official_parameters_and_ours(fhir: Fhir) -> None:
    """http.html#capabilities: for each type the parameters of R5 and those of the registry, and no other."""
    rest = (await fhir.get("metadata")).json()["rest"][0]
    ours = catalogue().extra
    for resource in rest["resource"]:
        type_ = resource["type"]
        official = {(code, found.url) for code, found in definitions.search_parameters_for(type_).items()}
        bases = {type_, *definitions.ancestors(type_)}
        own = {(definition.code, definition.url) for definition in ours if bases & set(definition.base)}
        replaced = {pair for pair in official if pair[0] in {code for code, _ in own}}
        listed = {(each["name"], each["definition"]) for each in resource["searchParam"]}
        assert listed == official - replaced | own, type_
    listed = {(each["name"], each["definition"]) for each in rest["searchParam"]}
    assert listed == {(code, found.url) for code, found in definitions.search_parameters_for("Resource").items()} | {
        ("_asOf", AS_OF)
    }


def _known(type_: str) -> Mapping[str, Parameter]:
    return catalogue().for_type(type_) if type_ else catalogue().common()


def _sample(parameter: Parameter) -> str:
    if parameter.components:
        return "$".join(map(_sample, parameter.components))
    return SAMPLES[parameter.type]


async def test_the_statement_follows_the_settings(fhir: Fhir, configured: Configured) -> None:
    """http.html#capabilities: what a setting changes is stated as it is."""
    for client, expected in ((fhir, "single"), (configured(conditional_delete_limit=5), "multiple")):
        resource = (await client.get("metadata")).json()["rest"][0]["resource"][0]
        assert resource["conditionalDelete"] == expected


async def test_formats_that_are_stated_are_served(fhir: Fhir) -> None:
    """http.html#mime-type: each format of the statement is accepted, and patchFormat too."""
    statement = (await fhir.get("metadata")).json()
    for format_ in statement["format"]:
        assert resource_of(await fhir.get("metadata", Accept=format_))["resourceType"] == "CapabilityStatement"
    created = (await fhir.post("Basic", {"resourceType": "Basic", "code": {"text": "x"}})).json()["id"]
    patches: dict[str, Any] = {
        "application/json-patch+json": [],
        "application/fhir+json": {
            "resourceType": "Parameters",
            "parameter": [
                {
                    "name": "operation",
                    "part": [
                        {"name": "type", "valueCode": "delete"},
                        {"name": "path", "valueString": "Basic.code.text"},
                    ],
                },
                {
                    "name": "operation",
                    "part": [
                        {"name": "type", "valueCode": "add"},
                        {"name": "path", "valueString": "Basic.code"},
                        {"name": "name", "valueString": "text"},
                        {"name": "value", "valueString": "y"},
                    ],
                },
            ],
        },
    }
    patches["application/fhir+xml"] = to_xml(patches["application/fhir+json"])
    assert set(patches) == set(statement["patchFormat"])
    for format_, patch in patches.items():
        assert (await fhir.patch(f"Basic/{created}", patch, Content_Type=format_)).status_code == 200


async def test_modes(fhir: Fhir) -> None:
    """http.html#capabilities: full is the default; a mode that is not there is refused, not taken for another."""
    assert (await fhir.get("metadata?mode=full")).content == (await fhir.get("metadata")).content
    for mode in ("normative", "x", ""):
        refused(await fhir.get(f"metadata?mode={mode}"), 400, "not-supported", "mode")


async def test_openapi_describes_every_endpoint(configured: Configured) -> None:
    """The description lists each method and path that the capability statement stands on, below the base path."""
    client = configured(base_path="/r5").client
    for _ in range(2):
        description = (await client.get("http://registry.test/openapi.json")).json()
        paths = description["paths"]
        assert all(path == "/r5" or path.startswith("/r5/") for path in paths)
        assert set(paths["/r5/{type}/{id}"]) == {"get", "put", "patch", "delete"}
        assert set(paths["/r5/{type}"]) == {"get", "post", "put", "patch", "delete"}
        assert set(paths["/r5"]) == {"get", "post"}
        assert {"/r5/metadata", "/r5/_history", "/r5/{type}/_history", "/r5/{type}/_search"} <= set(paths)
        operations = [operation["operationId"] for path in paths.values() for operation in path.values()]
        assert len(operations) == len(set(operations)) == 90


async def test_parts_and_what_is_no_parameter(fhir: Fhir) -> None:
    """http.html#parameters: ``_summary`` and ``_elements`` as of any resource; what is unknown is refused."""
    whole = (await fhir.get("metadata")).json()
    part = (await fhir.get("metadata?_elements=software")).json()
    assert part["software"] == whole["software"]
    assert "rest" not in part
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert (await fhir.get("metadata?_summary=true&mode=full")).json()["meta"]["tag"][0]["code"] == "SUBSETTED"
    for query, name in {"x=1": "x", "_elements=x": "_elements", "_summary=x": "_summary"}.items():
        refused(await fhir.get(f"metadata?{query}"), 400, "invalid", name)
    refused(await fhir.get("metadata?mode=full&mode=normative"), 400, "not-supported", "mode")
