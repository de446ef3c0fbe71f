"""Transactions and batches for the tests: how they are written, and what they come to."""

from __future__ import annotations

import re
from typing import Any

from tests.support.asking import BASE, Fhir, Json

ONE, TWO = "urn:uuid:00000000-0000-4000-8000-000000000001", "urn:uuid:00000000-0000-4000-8000-000000000002"


def entry(
    method: str, url: str, resource: Json | None = None, full_url: str | None = None, **conditions: object
) -> Json:
    """Return an entry; conditions are ``ifMatch`` and the like."""
    made: Json = {"request": {"method": method, "url": url, **conditions}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


ORGANIZATION: Json = {"resourceType": "Organization", "name": "O"}


def transaction(*entries: Json, type_: str = "transaction") -> Json:
    """Return a Bundle."""
    return {"resourceType": "Bundle", "type": type_, "entry": list(entries)}


def group(**members: Any) -> Json:
    """Return a small valid Group."""
    return {"resourceType": "Group", "type": "person", "membership": "definitional", **members}


async def done(fhir: Fhir, *entries: Json) -> list[Json]:
    """Send a transaction that must succeed, and return the response entries."""
    response = await fhir.post("", transaction(*entries))
    assert response.status_code == 200, response.text
    bundle = response.json()
    assert bundle["type"] == "transaction-response"
    answers: list[Json] = bundle["entry"]
    assert len(answers) == len(entries)
    return answers


def identity(answer: Json) -> str:
    """Return ``Type/id`` of a response entry's location."""
    found = re.fullmatch(re.escape(BASE) + r"/(\w+/[^/]+)/_history/\d+", answer["response"]["location"])
    assert found
    return found[1]


async def state(fhir: Fhir) -> dict[str, Json]:
    """Return all that is current, by ``Type/id``, without meta."""
    found = {}
    async for page in fhir.pages("?_count=1000"):
        for each in page.get("entry", ()):
            resource = {name: value for name, value in each["resource"].items() if name != "meta"}
            found[f"{resource['resourceType']}/{resource['id']}"] = resource
    return found
