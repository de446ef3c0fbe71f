"""Many clients at once: https://hl7.org/fhir/R5/http.html#concurrency."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.support.asking import Fhir, Json, study

pytestmark = pytest.mark.anyio

CLIENTS = 50


async def test_conditional_creates_at_once(fhir: Fhir) -> None:
    """http.html#ccreate: of fifty creations with the same criteria exactly one creates; the others find it."""
    requests = (fhir.post("ResearchStudy", study(nct="NCT1"), If_None_Exist="identifier=NCT1") for _ in range(CLIENTS))
    responses = await asyncio.gather(*requests)
    assert Counter(response.status_code for response in responses) == {201: 1, 200: CLIENTS - 1}
    assert len({response.headers["location"] for response in responses}) == 1
    assert len(await fhir.ids("ResearchStudy")) == 1


async def test_conditional_updates_at_once(fhir: Fhir) -> None:
    """http.html#cond-update: fifty updates with the same criteria, of which none matches first, make one resource."""
    requests = (fhir.put("ResearchStudy?identifier=NCT1", study(nct="NCT1", title=f"{n}")) for n in range(10))
    responses = await asyncio.gather(*requests)
    assert Counter(response.status_code for response in responses) == {201: 1, 200: 9}
    assert len(await fhir.ids("ResearchStudy")) == 1
    assert (await fhir.get("_history")).json()["total"] == 10


async def test_conditional_creates_in_transactions_at_once(fhir: Fhir) -> None:
    """http.html#trules: the condition of an entry holds when the transaction is written."""
    entry: Json = {
        "resource": study(nct="NCT1"),
        "request": {"method": "POST", "url": "ResearchStudy", "ifNoneExist": "identifier=NCT1"},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    responses = await asyncio.gather(*(fhir.post("", bundle) for _ in range(20)))
    statuses = Counter(response.json()["entry"][0]["response"]["status"] for response in responses)
    assert statuses == {"201 Created": 1, "200 OK": 19}
    assert len(await fhir.ids("ResearchStudy")) == 1


async def test_if_match_any_at_once(fhir: Fhir) -> None:
    """RFC 9110, 13.1.1: ``*`` is met by any version, so also by the one that another client has just written."""
    await fhir.store(study("a"))
    requests = (fhir.put("ResearchStudy/a", study("a", title=f"{n}"), If_Match="*") for n in range(CLIENTS))
    assert {response.status_code for response in await asyncio.gather(*requests)} == {200}
    assert (await fhir.get("ResearchStudy/a")).headers["etag"] == f'W/"{CLIENTS + 1}"'


async def test_if_match_at_once(fhir: Fhir) -> None:
    """http.html#concurrency: of fifty updates of the same version one is made, the others are refused with 412."""
    await fhir.store(study("a"))
    requests = (fhir.put("ResearchStudy/a", study("a", title=f"{n}"), If_Match='W/"1"') for n in range(CLIENTS))
    responses = await asyncio.gather(*requests)
    assert Counter(response.status_code for response in responses) == {200: 1, 412: CLIENTS - 1}
    assert (await fhir.get("ResearchStudy/a")).headers["etag"] == 'W/"2"'


async def test_patches_at_once(fhir: Fhir) -> None:
    """http.html#patch: a patch is applied to what is current when it is written: no change of another is lost."""
    await fhir.store(study("a", note=[{"text": "first"}]))
    patches = ([{"op": "add", "path": "/note/-", "value": {"text": f"{n}"}}] for n in range(10))
    responses = await asyncio.gather(*(fhir.patch("ResearchStudy/a", patch) for patch in patches))
    assert {response.status_code for response in responses} == {200}
    notes = [note["text"] for note in (await fhir.get("ResearchStudy/a")).json()["note"]]
    assert sorted(notes[1:]) == [str(n) for n in range(10)]


async def test_updates_at_once(fhir: Fhir) -> None:
    """http.html#versioning: every update makes a version of its own, and the numbers have no gap."""
    requests = (fhir.put("ResearchStudy/a", study("a", title=f"{n}")) for n in range(CLIENTS))
    responses = await asyncio.gather(*requests)
    assert Counter(response.status_code for response in responses) == {201: 1, 200: CLIENTS - 1}
    assert sorted(int(each.headers["etag"][3:-1]) for each in responses) == list(range(1, CLIENTS + 1))


async def test_creation_and_deletion_at_once(fhir: Fhir) -> None:
    """http.html#delete: whatever the order, each request is answered, and the history alternates."""
    await asyncio.gather(
        *(fhir.put("ResearchStudy/a", study("a")) if n % 2 else fhir.delete("ResearchStudy/a") for n in range(CLIENTS))
    )
    history = (await fhir.get("ResearchStudy/a/_history?_count=100")).json()["entry"]
    methods = [entry["request"]["method"] for entry in reversed(history)]
    assert methods == [("PUT", "DELETE")[n % 2] for n in range(len(methods))]
