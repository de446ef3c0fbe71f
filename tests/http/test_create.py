"""create and conditional create: https://hl7.org/fhir/R5/http.html#create, https://hl7.org/fhir/R5/http.html#ccreate."""

from __future__ import annotations

import pytest

from service.fhir.references import is_id
from tests.support.asking import BASE, Fhir, refused, study

pytestmark = pytest.mark.anyio


async def test_create_gives_an_id_and_says_where(fhir: Fhir) -> None:
    """http.html#create: 201 with Location (versioned), ETag and Last-Modified; the server gives the id."""
    response = await fhir.post("ResearchStudy", study(title="One"))
    resource = response.json()
    assert response.status_code == 201
    assert is_id(resource["id"])
    assert response.headers["location"] == f"{BASE}/ResearchStudy/{resource['id']}/_history/1"
    assert response.headers["etag"] == 'W/"1"'
    read = await fhir.get(response.headers["location"])
    assert read.content == response.content
    assert read.headers["last-modified"] == response.headers["last-modified"]


async def test_create_ignores_an_id_and_the_servers_part_of_meta(fhir: Fhir) -> None:
    """http.html#create: the server shall ignore an id, versionId and lastUpdated that are provided."""
    await fhir.store(study("mine"))
    given = study("mine", meta={"versionId": "7", "lastUpdated": "2001-01-01T00:00:00Z"})
    resource = (await fhir.post("ResearchStudy", given)).json()
    assert resource["id"] != "mine"
    assert resource["meta"]["versionId"] == "1"
    assert not resource["meta"]["lastUpdated"].startswith("2001")
    assert (await fhir.get("ResearchStudy/mine")).json()["meta"]["versionId"] == "1"


async def test_every_create_is_another_resource(fhir: Fhir) -> None:
    """http.html#create: the same content twice is two resources."""
    created = [(await fhir.post("ResearchStudy", study())).json()["id"] for _ in range(5)]
    assert sorted(created) == sorted(set(await fhir.ids("ResearchStudy")))


async def test_what_is_not_valid_is_refused_with_all_its_problems(fhir: Fhir) -> None:
    """http.html#create: 422 for a resource that breaks the rules, every problem with its FHIRPath location."""
    bad = {"resourceType": "ResearchStudy", "status": "nonsense", "title": 5, "unknown": True}
    response = await fhir.post("ResearchStudy", bad)
    assert response.status_code == 422
    places = {place for issue in response.json()["issue"] for place in issue.get("expression", ())}
    assert {"ResearchStudy.status", "ResearchStudy.title", "ResearchStudy.unknown"} <= places
    assert await fhir.ids("ResearchStudy") == []


async def test_a_resource_of_another_type_is_refused(fhir: Fhir) -> None:
    """http.html#create: the resource is of the type in the URL."""
    refused(await fhir.post("Group", study()), 400, "invalid", "resourceType")
    refused(await fhir.post("Group", {}), 400, "invalid", "resourceType")
    refused(await fhir.post("Group", {"resourceType": 5}), 400, "invalid", "resourceType")
    refused(await fhir.post("Group?x=1", study()), 400, "invalid", "x")


async def test_conditional_create_with_no_match_creates(fhir: Fhir) -> None:
    """http.html#ccreate: no match: as create, 201."""
    response = await fhir.post("ResearchStudy", study(nct="NCT1"), If_None_Exist="identifier=NCT1")
    assert response.status_code == 201


async def test_conditional_create_with_one_match_changes_nothing(fhir: Fhir) -> None:
    """http.html#ccreate: one match: 200, where it is and which version; the body is ignored, even a different one."""
    await fhir.store(study("a", nct="NCT1"))
    for criteria in (
        "identifier=NCT1",
        "ResearchStudy?identifier=NCT1",
        "?identifier=NCT1",
        f"{BASE}/ResearchStudy?identifier=NCT1",
        "identifier=https://clinicaltrials.gov|NCT1&status=active",
        "_id=a",
    ):
        response = await fhir.post("ResearchStudy", study(title="Other"), If_None_Exist=criteria)
        assert (criteria, response.status_code) == (criteria, 200)
        assert response.headers["location"] == f"{BASE}/ResearchStudy/a/_history/1"
        assert response.headers["etag"] == 'W/"1"'
    assert len(await fhir.ids("ResearchStudy")) == 1


async def test_conditional_create_with_many_matches_is_refused(fhir: Fhir) -> None:
    """http.html#ccreate: several matches: 412, as the criteria were not selective enough."""
    await fhir.store(study("a", nct="NCT1"), study("b", nct="NCT1"))
    response = await fhir.post("ResearchStudy", study(), If_None_Exist="identifier=NCT1")
    refused(response, 412, "multiple-matches")
    assert await fhir.ids("ResearchStudy") == ["a", "b"]


async def test_conditional_create_heeds_deletion(fhir: Fhir) -> None:
    """http.html#ccreate: what was deleted matches nothing."""
    await fhir.store(study("a", nct="NCT1"))
    await fhir.delete("ResearchStudy/a")
    response = await fhir.post("ResearchStudy", study(nct="NCT1"), If_None_Exist="identifier=NCT1")
    assert response.status_code == 201


async def test_criteria_are_never_widened(fhir: Fhir) -> None:
    """search.html#errors: criteria that are not wholly understood are refused, also where handling is lenient."""
    await fhir.store(study("a", nct="NCT1"))
    for criteria, name in {
        "nonsense=1": "nonsense",
        "identifier=NCT1&nonsense=1": "nonsense",
        "identifier:nonsense=NCT1": "identifier:nonsense",
        "identifier=": "identifier",
        "identifier=a|b|c": "identifier",
        "identifier=NCT1&_count=1": "_count",
        "_summary=count": "_summary",
        "_page=x": "_page",
        "": None,
        "&": None,
        "?": None,
        "%FF=1": None,
    }.items():
        response = await fhir.post("ResearchStudy", study(), If_None_Exist=criteria, Prefer="handling=lenient")
        assert (criteria, response.status_code) == (criteria, 400)
        places = response.json()["issue"][0].get("expression", [])
        assert name is None or name in places, criteria
    assert await fhir.ids("ResearchStudy") == ["a"]


async def test_a_question_mark_in_a_criterion_is_part_of_it(fhir: Fhir) -> None:
    """http.html#ccreate: If-None-Exist has search parameters, whose values may have any character."""
    system = "https://registry.example.org/?kind"
    await fhir.store({**study("a"), "identifier": [{"system": system, "value": "1"}]})
    response = await fhir.post("ResearchStudy", study(), If_None_Exist=f"identifier={system}|1")
    assert response.status_code == 200


async def test_a_condition_without_criteria(fhir: Fhir) -> None:
    """http.html#ccreate: an ``If-None-Exist`` that names nothing is refused where it stands, and nothing is created."""
    for criteria in ("", "?", "&", "ResearchStudy?"):
        response = await fhir.post("ResearchStudy", study(), If_None_Exist=criteria)
        refused(response, 400, "required", "If-None-Exist")
    assert await fhir.ids("ResearchStudy") == []
