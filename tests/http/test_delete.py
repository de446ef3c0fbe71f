"""delete and conditional delete: https://hl7.org/fhir/R5/http.html#delete and https://hl7.org/fhir/R5/http.html#cond-delete."""

from __future__ import annotations

import pytest

from tests.http.conftest import Configured
from tests.support.asking import Fhir, refused, study

pytestmark = pytest.mark.anyio


async def test_delete_and_delete_again(fhir: Fhir) -> None:
    """http.html#delete: 204; a repeated deletion, or that of what never was, is no error and makes no version."""
    await fhir.store(study("a"))
    first = await fhir.delete("ResearchStudy/a")
    assert (first.status_code, first.content, first.headers["etag"]) == (204, b"", 'W/"2"')
    for path in ("ResearchStudy/a", "ResearchStudy/never", "ResearchStudy/a b"):
        assert (await fhir.delete(path)).status_code == 204
    assert (await fhir.get("_history")).json()["total"] == 2
    assert await fhir.ids("ResearchStudy") == []


async def test_if_match(fhir: Fhir) -> None:
    """http.html#concurrency: a deletion of another version than the current is refused with 412."""
    await fhir.store(study("a"), study("a", title="2"))
    refused(await fhir.delete("ResearchStudy/a", If_Match='W/"1"'), 412, "conflict", "If-Match")
    assert (await fhir.delete("ResearchStudy/a", If_Match='W/"2"')).status_code == 204
    refused(await fhir.delete("ResearchStudy/a", If_Match='W/"3"'), 412, "conflict", "If-Match")
    refused(await fhir.delete("ResearchStudy/never", If_Match='W/"1"'), 412, "conflict", "If-Match")


async def test_if_match_any(fhir: Fhir) -> None:
    """RFC 9110, 13.1.1: ``*`` is met by any current version, and by nothing that was deleted or never was."""
    await fhir.store(study("a", nct="NCT1"), study("b", nct="NCT2"))
    for path in ("ResearchStudy/a", "ResearchStudy?identifier=NCT2"):
        assert (await fhir.delete(path, If_Match="*")).status_code == 204
        refused(await fhir.delete(path, If_Match="*"), 412, "conflict", "If-Match")
    assert await fhir.ids("ResearchStudy") == []


async def test_if_none_match_any(fhir: Fhir) -> None:
    """RFC 9110, 13.1.2: ``*`` is met where there is nothing, so nothing is deleted under it."""
    await fhir.store(study("a"))
    for path in ("ResearchStudy/a", "ResearchStudy?status=active"):
        refused(await fhir.delete(path, If_None_Match="*"), 412, "conflict", "If-None-Match")
        refused(await fhir.delete(path, If_None_Match='W/"9"'), 400, "invalid", "If-None-Match")
    assert (await fhir.delete("ResearchStudy/never", If_None_Match="*")).status_code == 204
    assert await fhir.ids("ResearchStudy") == ["a"]


async def test_delete_has_no_parameters(fhir: Fhir) -> None:
    """http.html#delete: a parameter that is not known may not be ignored by what destroys."""
    await fhir.store(study("a"))
    refused(await fhir.delete("ResearchStudy/a?identifier=1"), 400, "invalid", "identifier")
    assert (await fhir.get("ResearchStudy/a")).status_code == 200


async def test_conditional_delete_of_none_and_of_one(fhir: Fhir) -> None:
    """http.html#cond-delete: no match is like the deletion of what is not there, one match is deleted."""
    await fhir.store(study("a", nct="NCT1"), study("b", nct="NCT2"))
    assert (await fhir.delete("ResearchStudy?identifier=NCT3")).status_code == 204
    assert await fhir.ids("ResearchStudy") == ["a", "b"]
    assert (await fhir.delete("ResearchStudy?identifier=NCT1")).status_code == 204
    assert await fhir.ids("ResearchStudy") == ["b"]


async def test_conditional_delete_of_many_is_refused_by_default(fhir: Fhir) -> None:
    """http.html#cond-delete: 412 where the criteria are not selective enough, and nothing is deleted."""
    await fhir.store(study("a"), study("b"))
    refused(await fhir.delete("ResearchStudy?status=active"), 412, "multiple-matches")
    assert await fhir.ids("ResearchStudy") == ["a", "b"]


async def test_conditional_delete_of_many_where_the_setting_allows_it(configured: Configured) -> None:
    """http.html#cond-delete: up to the limit all are deleted at once; over it none."""
    fhir = configured(conditional_delete_limit=3)
    await fhir.store(*(study(id_) for id_ in "abcd"), study("e", status="draft"))
    refused(await fhir.delete("ResearchStudy?status=active"), 412, "multiple-matches")
    assert (await fhir.get("_history")).json()["total"] == 5
    await fhir.delete("ResearchStudy/d")
    assert (await fhir.delete("ResearchStudy?status=active")).status_code == 204
    assert await fhir.ids("ResearchStudy") == ["e"]


async def test_conditional_delete_heeds_if_match(configured: Configured) -> None:
    """http.html#concurrency: If-Match is about one resource: met by the one match or refused, never left out."""
    fhir = configured(conditional_delete_limit=3)
    await fhir.store(study("a", nct="NCT1"), study("b"), study("c"))
    refused(await fhir.delete("ResearchStudy?identifier=NCT1", If_Match='W/"2"'), 412, "conflict", "If-Match")
    refused(await fhir.delete("ResearchStudy?status=active", If_Match='W/"1"'), 412, "conflict", "If-Match")
    refused(await fhir.delete("ResearchStudy?identifier=none", If_Match='W/"1"'), 412, "conflict", "If-Match")
    assert await fhir.ids("ResearchStudy") == ["a", "b", "c"]
    assert (await fhir.delete("ResearchStudy?identifier=NCT1", If_Match='W/"1"')).status_code == 204


async def test_conditional_delete_is_never_widened(fhir: Fhir) -> None:
    """search.html#errors: without criteria, or with some that are not wholly understood, nothing is deleted."""
    await fhir.store(study("a"))
    refused(await fhir.delete("ResearchStudy"), 400, "required")
    for query, name in {
        "nonsense=1": "nonsense",
        "_id=a&nonsense=1": "nonsense",
        "_count=1": "_count",
        "_id=": "_id",
        "_id=a,": "_id",
        "status:above=nothing": "status:above",
        "_summary=count": "_summary",
    }.items():
        response = await fhir.delete(f"ResearchStudy?{query}", Prefer="handling=lenient")
        assert response.status_code == 400, query
        assert name in response.json()["issue"][0]["expression"]
    assert await fhir.ids("ResearchStudy") == ["a"]
