"""Jobs over HTTP for the tests: begun, waited for, and their files fetched."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import httpx

from tests.support.asking import BASE, Fhir

ASYNC: Final = {"Prefer": "respond-async"}


def below(url: str) -> str:
    """Return a URL of the server relative to its base."""
    assert url.startswith(f"{BASE}/")
    return url.removeprefix(f"{BASE}/")


async def begun(fhir: Fhir, path: str = "$export", body: object = None) -> str:
    """Ask for an export and return where to ask about it."""
    response = await fhir.ask("GET" if body is None else "POST", path, body, **ASYNC)
    assert response.status_code == 202, response.text
    assert response.json()["resourceType"] == "OperationOutcome"
    return below(response.headers["content-location"])


async def complete(fhir: Fhir, where: str) -> httpx.Response:
    """Ask until a job has ended."""
    for _ in range(1000):
        response = await fhir.get(where)
        if response.status_code != 202:
            return response
        assert int(response.headers["retry-after"]) > 0
        assert "resources" in response.headers["x-progress"]
        await asyncio.sleep(0.01)
    raise AssertionError("the job does not end")


async def exported(fhir: Fhir, path: str = "$export", body: object = None) -> dict[str, Any]:
    """Ask for an export and return its manifest."""
    response = await complete(fhir, await begun(fhir, path, body))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    manifest: dict[str, Any] = response.json()
    return manifest


async def resources(fhir: Fhir, manifest: dict[str, Any], part: str = "output") -> list[dict[str, Any]]:
    """Fetch all files of a manifest."""
    found: list[dict[str, Any]] = []
    for each in manifest[part]:
        response = await fhir.get(below(each["url"]))
        assert response.headers["content-type"] == "application/fhir+ndjson"
        lines = [json.loads(line) for line in response.text.splitlines()]
        assert len(lines) == each["count"]
        assert {line["resourceType"] for line in lines} == {each["type"]}
        found += lines
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    """Return type/id of resources."""
    return [f"{each['resourceType']}/{each['id']}" for each in found]
