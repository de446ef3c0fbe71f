"""A FHIR client for the tests: short ways to ask, and to look at what is answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import httpx

from service.fhir.xml import from_xml

BASE: Final = "http://registry.test/fhir"
FHIR_JSON: Final = "application/fhir+json"
FHIR_XML: Final = "application/fhir+xml"
Json = dict[str, Any]


def study(id_: str | None = None, *, nct: str | None = None, status: str = "active", **members: Any) -> Json:
    """Return a small valid ResearchStudy."""
    resource: Json = {"resourceType": "ResearchStudy", "status": status, **members}
    if id_ is not None:
        resource["id"] = id_
    if nct is not None:
        resource["identifier"] = [{"system": "https://clinicaltrials.gov", "value": nct}]
    return resource


def observation(value: str, id_: str | None = None) -> bytes:
    """Return an Observation with a number as it is written here."""
    id_member = "" if id_ is None else f'"id":"{id_}",'
    text = f'{{"resourceType":"Observation",{id_member}"status":"final","code":{{"text":"x"}},'
    return f'{text}"valueQuantity":{{"value":{value}}}}}'.encode()


@dataclass(frozen=True, slots=True)
class Fhir:
    """A client of one FHIR server."""

    client: httpx.AsyncClient

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Send a request below the FHIR base; a body that is not bytes is JSON. ``If_Match="..."`` is a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content: bytes | None = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            patching = method == "PATCH"
            named.setdefault("Content-Type", "application/json-patch+json" if patching else FHIR_JSON)
        response = await self.client.request(method, path, content=content, headers=named)
        if response.status_code >= 400:
            outcome(response)
        return response

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET."""
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        """POST."""
        return await self.ask("POST", path, body, **headers)

    async def put(self, path: str, body: object, **headers: str) -> httpx.Response:
        """PUT."""
        return await self.ask("PUT", path, body, **headers)

    async def patch(self, path: str, body: object, **headers: str) -> httpx.Response:
        """PATCH."""
        return await self.ask("PATCH", path, body, **headers)

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        """DELETE."""
        return await self.ask("DELETE", path, **headers)

    async def store(self, *resources: Json) -> None:
        """PUT resources under their ids; each must be new or changed."""
        for resource in resources:
            path = f"{resource['resourceType']}/{resource['id']}"
            response = await self.put(path, resource)
            assert response.status_code in (200, 201), response.text

    async def ids(self, path: str, **headers: str) -> list[str]:
        """Search and return the ids of the matches, in order."""
        response = await self.get(path, **headers)
        assert response.status_code == 200, response.text
        return [entry["resource"]["id"] for entry in response.json().get("entry", ())]

    async def pages(self, path: str) -> AsyncIterator[Json]:
        """Follow the next links of a Bundle to the end."""
        following: str | None = path
        while following is not None:
            response = await self.get(following)
            assert response.status_code == 200, response.text
            page = response.json()
            yield page
            following = link(page, "next")


def link(bundle: Json, relation: str) -> str | None:
    """Return a link of a Bundle."""
    found: list[str] = [each["url"] for each in bundle.get("link", ()) if each["relation"] == relation]
    assert len(found) < 2
    return found[0] if found else None


def resource(response: httpx.Response) -> Json:
    """Return the resource that a response has, whichever of the two formats it says it is in."""
    media = response.headers["content-type"]
    assert "json" in media or "xml" in media
    found: Json = response.json() if "json" in media else from_xml(response.content)
    return found


def outcome(response: httpx.Response) -> list[Json]:
    """Return the issues of the OperationOutcome that an error must be."""
    assert response.status_code < 500, response.text
    assert response.headers["content-type"].startswith("application/")
    if response.request.method == "HEAD":
        return []
    found = resource(response)
    assert found["resourceType"] == "OperationOutcome"
    issues: list[Json] = found["issue"]
    assert issues
    for issue in issues:
        assert issue["severity"] in ("fatal", "error", "warning", "information")
        assert issue["code"]
        assert issue["diagnostics"]
    return issues


def refused(response: httpx.Response, status: int, code: str, expression: str | None = None) -> str:
    """Check an error's status, and that an issue has this code and names this place; return what it says."""
    assert response.status_code == status, response.text
    for issue in outcome(response):
        if issue["code"] == code and (expression is None or expression in issue.get("expression", ())):
            text: str = issue["diagnostics"]
            return text
    raise AssertionError(f"no issue {code} at {expression}: {response.text}")
