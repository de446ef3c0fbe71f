"""What an entry of a transaction or batch can ask beside create, update and delete: https://hl7.org/fhir/R5/http.html#trules."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from service.fhir.json import dumps
from tests.support.asking import Fhir, Json, outcome, refused, study
from tests.support.bundles import ONE, done, entry, group, transaction

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("type_", ["transaction", "batch"])


def fhirpath(*operations: Json) -> Json:
    """A FHIRPath Patch; each operation has type, path and more, with its value as a member of a part."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": each["type"]},
                    {"name": "path", "valueString": each["path"]},
                    *([{"name": "name", "valueString": each["name"]}] if "name" in each else []),
                    *([{"name": "value", **each["value"]}] if "value" in each else []),
                ],
            }
            for each in operations
        ],
    }


def json_patch(*operations: Json) -> Json:
    """A Binary with a JSON Patch."""
    data = b64encode(dumps(list(operations))).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


TITLE = fhirpath({"type": "replace", "path": "ResearchStudy.title", "value": {"valueString": "New"}})
STATUS = json_patch({"op": "replace", "path": "/status", "value": "retired"})


async def both(fhir: Fhir, type_: str, *entries: Json, **headers: str) -> list[Json]:
    """Send a Bundle whose entries must all succeed, and return the response entries."""
    response = await fhir.post("", transaction(*entries, type_=type_), **headers)
    assert response.status_code == 200, response.text
    answers: list[Json] = response.json()["entry"]
    assert all(each["response"]["status"][:1] in "23" for each in answers), answers
    return answers


@BOTH
async def test_patches(fhir: Fhir, type_: str) -> None:
    """http.html#patch: an entry has a FHIRPath Patch as it is, or a JSON Patch in a Binary; by id or by criteria."""
    await fhir.store(study("a", title="Old"), study("b", nct="NCT00000002", title="Old"))
    answers = await both(
        fhir,
        type_,
        entry("PATCH", "ResearchStudy/a", TITLE, ifMatch='W/"1"'),
        entry("PATCH", "ResearchStudy?identifier=NCT00000002", STATUS),
    )
    assert [each["response"]["etag"] for each in answers] == ['W/"2"', 'W/"2"']
    assert (await fhir.get("ResearchStudy/a")).json()["title"] == "New"
    assert (await fhir.get("ResearchStudy/b")).json()["status"] == "retired"


WRONG_PATCHES: list[tuple[Json, int]] = [
    (entry("PATCH", "ResearchStudy/a", study("a")), 400),
    (entry("PATCH", "ResearchStudy/a", {**STATUS, "contentType": "text/plain"}), 400),
    (entry("PATCH", "ResearchStudy/a", {**STATUS, "data": "?"}), 400),
    (entry("PATCH", "ResearchStudy/a", json_patch({"op": "remove", "path": "/nothing"})), 422),
    (entry("PATCH", "ResearchStudy/a", json_patch({"op": "remove", "path": "/status"})), 422),
    (entry("PATCH", "ResearchStudy/a", json_patch({"op": "replace", "path": "/id", "value": "z"})), 422),
    (entry("PATCH", "ResearchStudy/a", TITLE, ifMatch='W/"7"'), 412),
    (entry("PATCH", "ResearchStudy/never", STATUS), 404),
    (entry("PATCH", "ResearchStudy?identifier=never", STATUS), 404),
    (entry("PATCH", "ResearchStudy?status=active", STATUS), 412),
    (entry("PATCH", "ResearchStudy", STATUS), 400),
]


async def test_a_patch_that_fails_fails_everything(fhir: Fhir) -> None:
    """http.html#trules: the entry is named and nothing is stored; in a batch it fails alone."""
    await fhir.store(study("a", title="x"), study("b"))
    for wrong, status in WRONG_PATCHES:
        response = await fhir.post("", transaction(entry("PUT", "Group/g", group(id="g")), wrong))
        assert (wrong, response.status_code) == (wrong, status)
        assert all(each["expression"][0].startswith("Bundle.entry[1]") for each in outcome(response))
        alone = (await fhir.post("", transaction(wrong, type_="batch"))).json()["entry"][0]["response"]
        assert (wrong, alone["status"][:3]) == (wrong, str(status))
    assert (await fhir.get("Group/g")).status_code == 404
    assert (await fhir.get("ResearchStudy/a")).json()["meta"]["versionId"] == "1"


async def test_a_patch_sees_the_links_of_the_transaction(fhir: Fhir) -> None:
    """http.html#trules: a temporary URL in what a patch puts in becomes the reference, and the order is PUT's."""
    await fhir.store(study("a"))
    value = {"valueReference": {"reference": ONE}}
    add = fhirpath({"type": "add", "path": "ResearchStudy", "name": "site", "value": value})
    answers = await done(
        fhir,
        entry("GET", "ResearchStudy/a"),
        entry("PATCH", "ResearchStudy/a", add),
        entry("POST", "Location", {"resourceType": "Location", "name": "L"}, ONE),
    )
    location = "/".join(answers[2]["response"]["location"].split("/")[-4:-2])
    assert answers[0]["resource"]["site"] == [{"reference": location}]
    overlapping = transaction(entry("PATCH", "ResearchStudy/a", TITLE), entry("PUT", "ResearchStudy/a", study("a")))
    refused(await fhir.post("", overlapping), 400, "duplicate")


@BOTH
async def test_reads_with_conditions(fhir: Fhir, type_: str) -> None:
    """http.html#cread: ifNoneMatch and ifModifiedSince of a read: 304 and no resource where the client has it."""
    await fhir.store(study("a"))
    instant = (await fhir.get("ResearchStudy/a")).json()["meta"]["lastUpdated"]
    for conditions, status in (
        ({"ifNoneMatch": 'W/"1"'}, "304 Not Modified"),
        ({"ifNoneMatch": 'W/"2", "1"'}, "304 Not Modified"),
        ({"ifNoneMatch": 'W/"2"'}, "200 OK"),
        ({"ifModifiedSince": instant}, "304 Not Modified"),
        ({"ifModifiedSince": "2020-01-01T00:00:00Z"}, "200 OK"),
        ({"ifNoneMatch": 'W/"2"', "ifModifiedSince": instant}, "200 OK"),
    ):
        for path in ("ResearchStudy/a", "ResearchStudy/a/_history/1"):
            [answer] = await both(fhir, type_, entry("GET", path, **conditions))
            assert (conditions, answer["response"]["status"]) == (conditions, status)
            assert answer["response"]["etag"] == 'W/"1"'
            assert ("resource" in answer) == (status == "200 OK")
    wrong = transaction(entry("GET", "ResearchStudy/a", ifModifiedSince="soon"))
    refused(await fhir.post("", wrong), 400, "invalid", "Bundle.entry[0]")


@BOTH
async def test_searches_and_histories(fhir: Fhir, type_: str) -> None:
    """http.html#trules: a read is any that there is: searches of a type or of all, histories at three levels."""
    await fhir.store(study("a"), study("a", title="2"), group(id="g"))
    for url, total in {
        "ResearchStudy?status=active": 1,
        "?_type=ResearchStudy,Group": 2,
        "http://registry.test/fhir?_type=Group": 1,
        "_history": 3,
        "ResearchStudy/_history": 2,
        "ResearchStudy/a/_history": 2,
        "ResearchStudy/a/_history?_count=1": 2,
    }.items():
        [answer, head] = await both(fhir, type_, entry("GET", url), entry("HEAD", url))
        found = answer["resource"]
        assert (url, found["resourceType"], found["total"]) == (url, "Bundle", total)
        assert found["type"] == ("history" if "_history" in url else "searchset")
        assert head == {"response": {"status": "200 OK"}}


@BOTH
async def test_operations(fhir: Fhir, type_: str) -> None:
    """bundle.html: an entry can ask for an operation that changes nothing, on each level, by GET or POST."""
    await fhir.store(study("a", meta={"tag": [{"code": "t"}]}))
    parameters: Any = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": study()}]}
    answers = await both(
        fhir,
        type_,
        entry("GET", "$versions"),
        entry("GET", "ResearchStudy/$meta"),
        entry("GET", "ResearchStudy/a/$everything?_count=5"),
        entry("POST", "ResearchStudy/$validate", parameters),
        entry("POST", "$versions"),
    )
    assert [each["response"]["status"] for each in answers] == ["200 OK"] * 5
    types = [each["resource"]["resourceType"] for each in answers]
    assert types == ["Parameters", "Parameters", "Bundle", "OperationOutcome", "Parameters"]


async def test_operations_that_cannot_be_asked_for(fhir: Fhir) -> None:
    """What changes the registry would be no part of the one commit: it goes in a batch; what is not there is 404."""
    await fhir.store(study("a"))
    add = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "t"}]}}]}
    asked = entry("POST", "ResearchStudy/a/$meta-add", add)
    refused(await fhir.post("", transaction(asked)), 400, "not-supported", "Bundle.entry[0]")
    [answer] = await both(fhir, "batch", asked)
    assert answer["resource"]["parameter"][0]["valueMeta"]["tag"] == [{"code": "t"}]
    for url, method in (("$nothing", "GET"), ("Group/$everything", "GET"), ("ResearchStudy/a/$meta-add", "GET")):
        refused(await fhir.post("", transaction(entry(method, url))), 404, "not-supported", "Bundle.entry[0]")
    wrong = transaction(entry("PUT", "ResearchStudy/$meta", study()))
    refused(await fhir.post("", wrong), 400, "invalid", "Bundle.entry[0].request.url")


@BOTH
async def test_prefer(fhir: Fhir, type_: str) -> None:
    """http.html#ops: ``return`` holds for each entry that writes; without it an entry has no resource."""
    for number, (prefer, resource, told) in enumerate(
        (("", False, False), ("return=minimal", False, False), ("return=representation", True, False),
         ("return=OperationOutcome", False, True)), start=1
    ):  # fmt: skip
        [put, deleted] = await both(
            fhir,
            type_,
            entry("PUT", "ResearchStudy/a", study("a", title=str(number))),
            entry("DELETE", "ResearchStudy/never"),
            Prefer=prefer,
        )
        assert (prefer, put.get("resource", {}).get("title")) == (prefer, str(number) if resource else None)
        assert ("outcome" in put["response"]) == ("outcome" in deleted["response"]) == told


@BOTH
async def test_searches_by_post(fhir: Fhir, type_: str) -> None:
    """search.html#Introduction: an entry may search by POST, with parameters in the URL, in a form, or in both."""
    await fhir.store(study("a"), study("b", status="draft"), study("c", status="draft", title="c"))
    form = {
        "resourceType": "Binary",
        "contentType": "application/x-www-form-urlencoded",
        "data": b64encode(b"status=draft").decode(),
    }
    entries = [
        {"request": {"method": "POST", "url": "ResearchStudy/_search?status=active"}},
        {"request": {"method": "POST", "url": "ResearchStudy/_search"}, "resource": form},
        {
            "request": {"method": "POST", "url": "http://registry.test/fhir/ResearchStudy/_search?title=c"},
            "resource": form,
        },
        {"request": {"method": "POST", "url": "_search?_type=ResearchStudy&_id=b"}},
    ]
    response = await fhir.post("", {"resourceType": "Bundle", "type": type_, "entry": entries})
    assert response.status_code == 200, response.text
    found = [[each["resource"]["id"] for each in answer["resource"]["entry"]] for answer in response.json()["entry"]]
    assert found == [["a"], ["b", "c"], ["c"], ["b"]]


async def test_wrong_searches_by_post(fhir: Fhir) -> None:
    """GET is no way to _search, and what goes with a search by POST is a form."""
    wrong = [
        {"request": {"method": "GET", "url": "ResearchStudy/_search?status=active"}},
        {"request": {"method": "POST", "url": "ResearchStudy/_search"}, "resource": study("a")},
        {
            "request": {"method": "POST", "url": "ResearchStudy/_search"},
            "resource": {"resourceType": "Binary", "contentType": "application/x-www-form-urlencoded", "data": "%"},
        },
        {"request": {"method": "POST", "url": "Nothing/_search"}},
    ]
    response = await fhir.post("", {"resourceType": "Bundle", "type": "batch", "entry": wrong})
    assert [each["response"]["status"][:3] for each in response.json()["entry"]] == ["400"] * 4
