"""read and vread: https://hl7.org/fhir/R5/http.html#read and https://hl7.org/fhir/R5/http.html#vread."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest

from service.interactions.parameters import Parameters
from tests.support.asking import FHIR_JSON, Fhir, refused, study

pytestmark = pytest.mark.anyio


async def test_read_answers_the_resource_with_its_version(fhir: Fhir) -> None:
    """http.html#read: the resource, with an ETag of its versionId and a Last-Modified of its lastUpdated."""
    await fhir.store(study("a", title="One"))
    response = await fhir.get("ResearchStudy/a")
    assert response.status_code == 200
    assert response.headers["content-type"] == FHIR_JSON
    assert response.headers["etag"] == 'W/"1"'
    resource = response.json()
    assert resource["meta"]["versionId"] == "1"
    modified = parsedate_to_datetime(response.headers["last-modified"])
    assert modified.strftime("%Y-%m-%dT%H:%M:%S") == resource["meta"]["lastUpdated"][:19]
    assert resource["meta"]["lastUpdated"].endswith("Z")


async def test_vread_answers_every_version(fhir: Fhir) -> None:
    """http.html#vread: each version as it was, with its own ETag; the current one too."""
    for title in ("One", "Two", "Three"):
        await fhir.store(study("a", title=title))
    for number, title in enumerate(("One", "Two", "Three"), start=1):
        response = await fhir.get(f"ResearchStudy/a/_history/{number}")
        assert response.status_code == 200
        assert response.headers["etag"] == f'W/"{number}"'
        assert response.json()["title"] == title
        assert response.json()["meta"]["versionId"] == str(number)


async def test_head_is_get_without_the_body(fhir: Fhir) -> None:
    """RFC 9110, 9.3.2: the status and the headers are those of a GET, an error's too; there is no content."""
    await fhir.store(study("a"))
    await fhir.delete("ResearchStudy/b")
    for path in (
        "ResearchStudy/a",
        "ResearchStudy/a/_history/1",
        "ResearchStudy/a/_history",
        "ResearchStudy?_id=a",
        "",
        "/",
        "_history",
        "metadata",
        "$reindex",
        "ResearchStudy/never",
        "Trial",
        "ResearchStudy?x=1",
    ):
        get, head = await fhir.get(path), await fhir.ask("HEAD", path)
        assert (path, head.status_code, dict(head.headers)) == (path, get.status_code, dict(get.headers))
        assert (head.content, bool(get.content)) == (b"", True)


async def test_what_needs_no_search_parameters_asks_for_none(fhir: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read, a version and a history are answered without a look at the search parameters; a search is not."""
    await fhir.store(study("a"))
    looks = 0

    async def refresh(_: Parameters, *, now: bool = False) -> None:
        nonlocal looks
        looks += 1
        assert not now

    monkeypatch.setattr(Parameters, "refresh", refresh)
    for path in ("ResearchStudy/a", "ResearchStudy/a/_history/1", "ResearchStudy/a/_history", "_history"):
        assert (await fhir.get(path)).status_code == 200
    assert looks == 0
    assert (await fhir.get("ResearchStudy?_id=a")).status_code == 200
    assert looks == 1


@pytest.mark.parametrize(
    "path",
    [
        "ResearchStudy/none",
        "ResearchStudy/a b",
        "ResearchStudy/" + "x" * 65,
        "ResearchStudy/%00",
        "ResearchStudy/%FF",
        "ResearchStudy/a/_history/2",
        "ResearchStudy/a/_history/0",
        "ResearchStudy/a/_history/01",
        "ResearchStudy/a/_history/-1",
        "ResearchStudy/a/_history/x",
        "ResearchStudy/a/_history/١",
        "ResearchStudy/a/_history/" + "9" * 30,
        "ResearchStudy/none/_history/1",
        "ResearchStudy/none/_history",
    ],
)
async def test_what_is_not_there_is_404(fhir: Fhir, path: str) -> None:
    """http.html#read: 404 for an id or version that never was, however odd it is."""
    await fhir.store(study("a"))
    refused(await fhir.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Trial/1"),
        ("GET", "researchstudy/1"),
        ("GET", "Resource/1"),
        ("GET", "DomainResource"),
        ("POST", "Trial"),
        ("PUT", "Trial/1"),
        ("DELETE", "Trial/1"),
        ("PATCH", "Trial/1"),
        ("GET", "Trial/_history"),
        ("GET", "ResearchStudy/a/b/c/d"),
        ("POST", "Trial/1"),
        ("GET", "_nothing"),
        ("OPTIONS", "Trial/1"),
        ("GET", "ResearchStudy/"),
        ("GET", "ResearchStudy//_history"),
        ("GET", "/a"),
        ("POST", "$nothing"),
        ("POST", "ResearchStudy/$nothing"),
        ("GET", "ResearchStudy/$nothing"),
        ("GET", "ResearchStudy/a/$nothing"),
        ("PUT", "ResearchStudy/a/_history/$nothing"),
        ("GET", "ResearchStudy/a/_history/1/2"),
    ],
)
async def test_an_unknown_type_or_path_is_404(fhir: Fhir, method: str, path: str) -> None:
    """http.html#Status-Codes: 404 where the resource type is not supported, or the path is no FHIR end-point."""
    refused(await fhir.ask(method, path, {} if method in ("POST", "PUT") else None), 404, "not-supported")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "ResearchStudy/a", "DELETE, GET, HEAD, PATCH, PUT"),
        ("PUT", "ResearchStudy/a/_history/1", "GET, HEAD"),
        ("DELETE", "ResearchStudy/a/_history", "GET, HEAD"),
        ("PUT", "", "GET, HEAD, POST"),
        ("DELETE", "metadata", "GET, HEAD"),
        ("DELETE", "_history", "GET, HEAD"),
        ("PUT", "ResearchStudy/_history", "GET, HEAD"),
        ("GET", "ResearchStudy/_search", "POST"),
        ("PUT", "$reindex", "GET, HEAD, POST"),
        ("OPTIONS", "ResearchStudy", "DELETE, GET, HEAD, PATCH, POST, PUT"),
        ("TRACE", "ResearchStudy/a", "DELETE, GET, HEAD, PATCH, PUT"),
        ("NONSENSE", "_search", "POST"),
    ],
)
async def test_another_method_is_405(fhir: Fhir, method: str, path: str, allowed: str) -> None:
    """RFC 9110, 15.5.6: a path that is there refuses a method with 405 and says which it allows."""
    response = await fhir.ask(method, path, {} if method in ("POST", "PUT") else None)
    refused(response, 405, "not-supported")
    assert response.headers["allow"] == allowed


async def test_a_deleted_resource_is_gone_and_its_versions_stay(fhir: Fhir) -> None:
    """http.html#delete: read is 410; so is vread of the deletion, whereas earlier versions are still there."""
    await fhir.store(study("a"))
    assert (await fhir.delete("ResearchStudy/a")).status_code == 204
    refused(await fhir.get("ResearchStudy/a"), 410, "deleted")
    refused(await fhir.get("ResearchStudy/a/_history/2"), 410, "deleted")
    assert (await fhir.get("ResearchStudy/a/_history/1")).status_code == 200


@pytest.mark.parametrize("path", ["ResearchStudy/a", "ResearchStudy/a/_history/1", "metadata", "ResearchStudy?_id=a"])
async def test_head_has_the_status_and_headers_of_get(fhir: Fhir, path: str) -> None:
    """http.html#head: HEAD is answered as GET is, in status and headers."""
    await fhir.store(study("a"))
    get, head = await fhir.get(path), await fhir.ask("HEAD", path)
    assert (head.status_code, dict(head.headers)) == (get.status_code, dict(get.headers))
    assert (await fhir.ask("HEAD", "ResearchStudy/none")).status_code == 404


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('W/"1"', 304),
        ('"1"', 304),
        ("*", 304),
        ('W/"7", W/"1"', 304),
        ('W/"2"', 200),
        ("1", 200),
        ('W/"11"', 200),
        ("", 200),
    ],
)
async def test_if_none_match(fhir: Fhir, tags: str, status: int) -> None:
    """http.html#cread: 304 where a tag is the current version's, compared weakly; no body then."""
    await fhir.store(study("a"))
    for path in ("ResearchStudy/a", "ResearchStudy/a/_history/1"):
        response = await fhir.get(path, If_None_Match=tags)
        assert response.status_code == status
        assert response.headers["etag"] == 'W/"1"'
        assert bool(response.content) == (status == 200)


async def test_if_modified_since(fhir: Fhir) -> None:
    """http.html#cread: 304 for a resource that is not newer; what is no date counts as no condition (RFC 9110)."""
    await fhir.store(study("a"))
    modified = (await fhir.get("ResearchStudy/a")).headers["last-modified"]
    for since, status in {
        modified: 304,
        "Fri, 01 Jan 2100 00:00:00 GMT": 304,
        "Thu, 01 Jan 1970 00:00:00 GMT": 200,
        "Mon, 01 Jan 0001 00:00:00 -0000": 200,
        "yesterday": 200,
        "2100-01-01": 200,
        "": 200,
    }.items():
        response = await fhir.get("ResearchStudy/a", If_Modified_Since=since)
        assert (since, response.status_code) == (since, status)


async def test_if_none_match_goes_before_if_modified_since(fhir: Fhir) -> None:
    """RFC 9110, 13.1.3: beside If-None-Match, If-Modified-Since is ignored."""
    await fhir.store(study("a"))
    response = await fhir.get(
        "ResearchStudy/a", If_None_Match='W/"9"', If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT"
    )
    assert response.status_code == 200


async def test_a_condition_is_about_what_is_there_now(fhir: Fhir) -> None:
    """http.html#cread: after an update the old tag is no reason for 304, after a deletion nothing is."""
    await fhir.store(study("a"), study("a", title="Two"))
    assert (await fhir.get("ResearchStudy/a", If_None_Match='W/"1"')).status_code == 200
    await fhir.delete("ResearchStudy/a")
    assert (await fhir.get("ResearchStudy/a", If_None_Match='W/"3"')).status_code == 410
