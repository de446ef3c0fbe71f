"""$meta, $meta-add, $meta-delete and $versions: https://hl7.org/fhir/R5/resource-operation-meta.html."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.asking import Fhir, Json, refused, study

pytestmark = pytest.mark.anyio

RED, BLUE = {"system": "http://example.org/tags", "code": "red"}, {"system": "http://example.org/tags", "code": "blue"}
SECRET = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
PROFILE = "http://hl7.org/fhir/StructureDefinition/ResearchStudy"


def meta_of(response: Any) -> Json:
    """The Meta of a Parameters, without what the server keeps there."""
    parameters = response.json()
    assert parameters["resourceType"] == "Parameters"
    [parameter] = parameters["parameter"]
    assert parameter["name"] == "return"
    return {
        name: value
        for name, value in parameter.get("valueMeta", {}).items()
        if name not in ("versionId", "lastUpdated")
    }


def meta(**members: object) -> Json:
    """A Parameters with a Meta."""
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": members}]}


async def test_meta_of_a_resource(fhir: Fhir) -> None:
    """$meta of an instance is its meta, with version and instant."""
    await fhir.store(study("a", meta={"tag": [RED], "source": "http://example.org/s"}))
    response = await fhir.get("ResearchStudy/a/$meta")
    assert meta_of(response) == {"tag": [RED], "source": "http://example.org/s"}
    assert response.json()["parameter"][0]["valueMeta"]["versionId"] == "1"
    refused(await fhir.get("ResearchStudy/never/$meta"), 404, "not-found")


async def test_meta_of_many(fhir: Fhir) -> None:
    """$meta of a type, or of the system, has every profile, label and tag in use there, each once, and no more."""
    await fhir.store(
        study("a", meta={"tag": [RED, {**RED, "display": "Red"}], "profile": [PROFILE]}),
        study("b", meta={"tag": [RED, BLUE], "source": "http://example.org/s"}),
        study("c"),
        study("gone", meta={"security": [SECRET]}),
        {"resourceType": "Basic", "id": "d", "code": {"text": "x"}, "meta": {"security": [SECRET]}},
    )
    await fhir.delete("ResearchStudy/gone")
    of_type = meta_of(await fhir.get("ResearchStudy/$meta"))
    assert of_type.keys() == {"profile", "tag"}
    assert (of_type["profile"], [tag["code"] for tag in of_type["tag"]]) == ([PROFILE], ["blue", "red"])
    assert meta_of(await fhir.get("$meta"))["security"] == [SECRET]
    assert meta_of(await fhir.get("Patient/$meta")) == {}


async def test_add(fhir: Fhir) -> None:
    """$meta-add adds what is not there, keeps what is, and makes a new version where anything changes."""
    await fhir.store(study("a", title="Kept", meta={"tag": [RED], "source": "http://example.org/s"}))
    response = await fhir.post("ResearchStudy/a/$meta-add", meta(tag=[BLUE, RED, BLUE], security=[SECRET]))
    expected = {"tag": [RED, BLUE], "security": [SECRET], "source": "http://example.org/s"}
    assert (response.status_code, meta_of(response)) == (200, expected)
    now = (await fhir.get("ResearchStudy/a")).json()
    assert (now["title"], now["meta"]["versionId"], now["meta"]["tag"]) == ("Kept", "2", [RED, BLUE])
    assert await fhir.ids("ResearchStudy?_tag=http://example.org/tags|blue") == ["a"]
    again = await fhir.post("ResearchStudy/a/$meta-add", meta(tag=[{**BLUE, "display": "Blue"}]))
    assert again.json()["parameter"][0]["valueMeta"]["versionId"] == "2"


async def test_delete(fhir: Fhir) -> None:
    """$meta-delete takes away what is there by system and code; what is not there is no error."""
    await fhir.store(study("a", meta={"tag": [RED, BLUE], "security": [SECRET]}))
    response = await fhir.post("ResearchStudy/a/$meta-delete", meta(tag=[{**RED, "display": "any"}], profile=[PROFILE]))
    assert meta_of(response) == {"tag": [BLUE], "security": [SECRET]}
    other = {"system": "http://example.org/other", "code": "blue"}
    assert meta_of(await fhir.post("ResearchStudy/a/$meta-delete", meta(tag=[other])))["tag"] == [BLUE]
    assert meta_of(await fhir.post("ResearchStudy/a/$meta-delete", meta(tag=[BLUE], security=[SECRET]))) == {}
    assert (await fhir.get("ResearchStudy/a")).json()["meta"]["versionId"] == "3"


async def test_a_profile_that_is_not_met_cannot_be_added(fhir: Fhir) -> None:
    """A claim is checked as in any other write: 422, and nothing changes."""
    await fhir.store(study("a"))
    for wrong in ("http://hl7.org/fhir/StructureDefinition/Evidence",):
        response = await fhir.post("ResearchStudy/a/$meta-add", meta(profile=[wrong]))
        assert response.status_code == 422
    assert (await fhir.get("ResearchStudy/a")).json()["meta"]["versionId"] == "1"


async def test_what_is_called_wrongly(fhir: Fhir) -> None:
    """A Meta is needed and must be one; the resource must be there; GET changes nothing."""
    await fhir.store(study("a"))
    refused(await fhir.post("ResearchStudy/a/$meta-add", {"resourceType": "Parameters"}), 400, "required", "meta")
    for wrong in ({"tag": RED}, {"tag": ["red"]}, {"tags": [RED]}, {"profile": [1]}):
        assert (await fhir.post("ResearchStudy/a/$meta-delete", meta(**wrong))).status_code == 422, wrong
    refused(await fhir.post("ResearchStudy/never/$meta-add", meta(tag=[RED])), 404, "not-found")
    assert (await fhir.get("ResearchStudy/a/$meta-add")).status_code == 405
    assert (await fhir.post("ResearchStudy/$meta-add", meta(tag=[RED]))).status_code == 404


async def test_versions(fhir: Fhir) -> None:
    """capabilitystatement-operation-versions.html: the versions that are spoken, major and minor, and the default."""
    parameters = (await fhir.get("$versions")).json()["parameter"]
    assert [(each["name"], each["valueCode"]) for each in parameters] == [("version", "5.0"), ("default", "5.0")]
    operations = (await fhir.get("metadata")).json()["rest"][0]["operation"]
    assert {"versions", "meta", "diff"} <= {each["name"] for each in operations}
