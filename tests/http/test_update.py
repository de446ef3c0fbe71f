"""update and conditional update: https://hl7.org/fhir/R5/http.html#update and https://hl7.org/fhir/R5/http.html#cond-update."""

from __future__ import annotations

import json

import pytest

from tests.support.asking import BASE, Fhir, observation, refused, study

pytestmark = pytest.mark.anyio


async def test_update_makes_the_next_version(fhir: Fhir) -> None:
    """http.html#update: 200 for what was there, the next version, with Location, ETag and Last-Modified."""
    await fhir.store(study("a", title="One"))
    response = await fhir.put("ResearchStudy/a", study("a", title="Two"))
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert response.headers["location"] == f"{BASE}/ResearchStudy/a/_history/2"
    assert response.content == (await fhir.get("ResearchStudy/a")).content
    assert response.json()["title"] == "Two"


async def test_update_creates_under_a_new_id(fhir: Fhir) -> None:
    """http.html#upsert: 201 where the id is new; ids are case-sensitive, of up to 64 of the allowed characters."""
    for id_ in ("a", "A", "x" * 64, "-.-", "123"):
        response = await fhir.put(f"ResearchStudy/{id_}", study(id_))
        assert (id_, response.status_code) == (id_, 201)
        assert response.headers["location"] == f"{BASE}/ResearchStudy/{id_}/_history/1"
        assert (await fhir.get(f"ResearchStudy/{id_}")).json()["id"] == id_


async def test_the_same_content_makes_no_version(fhir: Fhir) -> None:
    """http.html#update: what changes nothing makes no version; the order of members and white space are nothing."""
    resource = study("a", title="One", nct="NCT1")
    await fhir.store(resource)
    first = await fhir.get("ResearchStudy/a")
    for same in (
        json.dumps(resource),
        json.dumps(resource, indent=3),
        json.dumps(resource, sort_keys=True),
        json.dumps({**resource, "meta": {"versionId": "99", "lastUpdated": "2001-01-01T00:00:00Z"}}),
        first.text,
    ):
        response = await fhir.put("ResearchStudy/a", same.encode())
        assert response.status_code == 200
        assert response.headers["etag"] == 'W/"1"'
        assert response.content == first.content
    assert (await fhir.get("_history")).json()["total"] == 1


async def test_other_digits_make_a_version(fhir: Fhir) -> None:
    """json.html: 1.0 and 1.00 are not the same measurement."""
    for number, value in enumerate(("1", "1.0", "1.00", "100e-2"), start=1):
        response = await fhir.put("Observation/a", observation(value, "a"))
        assert response.headers["etag"] == f'W/"{number}"'


async def test_an_id_must_be_that_of_the_url(fhir: Fhir) -> None:
    """http.html#update: 400 where the body has no id or another one, and nothing is stored."""
    for body in (study(), study("b"), study("A"), {**study(), "id": None}, {**study(), "id": 5}, {**study(), "id": ""}):
        refused(await fhir.put("ResearchStudy/a", body), 400, "invalid", "id")
    refused(await fhir.put("ResearchStudy/a b", study("a b")), 400, "invalid", "id")
    refused(await fhir.put("ResearchStudy/" + "x" * 65, study("x" * 65)), 400, "invalid", "id")
    assert (await fhir.get("_history")).json()["total"] == 0


async def test_if_match(fhir: Fhir) -> None:
    """http.html#concurrency: weak and strong tags of the current version are met, any other is 412."""
    await fhir.store(study("a"))
    assert (await fhir.put("ResearchStudy/a", study("a", title="2"), If_Match='W/"1"')).status_code == 200
    assert (await fhir.put("ResearchStudy/a", study("a", title="3"), If_Match='"2"')).status_code == 200
    for stale in ('W/"1"', 'W/"2"', 'W/"4"', 'W/"x"', 'W/"03"', 'W/""', '"99999999999999999999"'):
        refused(await fhir.put("ResearchStudy/a", study("a", title="4"), If_Match=stale), 412, "conflict", "If-Match")
    for bad in ("3", "W/3", 'W/"3', "", 'W/"3", W/"2"'):
        refused(await fhir.put("ResearchStudy/a", study("a", title="4"), If_Match=bad), 400, "invalid", "If-Match")
    assert (await fhir.get("ResearchStudy/a")).json()["title"] == "3"


async def test_if_match_of_what_is_not_there(fhir: Fhir) -> None:
    """http.html#concurrency: If-Match asks for a version, so nothing is created; a deleted one has none."""
    refused(await fhir.put("ResearchStudy/a", study("a"), If_Match='W/"1"'), 412, "conflict", "If-Match")
    await fhir.store(study("a"))
    await fhir.delete("ResearchStudy/a")
    refused(await fhir.put("ResearchStudy/a", study("a"), If_Match='W/"2"'), 412, "conflict", "If-Match")


async def test_if_match_any(fhir: Fhir) -> None:
    """RFC 9110, 13.1.1: ``*`` is met by any current version, and by nothing that was deleted or never was."""
    for path in ("ResearchStudy/a", "ResearchStudy?identifier=NCT1"):
        refused(await fhir.put(path, study("a", nct="NCT1"), If_Match="*"), 412, "conflict", "If-Match")
    await fhir.store(study("a", nct="NCT1"))
    for number, path in enumerate(("ResearchStudy/a", "ResearchStudy?identifier=NCT1"), start=2):
        response = await fhir.put(path, study("a", nct="NCT1", title=str(number)), If_Match=" * ")
        assert (response.status_code, response.headers["etag"]) == (200, f'W/"{number}"')
    refused(
        await fhir.put("ResearchStudy/a", study("a"), If_Match="*", If_None_Match="*"), 412, "conflict", "If-None-Match"
    )
    await fhir.delete("ResearchStudy/a")
    refused(await fhir.put("ResearchStudy/a", study("a"), If_Match="*"), 412, "conflict", "If-Match")


async def test_if_match_counts_for_unchanged_content_too(fhir: Fhir) -> None:
    """http.html#concurrency: the condition is looked at before anything else is decided."""
    await fhir.store(study("a", title="1"), study("a", title="2"))
    refused(await fhir.put("ResearchStudy/a", study("a", title="2"), If_Match='W/"1"'), 412, "conflict", "If-Match")
    assert (await fhir.put("ResearchStudy/a", study("a", title="2"), If_Match='W/"2"')).status_code == 200


async def test_if_none_match_star_only_creates(fhir: Fhir) -> None:
    """http.html#cond-update: ``If-None-Match: *`` lets an update create and never overwrite."""
    assert (await fhir.put("ResearchStudy/a", study("a"), If_None_Match="*")).status_code == 201
    for body in (study("a"), study("a", title="2")):
        refused(await fhir.put("ResearchStudy/a", body, If_None_Match="*"), 412, "conflict", "If-None-Match")
    await fhir.delete("ResearchStudy/a")
    assert (await fhir.put("ResearchStudy/a", study("a"), If_None_Match="*")).status_code == 201
    refused(await fhir.put("ResearchStudy/a", study("a"), If_None_Match='W/"1"'), 400, "invalid", "If-None-Match")


async def test_conditions_that_are_not_understood(fhir: Fhir) -> None:
    """RFC 9110, 13.1: no condition is left out: what is not evaluated here is refused, and nothing is written."""
    await fhir.store(study("a"))
    for method, body in (("PUT", study("a", title="2")), ("PATCH", []), ("DELETE", None)):
        for path in ("ResearchStudy/a", "ResearchStudy?_id=a"):
            for name, value in {
                "If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT",
                "If-None-Exist": "_id=b",
            }.items():
                response = await fhir.ask(method, path, body, **{name: value})
                refused(response, 400, "not-supported", name)
    assert (await fhir.get("ResearchStudy/a")).headers["etag"] == 'W/"1"'


async def test_update_revives(fhir: Fhir) -> None:
    """http.html#delete: a deleted resource is brought back by an update, with the next version number."""
    await fhir.store(study("a", title="1"))
    await fhir.delete("ResearchStudy/a")
    response = await fhir.put("ResearchStudy/a", study("a", title="1"))
    assert response.status_code == 201
    assert response.headers["etag"] == 'W/"3"'
    assert await fhir.ids("ResearchStudy") == ["a"]


async def test_conditional_update_without_a_match(fhir: Fhir) -> None:
    """http.html#cond-update: no match: a create, under the id of the body where it has one and it is free."""
    response = await fhir.put("ResearchStudy?identifier=NCT1", study(nct="NCT1"))
    assert response.status_code == 201
    response = await fhir.put("ResearchStudy?identifier=NCT2", study("mine", nct="NCT2"))
    assert response.status_code == 201
    assert response.json()["id"] == "mine"
    response = await fhir.put("ResearchStudy?identifier=NCT3", study("mine", nct="NCT3"))
    refused(response, 409, "conflict", "id")
    await fhir.delete("ResearchStudy/mine")
    response = await fhir.put("ResearchStudy?identifier=NCT3", study("mine", nct="NCT3"))
    assert response.status_code == 201


async def test_conditional_update_with_one_match(fhir: Fhir) -> None:
    """http.html#cond-update: one match: an update of it, with its id or none in the body; another id is 400."""
    await fhir.store(study("a", nct="NCT1"))
    response = await fhir.put("ResearchStudy?identifier=NCT1", study(nct="NCT1", title="2"))
    assert (response.status_code, response.json()["id"]) == (200, "a")
    response = await fhir.put("ResearchStudy?identifier=NCT1", study("a", nct="NCT1", title="3"))
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"3"')
    response = await fhir.put("ResearchStudy?identifier=NCT1", study("a", nct="NCT1", title="3"))
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"3"')
    refused(await fhir.put("ResearchStudy?identifier=NCT1", study("b", nct="NCT1")), 400, "invalid", "id")
    assert await fhir.ids("ResearchStudy") == ["a"]


async def test_conditional_update_with_many_matches(fhir: Fhir) -> None:
    """http.html#cond-update: several matches: 412."""
    await fhir.store(study("a", nct="NCT1"), study("b", nct="NCT1"))
    refused(await fhir.put("ResearchStudy?identifier=NCT1", study(nct="NCT1")), 412, "multiple-matches")


async def test_conditional_update_heeds_if_match_and_if_none_match(fhir: Fhir) -> None:
    """http.html#concurrency: the conditions on the version hold for whatever the criteria lead to."""
    await fhir.store(study("a", nct="NCT1"))
    path, body = "ResearchStudy?identifier=NCT1", study(nct="NCT1", title="2")
    refused(await fhir.put(path, body, If_Match='W/"2"'), 412, "conflict", "If-Match")
    refused(await fhir.put(path, body, If_None_Match="*"), 412, "conflict", "If-None-Match")
    assert (await fhir.put(path, body, If_Match='W/"1"')).status_code == 200


async def test_conditional_update_needs_criteria_that_are_understood(fhir: Fhir) -> None:
    """http.html#cond-update: without criteria, or with some that are not known, nothing is touched."""
    await fhir.store(study("a"))
    refused(await fhir.put("ResearchStudy", study()), 400, "required")
    refused(await fhir.put("ResearchStudy?nonsense=1", study(), Prefer="handling=lenient"), 400, "invalid", "nonsense")
    refused(await fhir.put("ResearchStudy?_count=1", study()), 400, "invalid", "_count")
    assert (await fhir.get("_history")).json()["total"] == 1


async def test_conditional_update_with_an_id_that_is_none(fhir: Fhir) -> None:
    """datatypes.html#id: an id is text of a certain form, also where the criteria match nothing."""
    ids: tuple[object, ...] = (5, None, {}, [], "", "a b", "_x")
    for id_ in ids:
        response = await fhir.put("ResearchStudy?identifier=NCT1", {**study(), "id": id_})
        assert (id_, response.status_code in (400, 422)) == (id_, True)
    assert await fhir.ids("ResearchStudy") == []
