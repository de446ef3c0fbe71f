"""A history Bundle posted to the base: versions restored (https://hl7.org/fhir/R5/http.html#other-bundles)."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.compose import create_app_over
from service.settings import Settings
from service.store import sqlite
from tests.http.conftest import Configured
from tests.support.asking import BASE, Fhir, Json, outcome, refused, study

pytestmark = pytest.mark.anyio


@pytest.fixture
def fhir(configured: Configured) -> Fhir:
    """A client of an application that takes histories."""
    return configured(history_bundles="on")


@pytest.fixture
async def source() -> AsyncIterator[Fhir]:
    """Another registry, with a past: an update, a deletion, a resource that came back, a created one."""
    store = await sqlite.open_store(None)
    transport = httpx.ASGITransport(create_app_over(store, Settings()))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        found = Fhir(client)
        await found.store(study("a"), study("b"), study("gone"), study("a", title="new"))
        await found.delete("ResearchStudy/gone")
        await found.delete("ResearchStudy/b")
        await found.store(study("b", title="back"))
        await found.post("ResearchStudy", study(status="draft"))
        await asyncio.sleep(0.002)
        yield found
    await store.close()


async def history(fhir: Fhir) -> Json:
    """Return the whole history of a registry, without links."""
    found = (await fhir.get("_history?_count=1000")).json()
    return {name: value for name, value in found.items() if name != "link"}


def entry(version: int, modified: str = "2020-01-01T00:00:00Z", **members: Any) -> Json:
    """Return an entry of a history: a study, or what the members say."""
    response = {"status": "200 OK", "etag": f'W/"{version}"', "lastModified": modified}
    resource = study("x", title=f"version {version}")
    request = {"method": "PUT", "url": "ResearchStudy/x"}
    return {
        "fullUrl": f"{BASE}/ResearchStudy/x",
        "resource": resource,
        "request": request,
        "response": response,
    } | members


def bundle(*entries: Json) -> Json:
    """Return a history Bundle, whose entries come newest first."""
    return {"resourceType": "Bundle", "type": "history", "entry": list(entries)}


async def test_versions_and_instants_are_kept(fhir: Fhir, source: Fhir) -> None:
    """Every version has the number, the instant and the bytes that it had; once more changes nothing."""
    before = await history(source)
    response = await fhir.post("", (await source.get("_history?_count=1000")).content)
    assert response.status_code == 200
    assert "8 versions are restored, 0" in outcome(response)[0]["diagnostics"]
    assert await history(fhir) == before
    assert "0 versions are restored, 8" in outcome(await fhir.post("", before))[0]["diagnostics"]
    assert await history(fhir) == before
    assert sorted(await fhir.ids("ResearchStudy")) == sorted(await source.ids("ResearchStudy"))
    assert (await fhir.get("ResearchStudy/gone")).status_code == 410
    assert (await fhir.get("ResearchStudy/b/_history/2")).status_code == 410
    for path in ("ResearchStudy/a", "ResearchStudy/b/_history/1"):
        assert (await fhir.get(path)).content == (await source.get(path)).content


async def test_the_registry_goes_on(fhir: Fhir, source: Fhir) -> None:
    """After a restoration writes go on with the next numbers, and what came later can be added."""
    await fhir.post("", await history(source))
    await source.store(study("late"))
    response = await fhir.post("", await history(source))
    assert "1 versions are restored, 8" in outcome(response)[0]["diagnostics"]
    response = await fhir.put("ResearchStudy/a", study("a", title="own"))
    assert response.headers["etag"] == 'W/"3"'


async def test_off_by_default(configured: Configured) -> None:
    """Unless a setting allows it a history is refused, and the refusal names the setting."""
    fhir = configured()
    text = refused(await fhir.post("", bundle(entry(1))), 403, "forbidden", "Bundle.type")
    assert "history_bundles" in text
    assert (await fhir.get("ResearchStudy/x")).status_code == 404


async def test_before_the_head(fhir: Fhir) -> None:
    """A past cannot be put before what is here; nothing of the Bundle is restored then."""
    await fhir.store(study("here"))
    assert "before the newest commit" in refused(await fhir.post("", bundle(entry(1))), 409, "conflict")
    assert await fhir.ids("ResearchStudy") == ["here"]


async def test_other_content(fhir: Fhir) -> None:
    """A number that is taken by other content, and one below the current, are refused with all that comes along."""
    later = "2020-01-02T00:00:00Z"
    assert (await fhir.post("", bundle(entry(3)))).status_code == 200
    changed = entry(3, resource=study("x", title="other"))
    free = entry(1, later, resource=study("y"), request={"method": "POST", "url": "ResearchStudy"})
    refused(await fhir.post("", bundle(free, changed)), 409, "conflict")
    refused(await fhir.post("", bundle(free, entry(2))), 409, "conflict")
    assert await fhir.ids("ResearchStudy") == ["x"]
    assert (await fhir.post("", bundle(free))).status_code == 200
    assert (await fhir.get("ResearchStudy/y")).json()["meta"]["lastUpdated"] == "2020-01-02T00:00:00.000Z"


WRONG: dict[str, tuple[Json, int, str, str]] = {
    "future": (entry(1, "2999-01-01T00:00:00Z"), 422, "value", "Bundle.entry[1].response.lastModified"),
    "structure": (entry(1, resource=study("x", colour="red")), 422, "structure", "Bundle.entry[1].resource.colour"),
    "number": (entry(0), 400, "value", "Bundle.entry[1].response.etag"),
    "instant": (entry(1, "yesterday"), 400, "value", "meta.lastUpdated"),
    "no response": (entry(1, response=None), 400, "required", "Bundle.entry[1]"),
    "method": (entry(1, request={"method": "GET", "url": "x"}), 400, "invalid", "Bundle.entry[1].request.method"),
    "deletion": (
        {name: value for name, value in entry(1).items() if name != "resource"}
        | {"request": {"method": "DELETE", "url": "Nothing/x"}},
        400,
        "value",
        "Bundle.entry[1].request.url",
    ),
}


@pytest.mark.parametrize(("wrong", "status", "code", "where"), WRONG.values(), ids=WRONG)
async def test_wrong_entries(fhir: Fhir, wrong: Json, status: int, code: str, where: str) -> None:
    """One entry that is wrong is named, and nothing is restored."""
    right = entry(1, resource=study("y"))
    refused(await fhir.post("", bundle(right, copy.deepcopy(wrong))), status, code, where)
    assert await fhir.ids("ResearchStudy") == []


@pytest.mark.parametrize("entries", [5, "x", {}, None, [None], [[]]])
async def test_entries_of_another_form(fhir: Fhir, entries: Any) -> None:
    """json.html: what repeats is an array, and its items are objects; anything else is refused at its place."""
    posted = {"resourceType": "Bundle", "type": "history", "entry": entries}
    where = "Bundle.entry[0]" if isinstance(entries, list) else "Bundle.entry"
    refused(await fhir.post("", posted), 400, "required" if isinstance(entries, list) else "structure", where)


async def test_every_problem_at_once(fhir: Fhir) -> None:
    """The problems of all versions are told together."""
    response = await fhir.post("", bundle(entry(2, resource=study("x", status="x")), entry(1, "2999-01-01T00:00:00Z")))
    assert response.status_code == 422
    places = {each["expression"][0].partition("]")[0] for each in outcome(response) if each["severity"] == "error"}
    assert places == {"Bundle.entry[0", "Bundle.entry[1"}


async def test_definitions_take_effect(fhir: Fhir) -> None:
    """A search parameter that is restored is searched by."""
    parameter = {
        "resourceType": "SearchParameter",
        "id": "p",
        "url": "https://example.org/p",
        "name": "P",
        "status": "active",
        "description": "x",
        "code": "own-title",
        "base": ["ResearchStudy"],
        "type": "string",
        "expression": "ResearchStudy.title",
    }
    request = {"method": "PUT", "url": "SearchParameter/p"}
    assert (await fhir.post("", bundle(entry(1), entry(1, resource=parameter, request=request)))).status_code == 200
    for _ in range(500):
        response = await fhir.get("ResearchStudy?own-title=version")
        if response.status_code == 200:
            break
        await asyncio.sleep(0.01)
    assert [each["resource"]["id"] for each in json.loads(response.text)["entry"]] == ["x"]
