"""$diff: what changed, as a FHIRPath Patch that does it again, and as text."""

from __future__ import annotations

import pytest

from tests.support.asking import FHIR_JSON, Fhir, Json, refused, study

pytestmark = pytest.mark.anyio

TEXT = "text/plain; charset=utf-8"


async def three(fhir: Fhir) -> None:
    """A study in three versions."""
    await fhir.store(study("a", title="One", keyword=[{"text": "x"}]))
    await fhir.store(study("a", title="Two", keyword=[{"text": "x"}, {"text": "y"}]))
    await fhir.store(study("a", keyword=[{"text": "y"}], description="New"))


def content(resource: Json) -> Json:
    """A resource without what the server keeps in it."""
    return {name: value for name, value in resource.items() if name not in ("id", "meta")}


async def test_the_patch_leads_from_one_version_to_the_other(fhir: Fhir) -> None:
    """fhirpatch.html: applied to the first, the answer gives the second; for any two versions, in any direction."""
    await three(fhir)
    for first, last in ((1, 3), (3, 1), (2, 3), (2, 2)):
        patch = (await fhir.get(f"ResearchStudy/a/$diff?fromVersion={first}&toVersion={last}")).json()
        before, after = [
            content((await fhir.get(f"ResearchStudy/a/_history/{number}")).json()) for number in (first, last)
        ]
        await fhir.put("ResearchStudy/copy", {**before, "id": "copy"})
        if first == last:
            assert "parameter" not in patch
            continue
        patched = await fhir.patch("ResearchStudy/copy", patch, Content_Type=FHIR_JSON)
        assert content(patched.json()) == after


async def test_what_is_compared_where_nothing_is_said(fhir: Fhir) -> None:
    """Without versions: the current one with the one before it; without the first: the one before the second."""
    await three(fhir)
    latest = (await fhir.get("ResearchStudy/a/$diff?fromVersion=2&toVersion=3")).json()
    assert latest["parameter"]
    assert (await fhir.get("ResearchStudy/a/$diff")).json() == latest
    assert (await fhir.get("ResearchStudy/a/$diff?fromVersion=2")).json() == latest
    second = (await fhir.get("ResearchStudy/a/$diff?fromVersion=1&toVersion=2")).json()
    assert (await fhir.get("ResearchStudy/a/$diff?toVersion=2")).json() == second
    refused(await fhir.get("ResearchStudy/a/$diff?toVersion=1"), 404, "not-found", "toVersion")


async def test_text_for_people(fhir: Fhir) -> None:
    """A line for each difference with its FHIRPath location, by ``Accept`` or ``_format``."""
    await three(fhir)
    for response in (
        await fhir.get("ResearchStudy/a/$diff?fromVersion=1&_format=text"),
        await fhir.get("ResearchStudy/a/$diff?fromVersion=1", Accept="text/plain"),
        await fhir.get("ResearchStudy/a/$diff?fromVersion=1", Accept="text/plain, application/json;q=0.5"),
    ):
        assert (response.status_code, response.headers["content-type"]) == (200, TEXT)
        lines = set(response.text.splitlines())
        assert '- ResearchStudy.title: "One"' in lines
        assert '+ ResearchStudy.description: "New"' in lines
        assert '~ ResearchStudy.keyword[0].text: "x" -> "y"' in lines
    same = await fhir.get("ResearchStudy/a/$diff?fromVersion=3&toVersion=3&_format=text")
    assert same.text == "No difference.\n"
    refused(await fhir.get("ResearchStudy/a?_format=text"), 406, "not-supported", "_format")
    refused(await fhir.get("ResearchStudy/never/$diff?_format=text"), 404, "not-found")


async def test_two_resources(fhir: Fhir) -> None:
    """On the system: two of this server by reference, with or without a version, or the resources themselves."""
    await three(fhir)
    await fhir.store(study("b", title="Other"))
    by_name = await fhir.get("$diff?from=ResearchStudy/a/_history/1&to=ResearchStudy/b&_format=text")
    assert '~ ResearchStudy.title: "One" -> "Other"' in by_name.text
    parameters = [
        {"name": "from", "valueUri": "http://registry.test/fhir/ResearchStudy/a/_history/1"},
        {"name": "toResource", "resource": study("b", title="Other")},
    ]
    mixed = await fhir.post("$diff?_format=text", {"resourceType": "Parameters", "parameter": parameters})
    assert mixed.text == by_name.text


async def test_what_cannot_be_compared(fhir: Fhir) -> None:
    """Two of different types, what is not there, what is no resource, and one alone are errors with a place."""
    await three(fhir)
    await fhir.store({"resourceType": "Basic", "id": "x", "code": {"text": "x"}})
    refused(await fhir.get("$diff?from=ResearchStudy/a&to=Basic/x"), 400, "invalid")
    refused(await fhir.get("$diff?from=ResearchStudy/a&to=ResearchStudy/c"), 404, "not-found")
    refused(await fhir.get("$diff?from=http://other.test/ResearchStudy/a&to=Basic/x"), 400, "value", "from")
    refused(await fhir.get("$diff?from=ResearchStudy/a"), 400, "required", "to")
    refused(await fhir.get("$diff?fromVersion=1"), 400, "invalid", "fromVersion")
    refused(await fhir.get("ResearchStudy/a/$diff?fromVersion=9"), 404, "not-found")
    parameters = [{"name": f"{each}Resource", "resource": study(title=1)} for each in ("from", "to")]
    response = await fhir.post("$diff", {"resourceType": "Parameters", "parameter": parameters})
    refused(response, 422, "structure", "ResearchStudy.title")
