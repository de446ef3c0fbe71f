"""capabilities and the OpenAPI description: https://hl7.org/fhir/R5/http.html#capabilities."""

from __future__ import annotations

import pytest

from service.fhir import definitions
from service.fhir.json import loads
from service.profiles.base import check
from tests.http.conftest import Configured
from tests.support.asking import BASE, Fhir, refused

pytestmark = pytest.mark.anyio

SAMPLES = {"token": "x", "date": "2020", "string": "x", "reference": "Group/x", "uri": "urn:x", "number": "1"}
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
    """http.html#capabilities: a parameter that is listed is never an unknown one, for any type."""
    rest = (await fhir.get("metadata")).json()["rest"][0]
    listed = [("", each) for each in rest["searchParam"]]
    listed += [(resource["type"], each) for resource in rest["resource"] for each in resource["searchParam"]]
    assert len(listed) > 2 * len(rest["resource"])
    for type_, parameter in listed:
        response = await fhir.get(f"{type_}?{parameter['name']}={SAMPLES[parameter['type']]}")
        assert (type_, parameter["name"], response.status_code) == (type_, parameter["name"], 200)


async def test_no_other_parameter_is_answered(fhir: Fhir) -> None:
    """http.html#capabilities: what is not listed is refused: every official parameter is the one or the other."""
    rest = (await fhir.get("metadata")).json()["rest"][0]
    listed = {each["type"]: {parameter["name"] for parameter in each["searchParam"]} for each in rest["resource"]}
    for type_ in ("ResearchStudy", "Evidence", "Group", "Patient", "Basic"):
        for code in set(definitions.search_parameters_for(type_)) - listed[type_]:
            refused(await fhir.get(f"{type_}?{code}=x"), 400, "invalid", code)


async def test_the_statement_follows_the_settings(fhir: Fhir, configured: Configured) -> None:
    """http.html#capabilities: what a setting changes is stated as it is."""
    for client, expected in ((fhir, "single"), (configured(conditional_delete_limit=5), "multiple")):
        resource = (await client.get("metadata")).json()["rest"][0]["resource"][0]
        assert resource["conditionalDelete"] == expected


async def test_formats_that_are_stated_are_served(fhir: Fhir) -> None:
    """http.html#mime-type: each format of the statement is accepted, and patchFormat too."""
    statement = (await fhir.get("metadata")).json()
    for format_ in statement["format"]:
        assert (await fhir.get("metadata", Accept=format_)).status_code == 200
    created = (await fhir.post("Basic", {"resourceType": "Basic", "code": {"text": "x"}})).json()["id"]
    for format_ in statement["patchFormat"]:
        assert (await fhir.patch(f"Basic/{created}", [], Content_Type=format_)).status_code == 200


async def test_modes(fhir: Fhir) -> None:
    """http.html#capabilities: full is the default; a mode that is not there is refused, not taken for another."""
    assert (await fhir.get("metadata?mode=full")).content == (await fhir.get("metadata")).content
    for mode in ("terminology", "normative", "x", ""):
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
        assert len(operations) == len(set(operations)) == 18
