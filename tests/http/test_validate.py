"""$validate: https://hl7.org/fhir/R5/resource-operation-validate.html."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.conftest import Configured
from tests.support.asking import Fhir, Json, outcome, refused, study
from tests.support.profiles import TITLED, package, titled
from tests.support.profiles import profile as profile_of

pytestmark = pytest.mark.anyio

COMPLETE: Json = {"title": "A", "description": "B"}
WRONG: Json = {"resourceType": "ResearchStudy", "status": "nonsense", "unknown": 1}
LEVELS = ("", "ResearchStudy/", "ResearchStudy/a/")


@pytest.fixture
def fhir(configured: Configured, tmp_path: Path) -> Fhir:
    """A client of an application that knows the profile of a study with a title and a description."""
    return configured(packages=package(tmp_path / "titled", titled()))


def parameters(*parts: Json) -> Json:
    """Return a Parameters resource."""
    return {"resourceType": "Parameters", "parameter": list(parts)}


def resource(content: Json) -> Json:
    """Return the parameter ``resource``."""
    return {"name": "resource", "resource": content}


def mode(code: str) -> Json:
    """Return the parameter ``mode``."""
    return {"name": "mode", "valueCode": code}


def profile(url: str) -> Json:
    """Return the parameter ``profile``."""
    return {"name": "profile", "valueCanonical": url}


def errors(response: httpx.Response) -> list[str]:
    """Return where the errors of a validation are; the validation itself must have been done."""
    assert response.status_code == 200, response.text
    issues = outcome(response)
    found = [place for each in issues if each["severity"] == "error" for place in each.get("expression", [""])]
    verdicts = [each for each in issues if (each["severity"], each["code"]) == ("information", "informational")]
    assert found or verdicts, "where there is no error, the outcome says so"
    return sorted(found)


async def history(fhir: Fhir) -> Any:
    """Return how many versions there are."""
    return (await fhir.get("_history?_count=0")).json()["total"]


@pytest.mark.parametrize("level", LEVELS)
async def test_every_level_and_form(fhir: Fhir, level: str) -> None:
    """A resource as the body or in Parameters, at the system, a type or an instance: the same issues, and 200."""
    await fhir.store(study("a"))
    for body in (WRONG, parameters(resource(WRONG))):
        response = await fhir.post(f"{level}$validate", body)
        assert errors(response) == ["ResearchStudy.status", "ResearchStudy.unknown"]
    for body in (study("a"), parameters(resource(study()))):
        assert errors(await fhir.post(f"{level}$validate", body)) == []


async def test_nothing_is_stored(fhir: Fhir) -> None:
    """The operation affects no state, in any mode."""
    await fhir.store(study("a"))
    for each in ("create", "update", "delete"):
        await fhir.post(f"ResearchStudy/a/$validate?mode={each}", study("a", title="new"))
    await fhir.post("ResearchStudy/$validate?mode=create", study("b"))
    assert await history(fhir) == 1


async def test_an_instance_without_a_body(fhir: Fhir) -> None:
    """Without a resource, the stored one is validated: by POST and by GET; what is not there is 404 or 410."""
    await fhir.store(study("a"), study("gone"))
    await fhir.delete("ResearchStudy/gone")
    assert errors(await fhir.get("ResearchStudy/a/$validate")) == []
    found = errors(await fhir.ask("POST", f"ResearchStudy/a/$validate?profile={TITLED}"))
    assert found == ["ResearchStudy.description", "ResearchStudy.title"]
    refused(await fhir.get("ResearchStudy/b/$validate"), 404, "not-found")
    refused(await fhir.get("ResearchStudy/gone/$validate"), 410, "deleted")


async def test_profiles(fhir: Fhir, configured: Configured, tmp_path: Path) -> None:
    """A nominated profile counts as if it were claimed, in the URL and in the body, several of them and each once."""
    missing = ["ResearchStudy.description", "ResearchStudy.title"]
    assert errors(await fhir.post(f"$validate?profile={TITLED}", study())) == missing
    assert errors(await fhir.post("$validate", parameters(resource(study()), profile(TITLED)))) == missing
    twice = await fhir.post(f"$validate?profile={TITLED}", parameters(resource(study()), profile(TITLED)))
    assert errors(twice) == missing
    assert errors(await fhir.post(f"$validate?profile={TITLED}", study(**COMPLETE))) == []
    demanding = configured(packages=str(tmp_path / "titled"), required_profiles=f"ResearchStudy={TITLED}")
    assert errors(await demanding.post("$validate", study())) == missing


async def test_claimed_profiles(fhir: Fhir) -> None:
    """meta.profile is honoured, whatever else is nominated."""
    claim = study(meta={"profile": [TITLED]})
    assert errors(await fhir.post("$validate", claim)) == ["ResearchStudy.description", "ResearchStudy.title"]


async def test_a_profile_that_cannot_be_checked(fhir: Fhir) -> None:
    """A nominated profile that the server cannot validate against is an error, and the rest is still checked."""
    response = await fhir.post("$validate?profile=https://example.org/unknown", WRONG)
    assert errors(response) == ["ResearchStudy.status", "ResearchStudy.unknown", "profile"]


@pytest.mark.parametrize("validation", ["strict", "warn", "off"])
async def test_the_policy_does_not_soften_it(configured: Configured, tmp_path: Path, validation: str) -> None:
    """What a server would tolerate is still what is wrong with the resource."""
    fhir = configured(packages=package(tmp_path / "x", titled()), validation=validation)
    assert errors(await fhir.post(f"$validate?profile={TITLED}", study(title="A"))) == ["ResearchStudy.description"]


async def test_mode_create(fhir: Fhir) -> None:
    """The content, and whether the server would take it: a search parameter that it could not use it would not."""
    assert errors(await fhir.post("ResearchStudy/$validate?mode=create", study())) == []
    official = {
        "resourceType": "SearchParameter",
        "url": "http://hl7.org/fhir/SearchParameter/Resource-id",
        "name": "Id",
        "status": "active",
        "description": "x",
        "code": "_id",
        "base": ["Resource"],
        "type": "token",
        "expression": "Resource.id",
        "processingMode": "normal",
    }
    own = {**official, "url": "https://example.org/sp", "code": "bad", "expression": "(("}
    response = await fhir.post("SearchParameter/$validate?mode=create", own)
    assert errors(response) == ["SearchParameter.expression"]
    assert errors(await fhir.post("SearchParameter/$validate", own)) == []


async def test_mode_update(fhir: Fhir) -> None:
    """The content, the id, and against what is there: a resource that is not, and another version, are told."""
    await fhir.store(study("a"), study("a", title="2"))
    path = "ResearchStudy/a/$validate?mode=update"
    assert errors(await fhir.post(path, study("a"))) == []
    for other in (study("b"), study()):
        assert errors(await fhir.post(path, other)) == ["ResearchStudy.id"]
    stale = await fhir.post(path, study("a", meta={"versionId": "1"}))
    assert errors(stale) == []
    codes = [each["code"] for each in outcome(stale) if each["severity"] == "warning"]
    assert codes.count("conflict") == 1
    new = await fhir.post("ResearchStudy/new/$validate?mode=update", study("new"))
    assert errors(new) == []
    assert any("does not exist" in each["diagnostics"] for each in outcome(new))


async def test_mode_delete(fhir: Fhir) -> None:
    """The content does not count; what is not there can be deleted without effect, and the outcome says so."""
    await fhir.store(study("a"))
    for response in (
        await fhir.get("ResearchStudy/a/$validate?mode=delete"),
        await fhir.post("ResearchStudy/a/$validate", parameters(mode("delete"))),
        await fhir.post("ResearchStudy/a/$validate", parameters(mode("delete"), resource(WRONG))),
    ):
        assert errors(response) == []
    response = await fhir.get("ResearchStudy/b/$validate?mode=delete")
    assert errors(response) == []
    assert any("does not exist" in each["diagnostics"] for each in outcome(response))


async def test_mode_profile(fhir: Fhir) -> None:
    """An existing resource against the nominated profile."""
    await fhir.store(study("a"), study("b", **COMPLETE))
    missing = ["ResearchStudy.description", "ResearchStudy.title"]
    assert errors(await fhir.get(f"ResearchStudy/a/$validate?mode=profile&profile={TITLED}")) == missing
    body = parameters(mode("profile"), profile(TITLED))
    assert errors(await fhir.post("ResearchStudy/b/$validate", body)) == []


async def test_usage_context(fhir: Fhir) -> None:
    """An additional binding that is for one use only holds where that use is among those given."""
    venue = {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "venue"}

    def use(place: str) -> Json:
        return {"code": venue, "valueCodeableConcept": {"coding": [{"system": "http://example.org", "code": place}]}}

    statuses = "http://hl7.org/fhir/ValueSet/request-status"
    extra = {"purpose": "required", "valueSet": statuses, "usage": [use("ward"), use("clinic")]}
    basic = "https://example.org/fhir/StructureDefinition/basic-of-use"
    binding = {"strength": "example", "description": "any", "additional": [extra]}
    await fhir.store(profile_of(basic, "Basic", {"path": "code", "binding": binding}))
    claim = {"resourceType": "Basic", "meta": {"profile": [basic]}, "code": {"text": "x"}}

    async def found(*places: str) -> list[str]:
        contexts = [{"name": "usageContext", "valueUsageContext": use(place)} for place in places]
        return errors(await fhir.post("$validate", parameters(resource(claim), *contexts)))

    assert await found() == []
    assert await found("home") == []
    assert await found("home", "clinic") == ["Basic.code"]


async def test_parameters_themselves(fhir: Fhir) -> None:
    """A Parameters resource as the body is that of the operation; one that is to be validated lies in it."""
    for path in ("$validate", "Parameters/$validate"):
        assert errors(await fhir.post(path, parameters(resource(parameters({"name": "x", "valueString": "y"}))))) == []
        assert errors(await fhir.post(path, parameters(resource(parameters({"name": "x", "valueNothing": 1})))))


@pytest.mark.parametrize(
    ("path", "body", "expression"),
    [
        ("$validate", None, "resource"),
        ("ResearchStudy/$validate", None, "resource"),
        ("$validate", parameters(), "resource"),
        ("ResearchStudy/$validate", {"resourceType": "Basic"}, "resourceType"),
        ("ResearchStudy/a/$validate", {}, "resourceType"),
        ("$validate", parameters(resource({})), "resource"),
        ("$validate?mode=nothing", study(), "mode"),
        ("$validate?mode=", study(), "mode"),
        ("$validate?mode=update", study(), "mode"),
        ("ResearchStudy/$validate?mode=delete", study(), "mode"),
        ("ResearchStudy/$validate?mode=profile&profile=x", study(), "mode"),
        ("ResearchStudy/a/$validate?mode=profile", None, "mode"),
        ("ResearchStudy/a/$validate?mode=profile&profile=x", study("a"), "mode"),
        ("ResearchStudy/a/$validate?mode=update", None, "resource"),
        ("ResearchStudy/a/$validate?mode=create", None, "resource"),
        ("$validate?mode=create", parameters(resource(study()), mode("create")), "mode"),
        ("$validate?profile=", study(), "profile"),
        ("$validate?other=1", study(), "other"),
        ("$validate", parameters(resource(study()), {"name": "other"}), "other"),
        ("$validate", parameters(resource(study()), resource(study())), "resource"),
        ("$validate", parameters({"name": "resource", "valueString": "x"}), "resource"),
        ("$validate", parameters(resource(study()), {"name": "profile"}), "profile"),
        ("$validate", parameters(resource(study()), {"name": "mode", "valueCode": 5}), "mode"),
        ("$validate", {"resourceType": "Parameters", "parameter": 5}, "Parameters.parameter"),
        ("$validate", {"resourceType": "Parameters", "parameter": [5]}, "Parameters.parameter[0]"),
    ],
)
async def test_wrong_calls(fhir: Fhir, path: str, body: Json | None, expression: str) -> None:
    """An operation that is called wrongly is an error of the request, 400, that names what is wrong."""
    response = await fhir.ask("POST", path, body)
    assert response.status_code == 400, response.text
    assert [each["expression"] for each in outcome(response)] == [[expression]]


async def test_bodies_that_cannot_be_read(fhir: Fhir, configured: Configured) -> None:
    """Broken JSON, another format, a body over the limit and a type that R5 does not have are no validation."""
    refused(await fhir.post("$validate", b"{"), 400, "structure")
    refused(await fhir.post("$validate", b"[]"), 400, "structure")
    assert (await fhir.post("$validate", b"<x/>", Content_Type="text/turtle")).status_code == 415
    small = configured(max_body_size=1024)
    refused(await small.post("$validate", study(description="x" * 2000)), 413, "too-long")
    assert (await fhir.post("Nothing/$validate", study())).status_code == 404


@pytest.mark.parametrize(
    "content",
    [{}, {"resourceType": 5}, {"resourceType": "Nothing"}, {"resourceType": None}, {"resourceType": ["Group"]}],
)
async def test_what_is_no_resource(fhir: Fhir, content: Json) -> None:
    """JSON that is no resource of R5 is what a validation finds, not an error of the request."""
    assert errors(await fhir.post("$validate", content))
    if content.get("resourceType") is not None:
        assert errors(await fhir.post("$validate", parameters(resource(content))))


async def test_the_operation_is_stated(fhir: Fhir) -> None:
    """capabilitystatement.html: HL7's own definition, for the system and for every type."""
    rest = (await fhir.get("metadata")).json()["rest"][0]
    stated = {"name": "validate", "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate"}
    assert stated in rest["operation"]
    assert all(stated in each["operation"] for each in rest["resource"])
