"""history at its three levels: https://hl7.org/fhir/R5/http.html#history."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.support.asking import BASE, Fhir, Json, link, refused, study

pytestmark = pytest.mark.anyio

GROUP: Json = {"resourceType": "Group", "id": "g", "type": "person", "membership": "definitional"}


async def make_a_past(fhir: Fhir) -> None:
    """Write a story: create a, create b, update a, another type, delete a, bring a back."""
    await fhir.store(study("a", title="1"), study("b", title="1"), study("a", title="2"), GROUP)
    await fhir.delete("ResearchStudy/a")
    await fhir.store(study("a", title="4"))


def told(bundle: Json) -> list[str]:
    """Return ``METHOD Type/id/version`` of every entry."""
    return [
        f"{entry['request']['method']} {entry['fullUrl'].removeprefix(BASE + '/')}/{entry['response']['etag'][3:-1]}"
        for entry in bundle.get("entry", ())
    ]


ALL = [
    "PUT ResearchStudy/a/4",
    "DELETE ResearchStudy/a/3",
    "PUT Group/g/1",
    "PUT ResearchStudy/a/2",
    "PUT ResearchStudy/b/1",
    "PUT ResearchStudy/a/1",
]
LEVELS = {
    "_history": ALL,
    "ResearchStudy/_history": [each for each in ALL if "ResearchStudy" in each],
    "ResearchStudy/a/_history": [each for each in ALL if "/a/" in each],
    "Group/g/_history": ["PUT Group/g/1"],
    "Evidence/_history": [],
}


async def test_every_level_newest_first(fhir: Fhir) -> None:
    """http.html#history: the versions of a resource, of a type, of everything, newest first, deletions included."""
    await make_a_past(fhir)
    for path, expected in LEVELS.items():
        bundle = (await fhir.get(path)).json()
        assert bundle["type"] == "history"
        assert bundle["total"] == len(expected)
        assert told(bundle) == expected
        assert link(bundle, "self") == f"{BASE}/{path}"


async def test_an_entry_says_what_was_asked_and_answered(fhir: Fhir) -> None:
    """http.html#history: request (method, url) and response (status, etag, lastModified); no resource if deleted.

    A patch is represented as an update, and an update that revives answered 201.
    """
    created = (await fhir.post("ResearchStudy", study())).json()["id"]
    path = f"ResearchStudy/{created}"
    await fhir.put(path, study(created, title="2"))
    await fhir.patch(path, [{"op": "add", "path": "/title", "value": "3"}])
    await fhir.delete(path)
    await fhir.put(path, study(created))
    entries = (await fhir.get(f"{path}/_history")).json()["entry"]
    assert [(each["request"]["method"], each["request"]["url"]) for each in entries] == [
        ("PUT", path),
        ("DELETE", path),
        ("PUT", path),
        ("PUT", path),
        ("POST", "ResearchStudy"),
    ]
    statuses = [each["response"]["status"][:3] for each in entries]
    assert statuses == ["201", "204", "200", "200", "201"]
    assert ["resource" in each for each in entries] == [True, False, True, True, True]
    for entry in entries:
        if "resource" in entry:
            assert entry["response"]["lastModified"] == entry["resource"]["meta"]["lastUpdated"]


async def test_what_was_created_is_told_on_every_page(fhir: Fhir) -> None:
    """http.html#history: the status of an entry is that of its interaction, wherever a page happens to end."""
    for _ in range(2):
        created = (await fhir.put("ResearchStudy/a", study("a"))).status_code
        updated = (await fhir.put("ResearchStudy/a", study("a", title="2"))).status_code
        deleted = (await fhir.delete("ResearchStudy/a")).status_code
        assert (created, updated, deleted) == (201, 200, 204)
    await fhir.store(study("a"), study("b"))
    for path, expected in (
        ("ResearchStudy/a/_history", ["201", "204", "200", "201", "204", "200", "201"]),
        ("_history", ["201", "201", "204", "200", "201", "204", "200", "201"]),
    ):
        for count in (1, 2, 3, 20):
            pages = [page async for page in fhir.pages(f"{path}?_count={count}")]
            assert [entry["response"]["status"][:3] for page in pages for entry in page["entry"]] == expected


async def test_a_version_in_history_is_the_version(fhir: Fhir) -> None:
    """http.html#history: the bytes of an entry are those of the version."""
    text = b'{ "resourceType" : "ResearchStudy", "id":"a", "status":"active", "title":"\\u00e9\xc3\xa9 \\/" }'
    await fhir.put("ResearchStudy/a", text)
    stored = (await fhir.get("ResearchStudy/a")).content
    assert b'"title":"\\u00e9\xc3\xa9 \\/"' in stored
    assert stored in (await fhir.get("_history")).content


async def test_a_deleted_resource_has_a_history(fhir: Fhir) -> None:
    """http.html#history: of what was deleted there is a history, of what never was there is none."""
    await fhir.store(study("a"))
    await fhir.delete("ResearchStudy/a")
    assert (await fhir.get("ResearchStudy/a/_history")).json()["total"] == 2
    refused(await fhir.get("ResearchStudy/b/_history"), 404, "not-found")


async def test_pages_to_the_end(fhir: Fhir) -> None:
    """http.html#paging: the next links lead through everything, each version once, the total the same throughout."""
    await make_a_past(fhir)
    for path, expected in LEVELS.items():
        for count in (1, 2, 4, 100):
            pages = [page async for page in fhir.pages(f"{path}?_count={count}")]
            assert [each for page in pages for each in told(page)] == expected
            assert {page["total"] for page in pages} == {len(expected)}
            assert all(len(page.get("entry", ())) <= count for page in pages)


async def test_pages_while_others_write(fhir: Fhir) -> None:
    """http.html#paging: what is written in between neither moves nor repeats an entry."""
    await make_a_past(fhir)
    seen: list[str] = []
    async for page in fhir.pages("_history?_count=2"):
        seen += told(page)
        await fhir.store(study("a", title=f"later {len(seen)}"), study(f"new{len(seen)}"))
        await fhir.delete("ResearchStudy/b")
    assert seen == ALL


async def test_count_zero_is_the_total(fhir: Fhir) -> None:
    """http.html#history: ``_count=0`` asks for the number alone."""
    await make_a_past(fhir)
    bundle = (await fhir.get("_history?_count=0")).json()
    assert (bundle["total"], "entry" in bundle, link(bundle, "next")) == (len(ALL), False, None)


async def test_since(fhir: Fhir) -> None:
    """http.html#history: ``_since``: only versions made at or after an instant, to the millisecond it says."""
    await make_a_past(fhir)
    entries = (await fhir.get("_history")).json()["entry"]
    instants = [entry["response"]["lastModified"] for entry in entries]
    for instant in instants:
        expected = [each for each, made in zip(ALL, instants, strict=True) if made >= instant]
        for text in (instant, instant.replace("Z", "+00:00")):
            bundle = (await fhir.get(f"_history?_since={quote(text)}")).json()
            assert told(bundle) == expected
            assert bundle["total"] == len(expected)
    assert told((await fhir.get("_history?_since=2100-01-01")).json()) == []
    assert told((await fhir.get("_history?_since=1970")).json()) == ALL


async def test_at(fhir: Fhir) -> None:
    """http.html#history: ``_at``: versions that were current at some time of the period."""
    await make_a_past(fhir)
    entries = (await fhir.get("_history")).json()["entry"]
    day = entries[0]["response"]["lastModified"][:10]
    assert told((await fhir.get(f"_history?_at={day[:4]}")).json()) == ALL
    assert told((await fhir.get("_history?_at=1999")).json()) == []
    current = ["PUT ResearchStudy/a/4", "PUT Group/g/1", "PUT ResearchStudy/b/1"]
    assert told((await fhir.get("_history?_at=2100-01-01T00:00:00Z")).json()) == current


async def test_wrong_parameters_are_refused(fhir: Fhir) -> None:
    """search.html#errors: every parameter that is not understood is named."""
    await fhir.store(study("a"))
    for path in ("_history", "ResearchStudy/_history", "ResearchStudy/a/_history"):
        for query, name in {
            "_since=yesterday": "_since",
            "_since=": "_since",
            "_since=2020-13": "_since",
            "_since=२०२०": "_since",
            "_at=2020-02-30": "_at",
            "_count=-1": "_count",
            "_count=x": "_count",
            "_count=1&_count=2": "_count",
            "_since=2020&_since=2021": "_since",
            "nonsense=1": "nonsense",
            "status=active": "status",
            "_page=nonsense": "_page",
        }.items():
            refused(await fhir.get(f"{path}?{query}"), 400, "invalid", name)


async def test_a_page_belongs_to_its_request(fhir: Fhir) -> None:
    """http.html#paging: the page of one history is no page of another."""
    await make_a_past(fhir)
    following = link((await fhir.get("_history?_count=1")).json(), "next")
    assert following is not None
    seal = following.partition("_page=")[2]
    for path in ("_history?_count=2", "ResearchStudy/_history?_count=1", "ResearchStudy/a/_history?_count=1"):
        refused(await fhir.get(f"{path}&_page={seal}"), 400, "invalid", "_page")
    refused(await fhir.get(f"ResearchStudy?_count=1&_page={seal}"), 400, "invalid", "_page")
    refused(await fhir.get(f"_history?_count=1&_page={seal}&_page={seal}"), 400, "invalid", "_page")
