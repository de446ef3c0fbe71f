"""What becomes of resources that are not valid: https://hl7.org/fhir/R5/validation.html, by the settings."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from service.errors import Invalid
from service.interactions.policy import TAG
from tests.http.conftest import Configured
from tests.support.asking import Fhir, Json, outcome, refused, study
from tests.support.profiles import TITLED, package, titled

pytestmark = pytest.mark.anyio

CLAIM: Json = {"meta": {"profile": [TITLED]}}
COMPLETE: Json = {"title": "A", "description": "B"}
STRUCTURAL = {"resourceType": "ResearchStudy", "status": "nonsense", "unknown": 1}


@pytest.fixture
def packages(tmp_path: Path) -> str:
    """A package with the profile that asks for a title and a description."""
    return package(tmp_path / "titled", titled())


def tags(resource: Json) -> list[Json]:
    """Return the tags of a resource."""
    found: list[Json] = resource.get("meta", {}).get("tag", [])
    return found


def places(response: httpx.Response, severity: str) -> list[str]:
    """Return where the issues of a severity are."""
    return sorted(place for each in outcome(response) if each["severity"] == severity for place in each["expression"])


async def test_strict_refuses_with_every_problem(configured: Configured, packages: str) -> None:
    """A claimed profile is honoured: 422 with all that is missing, each at its place, and nothing is stored."""
    fhir = configured(packages=packages)
    response = await fhir.put("ResearchStudy/a", study("a", **CLAIM))
    assert response.status_code == 422
    assert places(response, "error") == ["ResearchStudy.description", "ResearchStudy.title"]
    authority = {"url": "http://hl7.org/fhir/StructureDefinition/operationoutcome-authority", "valueUri": TITLED}
    assert all(each["extension"] == [authority] for each in outcome(response) if each["severity"] == "error")
    assert (await fhir.get("ResearchStudy/a")).status_code == 404
    assert (await fhir.put("ResearchStudy/a", study("a", **CLAIM, **COMPLETE))).status_code == 201
    assert (await fhir.put("ResearchStudy/b", study("b"))).status_code == 201


async def test_warn_stores_and_tags(configured: Configured, packages: str) -> None:
    """The resource is stored with a tag by which it is found, and its errors come back as warnings."""
    fhir = configured(packages=packages, validation="warn")
    response = await fhir.put("ResearchStudy/a", study("a", **CLAIM), Prefer="return=OperationOutcome")
    assert response.status_code == 201
    assert places(response, "error") == []
    assert {"ResearchStudy.description", "ResearchStudy.title"} <= set(places(response, "warning"))
    stored = (await fhir.get("ResearchStudy/a")).json()
    assert tags(stored) == [TAG]
    assert stored["meta"]["profile"] == [TITLED]
    await fhir.store(study("b", **CLAIM, **COMPLETE))
    assert await fhir.ids(f"ResearchStudy?_tag={TAG['system']}|{TAG['code']}") == ["a"]


async def test_the_tag_goes_when_the_errors_do(configured: Configured, packages: str) -> None:
    """What a client reads, mends and sends back has the tag; the server takes it out, and leaves the client's own."""
    own = {"system": "urn:x", "code": "kept"}
    fhir = configured(packages=packages, validation="warn")
    first = study("a", meta={"profile": [TITLED], "tag": [own]})
    read = (await fhir.put("ResearchStudy/a", first)).json()
    assert tags(read) == [own, TAG]
    mended = (await fhir.put("ResearchStudy/a", {**read, **COMPLETE})).json()
    assert tags(mended) == [own]
    for client in (fhir, configured(packages=packages)):
        forged = (await client.post("ResearchStudy", study(meta={"tag": [TAG]}))).json()
        assert "tag" not in forged["meta"]


async def test_the_same_again_is_no_change(configured: Configured, packages: str) -> None:
    """The tag that the server adds does not make a new version of what was sent twice."""
    fhir = configured(packages=packages, validation="warn")
    for _ in range(2):
        response = await fhir.put("ResearchStudy/a", study("a", **CLAIM))
        assert response.headers["ETag"] == 'W/"1"'


async def test_a_tag_leaves_the_rest_of_the_text_alone(configured: Configured, packages: str) -> None:
    """json.html: digits and the order of members stay as they were sent, with meta and without it."""
    fhir = configured(packages=packages, validation="warn", required_profiles=f"ResearchStudy={TITLED}")
    extension = '"extension":[{"url":"http://example.org/x","valueDecimal":1.00}]'
    for id_, meta in (("a", ""), ("b", '"meta":{"source":"urn:x"},')):
        text = f'{{"id":"{id_}",{meta}"resourceType":"ResearchStudy", {extension}, "status":"active"}}'
        assert (await fhir.put(f"ResearchStudy/{id_}", text.encode())).status_code == 201
        stored = (await fhir.get(f"ResearchStudy/{id_}")).text
        assert f'{extension}, "status":"active"}}' in stored
        assert TAG["code"] in stored


async def test_off_looks_at_no_profile(configured: Configured, packages: str) -> None:
    """Neither claimed nor required profiles count, and nothing is tagged."""
    fhir = configured(packages=packages, validation="off", required_profiles=f"ResearchStudy={TITLED}")
    response = await fhir.put("ResearchStudy/a", study("a", **CLAIM))
    assert response.status_code == 201
    assert tags(response.json()) == []
    entry = (await _bundle(fhir, "transaction", study(**CLAIM))).json()["entry"][0]
    assert "outcome" not in entry["response"]


@pytest.mark.parametrize("mode", ["strict", "warn", "off"])
async def test_the_structure_of_r5_holds_in_every_mode(configured: Configured, packages: str, mode: str) -> None:
    """What has another structure than R5, or a code that R5 does not have, could be neither searched nor read."""
    fhir = configured(packages=packages, validation=mode)
    response = await fhir.post("ResearchStudy", {**STRUCTURAL, **CLAIM})
    assert response.status_code == 422
    assert {"ResearchStudy.status", "ResearchStudy.unknown"} <= set(places(response, "error"))


async def test_required_profiles(configured: Configured, packages: str) -> None:
    """A profile that the server demands of a type is met whether a resource claims it or not; other types are free."""
    fhir = configured(packages=packages, required_profiles=f"ResearchStudy={TITLED}")
    response = await fhir.post("ResearchStudy", study())
    assert response.status_code == 422
    assert places(response, "error") == ["ResearchStudy.description", "ResearchStudy.title"]
    assert (await fhir.post("ResearchStudy", study(**COMPLETE))).status_code == 201
    assert (await fhir.post("Basic", {"resourceType": "Basic", "code": {"text": "x"}})).status_code == 201


async def test_a_required_profile_of_no_type(configured: Configured) -> None:
    """A setting that could never hold is refused as the server starts."""
    with pytest.raises(Invalid, match="Nothing"):
        configured(required_profiles=f"Nothing={TITLED}")


async def test_unknown_profiles(configured: Configured) -> None:
    """A claimed profile that is not known is a warning or an error, by the setting, where it is claimed."""
    claim = study(meta={"profile": ["https://example.org/unknown"]})
    warned = await configured().post("ResearchStudy", claim, Prefer="return=OperationOutcome")
    assert warned.status_code == 201
    assert "ResearchStudy.meta.profile[0]" in places(warned, "warning")
    response = await configured(unknown_profile="error").post("ResearchStudy", claim)
    refused(response, 422, "not-found", "ResearchStudy.meta.profile[0]")


async def _bundle(fhir: Fhir, type_: str, *resources: Json) -> httpx.Response:
    entries = [{"resource": each, "request": {"method": "POST", "url": each["resourceType"]}} for each in resources]
    return await fhir.post("", {"resourceType": "Bundle", "type": type_, "entry": entries})


async def test_a_transaction_reports_the_problems_of_all_entries(configured: Configured, packages: str) -> None:
    """All problems in one 422, each under the entry that has it; nothing is stored."""
    fhir = configured(packages=packages)
    response = await _bundle(fhir, "transaction", study(**CLAIM), study(), study(**CLAIM, title="A"))
    assert response.status_code == 422
    assert places(response, "error") == [
        "Bundle.entry[0].resource.description",
        "Bundle.entry[0].resource.title",
        "Bundle.entry[2].resource.description",
    ]
    assert await fhir.ids("ResearchStudy") == []


@pytest.mark.parametrize("type_", ["transaction", "batch"])
async def test_entries_that_are_tolerated_say_so(configured: Configured, packages: str, type_: str) -> None:
    """bundle.html: the outcome of an entry has its warnings; an entry that is valid needs none."""
    fhir = configured(packages=packages, validation="warn")
    response = (await _bundle(fhir, type_, study(**CLAIM), study())).json()
    first, second = (each["response"] for each in response["entry"])
    assert {issue["severity"] for issue in first["outcome"]["issue"]} <= {"warning", "information"}
    assert any(issue.get("expression") == ["ResearchStudy.title"] for issue in first["outcome"]["issue"])
    assert "outcome" not in second
    assert len(await fhir.ids(f"ResearchStudy?_tag={TAG['code']}")) == 1


async def test_a_batch_refuses_only_what_is_wrong(configured: Configured, packages: str) -> None:
    """http.html#brules: each entry for itself."""
    response = (await _bundle(configured(packages=packages), "batch", study(**CLAIM), study())).json()
    statuses = [each["response"]["status"].split()[0] for each in response["entry"]]
    assert statuses == ["422", "201"]


async def test_every_way_of_writing_obeys(configured: Configured, packages: str) -> None:
    """Create, update and patch, conditional ones as well, all go by the same rules."""
    fhir = configured(packages=packages, required_profiles=f"ResearchStudy={TITLED}")
    await fhir.store(study("a", **COMPLETE))
    remove = [{"op": "remove", "path": "/title"}]
    for response in (
        await fhir.post("ResearchStudy", study(), If_None_Exist="title=none"),
        await fhir.put("ResearchStudy/a", study("a")),
        await fhir.put("ResearchStudy?title=none", study()),
        await fhir.patch("ResearchStudy/a", remove),
        await fhir.patch("ResearchStudy?title=A", remove),
    ):
        assert response.status_code == 422
        assert "ResearchStudy.title" in places(response, "error")


async def test_search_parameters_of_packages(configured: Configured, tmp_path: Path) -> None:
    """A parameter that a package defines is searched by, and is stated; one that cannot be used is left out."""
    parameter = {
        "resourceType": "SearchParameter",
        "url": "https://example.org/SearchParameter/nick",
        "name": "Nick",
        "status": "draft",
        "description": "x",
        "code": "nick",
        "base": ["ResearchStudy"],
        "type": "string",
        "expression": "ResearchStudy.label.value",
        "processingMode": "normal",
    }
    broken = {**parameter, "url": "https://example.org/SearchParameter/broken", "code": "broken", "expression": "(("}
    fhir = configured(packages=package(tmp_path / "nick", parameter, broken))
    await fhir.store(study("a", label=[{"value": "Berlin"}]), study("b"))
    assert await fhir.ids("ResearchStudy?nick=ber") == ["a"]
    refused(await fhir.get("ResearchStudy?broken=x"), 400, "invalid", "broken")
    rest = (await fhir.get("metadata")).json()["rest"][0]
    stated = next(each for each in rest["resource"] if each["type"] == "ResearchStudy")["searchParam"]
    assert [each["definition"] for each in stated if each["name"] in ("nick", "broken")] == [parameter["url"]]
