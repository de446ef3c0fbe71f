"""ResearchStudy/[id]/$everything: the record of a study, of one instant, in pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.fhir.json import loads
from tests.http.conftest import Configured
from tests.support.asking import Fhir, Json, link, refused, study

pytestmark = pytest.mark.anyio

SEED = Path(__file__).parents[2] / "seed_bundles" / "nct02393859.json"
CITATION = {"resourceType": "Citation", "status": "active"}


def group(id_: str, **members: object) -> Json:
    """A small valid Group."""
    return {"resourceType": "Group", "id": id_, "type": "person", "membership": "definitional", **members}


def evidence(id_: str, *, of: str, **members: object) -> Json:
    """A small valid Evidence about a study."""
    return {
        "resourceType": "Evidence",
        "id": id_,
        "status": "active",
        "relatedArtifact": [{"type": "derived-from", "resourceReference": {"reference": f"ResearchStudy/{of}"}}],
        "variableDefinition": [
            {"variableRole": {"text": "population"}, "observed": {"reference": f"Group/{of}-all"}},
        ],
        **members,
    }


async def small(fhir: Fhir) -> None:
    """Two studies that share a citation; one of them has a part, a site, a chain of organisations and a cycle."""
    await fhir.store(
        {**CITATION, "id": "shared"},
        {"resourceType": "Organization", "id": "parent", "name": "P"},
        {"resourceType": "Organization", "id": "sponsor", "name": "S", "partOf": {"reference": "Organization/parent"}},
        {
            "resourceType": "Location",
            "id": "site",
            "name": "L",
            "managingOrganization": {"reference": "Organization/sponsor"},
        },
        {"resourceType": "Location", "id": "other-site", "name": "O"},
        group("a-all", characteristic=[_is("ResearchStudy/a"), _is("Group/a-arm")]),
        group("a-arm", characteristic=[_is("Group/a-all")]),
        group("b-all"),
        study("b", result=[{"reference": "Citation/shared"}], site=[{"reference": "Location/other-site"}]),
        study(
            "a",
            result=[{"reference": "Citation/shared"}],
            site=[{"reference": "Location/site"}, {"reference": "http://registry.test/fhir/Location/site"}],
            partOf=[{"reference": "ResearchStudy/b"}],
            associatedParty=[{"role": {"text": "sponsor"}, "party": {"reference": "Organization/sponsor"}}],
        ),
        evidence("a-1", of="a"),
        evidence("a-2", of="a"),
        evidence("b-1", of="b"),
    )


def _is(reference: str) -> Json:
    return {"code": {"text": "of"}, "valueReference": {"reference": reference}, "exclude": False}


A = {
    "ResearchStudy/a", "Evidence/a-1", "Evidence/a-2", "Group/a-all", "Group/a-arm",
    "Citation/shared", "Location/site", "Organization/sponsor", "Organization/parent",
}  # fmt: skip


def names(bundle: Json) -> list[str]:
    """The resources of a Bundle, in their order."""
    resources = [entry["resource"] for entry in bundle.get("entry", ())]
    return [f"{each['resourceType']}/{each['id']}" for each in resources]


async def test_a_study_with_all_that_belongs_to_it(fhir: Fhir) -> None:
    """The study comes first, then what is about it and what these lead to, each once; no other study."""
    await small(fhir)
    bundle = (await fhir.get("ResearchStudy/a/$everything")).json()
    found = names(bundle)
    assert (bundle["type"], bundle["total"], found[0]) == ("searchset", len(A), "ResearchStudy/a")
    assert sorted(found) == sorted(A)
    for entry in bundle["entry"]:
        resource = entry["resource"]
        assert entry["fullUrl"] == f"http://registry.test/fhir/{resource['resourceType']}/{resource['id']}"
        assert entry["search"] == {"mode": "match"}
    assert link(bundle, "next") is None
    posted = await fhir.post("ResearchStudy/a/$everything", {"resourceType": "Parameters"})
    assert names(posted.json()) == found


async def test_the_seeds_come_whole(configured: Configured) -> None:
    """A seed's Bundle is the record of its study: all that was loaded comes back, and nothing else."""
    fhir = configured()
    await small(fhir)
    seed = loads(SEED.read_bytes())
    answer = (await fhir.post("", SEED.read_bytes())).json()
    places = {entry["response"]["location"].split("/fhir/")[1].split("/_history")[0] for entry in answer["entry"]}
    assert len(places) == len(seed["entry"]) > 50
    [id_] = [place.partition("/")[2] for place in places if place.startswith("ResearchStudy/")]
    assert set(names((await fhir.get(f"ResearchStudy/{id_}/$everything")).json())) == places


async def test_types(fhir: Fhir) -> None:
    """``_type`` chooses among what belongs to the study, and does not cut the ways that lead there."""
    await small(fhir)
    for asked, expected in {
        "_type=Organization": {"Organization/sponsor", "Organization/parent"},
        "_type=Evidence,Citation": {"Evidence/a-1", "Evidence/a-2", "Citation/shared"},
        "_type=Evidence&_type=Citation": {"Evidence/a-1", "Evidence/a-2", "Citation/shared"},
        "_type=Patient": set(),
    }.items():
        bundle = (await fhir.get(f"ResearchStudy/a/$everything?{asked}")).json()
        assert (asked, set(names(bundle)), bundle["total"]) == (asked, expected, len(expected))
    refused(await fhir.get("ResearchStudy/a/$everything?_type=Trial"), 400, "value", "_type")


async def test_since(fhir: Fhir) -> None:
    """``_since`` leaves what was written before that instant, the study as well."""
    await small(fhir)
    before = (await fhir.get("Evidence/a-2")).json()["meta"]["lastUpdated"]
    await fhir.store(evidence("a-1", of="a", title="New"))
    instant = (await fhir.get("Evidence/a-1")).json()["meta"]["lastUpdated"]
    assert instant > before
    bundle = (await fhir.get(f"ResearchStudy/a/$everything?_since={instant}")).json()
    assert names(bundle) == ["Evidence/a-1"]
    refused(await fhir.get("ResearchStudy/a/$everything?_since=soon"), 400, "invalid", "_since")


async def test_pages_hold_still(fhir: Fhir) -> None:
    """http.html#paging: together the pages are the record as it stood at the first, whatever is written in between."""
    await small(fhir)
    whole = names((await fhir.get("ResearchStudy/a/$everything")).json())
    following: str | None = "ResearchStudy/a/$everything?_count=2&_pretty=true"
    found: list[str] = []
    while following is not None:
        page = (await fhir.get(following)).json()
        assert page["total"] == len(A)
        assert len(names(page)) <= 2
        found += names(page)
        following = link(page, "next")
        assert following is None or "_pretty=true" in following
        await fhir.store(evidence(f"new-{len(found)}", of="a"))
        await fhir.delete("Location/site")
    assert found == whole
    empty = (await fhir.get("ResearchStudy/a/$everything?_count=0")).json()
    assert (names(empty), link(empty, "next")) == ([], None)


async def test_pages_of_others(fhir: Fhir) -> None:
    """A page is of the request that it continues."""
    await small(fhir)
    page = (await fhir.get("ResearchStudy/a/$everything?_count=2")).json()
    following = str(link(page, "next"))
    refused(await fhir.get(following.replace("Study/a/", "Study/b/")), 400, "invalid", "_page")
    refused(await fhir.get(following.replace("_count=2", "_count=3")), 400, "invalid", "_page")
    refused(await fhir.get("ResearchStudy/a/$everything?_count=-1"), 400, "value", "_count")
    refused(await fhir.get("ResearchStudy/a/$everything?_sort=date"), 400, "invalid", "_sort")


async def test_studies_that_are_not_there(fhir: Fhir) -> None:
    """http.html#read: 404 for what never was, 410 for what was deleted; only a study has a record here."""
    refused(await fhir.get("ResearchStudy/never/$everything"), 404, "not-found")
    await fhir.store(study("a"))
    await fhir.delete("ResearchStudy/a")
    refused(await fhir.get("ResearchStudy/a/$everything"), 410, "deleted")
    assert (await fhir.get("Evidence/a/$everything")).status_code == 404
