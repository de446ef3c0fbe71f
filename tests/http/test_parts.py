"""Parts of a resource: ``_summary`` and ``_elements`` (https://hl7.org/fhir/R5/search.html#summary)."""

from __future__ import annotations

import pytest

from tests.support.asking import Fhir, Json, refused, study

pytestmark = pytest.mark.anyio

WHOLE = study(
    "a",
    title="One",
    text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">One</div>'},
    descriptionSummary="To know",
    description="Long",
    meta={"tag": [{"system": "urn:x", "code": "kept"}]},
)
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
ALWAYS = {"resourceType", "id", "meta"}
PARTS: dict[str, set[str]] = {
    "_summary=true": {"status", "title"},
    "_summary=data": {"status", "title", "descriptionSummary", "description"},
    "_summary=text": {"status", "text"},
    "_elements=title": {"status", "title"},
    "_elements=descriptionSummary,description": {"status", "descriptionSummary", "description"},
    "_elements=ResearchStudy.title": {"status", "title"},
    "_elements=id": {"status"},
}


def members(resource: Json) -> set[str]:
    """Return the members of a part, which must be marked as one and keep its other tags."""
    assert resource["meta"]["tag"] == [{"system": "urn:x", "code": "kept"}, SUBSETTED]
    assert resource["meta"]["versionId"] == "1"
    return set(resource) - ALWAYS


async def test_a_part_has_what_was_asked_for_and_what_is_mandatory(fhir: Fhir) -> None:
    """search.html#elements: the part has the SUBSETTED tag, and mandatory elements; read, vread and search agree."""
    await fhir.store(WHOLE)
    for query, expected in PARTS.items():
        read = (await fhir.get(f"ResearchStudy/a?{query}")).json()
        vread = (await fhir.get(f"ResearchStudy/a/_history/1?{query}")).json()
        search = (await fhir.get(f"ResearchStudy?_id=a&{query}")).json()
        assert members(read) == expected, query
        assert vread == read
        assert search["entry"][0]["resource"] == read
        assert search["total"] == 1


async def test_summary_false_is_the_whole(fhir: Fhir) -> None:
    """search.html#summary: ``false`` leaves nothing out and adds no tag: the very bytes of a plain read."""
    await fhir.store(WHOLE)
    assert (await fhir.get("ResearchStudy/a?_summary=false")).content == (await fhir.get("ResearchStudy/a")).content


async def test_summary_count_is_a_number_alone(fhir: Fhir) -> None:
    """search.html#summary: ``count`` gives the number of matches and no entry, whatever _total says."""
    await fhir.store(study("a"), study("b"), study("c", status="draft"))
    for query in ("_summary=count", "_summary=count&_total=none"):
        bundle = (await fhir.get(f"ResearchStudy?status=active&{query}")).json()
        assert bundle["total"] == 2
        assert "entry" not in bundle
        assert [each["relation"] for each in bundle["link"]] == ["self"]


async def test_a_part_keeps_the_digits_of_numbers(fhir: Fhir) -> None:
    """json.html: the precision of a decimal is significant, in a part as in the whole."""
    text = (
        b'{"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00}}'
    )
    await fhir.put("Observation/a", text)
    for query in ("_summary=true", "_elements=value", "_pretty=true"):
        assert b"1.00" in (await fhir.get(f"Observation/a?{query}")).content


async def test_wrong_parts_are_refused(fhir: Fhir) -> None:
    """search.html#errors: a value that cannot be understood is an error that names the parameter."""
    await fhir.store(WHOLE)
    for path in ("ResearchStudy/a", "ResearchStudy"):
        refused(await fhir.get(f"{path}?_summary=some"), 400, "invalid", "_summary")
        refused(await fhir.get(f"{path}?_summary="), 400, "invalid", "_summary")
        refused(await fhir.get(f"{path}?_elements="), 400, "invalid", "_elements")
        refused(await fhir.get(f"{path}?_elements=title,,status"), 400, "invalid", "_elements")
    refused(await fhir.get("ResearchStudy/a?_elements=nothing"), 400, "invalid", "_elements")
    refused(await fhir.get("ResearchStudy/a?_elements=title&_elements=status"), 400, "invalid", "_elements")
    refused(await fhir.get("ResearchStudy/a?_summary=true&_summary=data"), 400, "invalid", "_summary")


async def test_a_read_has_no_search_parameters(fhir: Fhir) -> None:
    """http.html#read: what a read does not know is refused, not ignored."""
    await fhir.store(WHOLE)
    refused(await fhir.get("ResearchStudy/a?status=active"), 400, "invalid", "status")
    refused(await fhir.get("ResearchStudy/a?_count=1"), 400, "invalid", "_count")
