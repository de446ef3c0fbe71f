"""Formats and wishes: https://hl7.org/fhir/R5/http.html#mime-type and https://hl7.org/fhir/R5/http.html#ops."""

from __future__ import annotations

import pytest

from tests.support.asking import FHIR_JSON, FHIR_XML, Fhir, refused, study

pytestmark = pytest.mark.anyio

JSON, XML = "application/json", "application/xml"
ACCEPTED: dict[str, str] = {
    "application/fhir+json": FHIR_JSON,
    "application/json": JSON,
    "text/json": JSON,
    "*/*": FHIR_JSON,
    "application/*": FHIR_JSON,
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": FHIR_JSON,
    "application/fhir+xml;q=0.1, application/json;q=0.9": JSON,
    "application/fhir+xml;q=0, */*;q=0.1": FHIR_JSON,
    "application/fhir+xml;q=0.9, application/json;q=0.1": FHIR_XML,
    "application/fhir+xml": FHIR_XML,
    "application/fhir+xml; fhirVersion=5.0": FHIR_XML,
    "application/xml": XML,
    "text/xml": XML,
    "text/turtle, application/xml;q=0.2": XML,
    "application/json;q=0.5, application/fhir+json": FHIR_JSON,
    "application/json, application/fhir+json": JSON,
    "application/fhir+json, application/json": FHIR_JSON,
    "*/*, application/json": JSON,
    "APPLICATION/JSON": JSON,
    "application/fhir+json; fhirVersion=5.0": FHIR_JSON,
    "application/fhir+json;fhirVersion=4.0, application/fhir+json;fhirVersion=5.0": FHIR_JSON,
    "application/json;q=nonsense, application/fhir+json;q=0.1": FHIR_JSON,
    "": FHIR_JSON,
}
REFUSED = [
    "application/fhir+turtle",
    "text/turtle",
    "application/fhir+xml; fhirVersion=4.0",
    "application/fhir+json;q=0",
    "application/fhir+json; fhirVersion=4.0",
    "nonsense",
    ";",
]


async def test_accept_decides_the_format(fhir: Fhir) -> None:
    """http.html#mime-type and RFC 9110, 12.5.1: the best range that is served here; of equals the first."""
    await fhir.store(study("a"))
    for accept, media in ACCEPTED.items():
        response = await fhir.get("ResearchStudy/a", Accept=accept)
        assert (accept, response.status_code, response.headers["content-type"]) == (accept, 200, media)


async def test_what_is_not_served_is_406(fhir: Fhir) -> None:
    """http.html#mime-type: 406 where the client accepts nothing that is served; the outcome is JSON all the same."""
    await fhir.store(study("a"))
    for accept in REFUSED:
        for path in ("ResearchStudy/a", "ResearchStudy", "metadata", "_history"):
            refused(await fhir.get(path, Accept=accept), 406, "not-supported", "Accept")


async def test_format_goes_before_accept(fhir: Fhir) -> None:
    """http.html#parameters: ``_format`` overrides the Accept header."""
    await fhir.store(study("a"))
    for format_, media in {
        "json": FHIR_JSON,
        "application/json": JSON,
        "application/fhir%2Bjson": FHIR_JSON,
        "application/fhir+json": FHIR_JSON,
        "xml": FHIR_XML,
        "application/fhir+xml": FHIR_XML,
        "text/xml": XML,
    }.items():
        response = await fhir.get(f"ResearchStudy/a?_format={format_}", Accept="text/turtle")
        assert (format_, response.headers["content-type"]) == (format_, media)
    refused(await fhir.get("ResearchStudy/a?_format=ttl"), 406, "not-supported", "_format")
    refused(await fhir.get("ResearchStudy/a?_format=json&_format=json"), 400, "invalid", "_format")


async def test_pretty_is_for_people(fhir: Fhir) -> None:
    """http.html#parameters: ``_pretty`` changes the look and nothing else."""
    await fhir.store(study("a"))
    plain, pretty = await fhir.get("ResearchStudy/a"), await fhir.get("ResearchStudy/a?_pretty=true")
    assert pretty.json() == plain.json()
    assert pretty.content.count(b"\n") > plain.content.count(b"\n") == 0
    assert (await fhir.get("ResearchStudy/a?_pretty=false")).content == plain.content
    refused(await fhir.get("ResearchStudy/a?_pretty=yes"), 400, "invalid", "_pretty")
    refused(await fhir.get("ResearchStudy/a?_pretty=true&_pretty=true"), 400, "invalid", "_pretty")


async def test_errors_are_pretty_too(fhir: Fhir) -> None:
    """http.html#parameters: ``_pretty`` is for what is answered, an OperationOutcome as well; where it may be read."""
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    for response in (
        await fhir.get("ResearchStudy/never?_pretty=true"),
        await fhir.get("Trial/1?_pretty=true"),
        await fhir.get("ResearchStudy?x=1&_pretty=true"),
        await fhir.get("ResearchStudy?_pretty=true&_format=ttl"),
        await fhir.delete("metadata?_pretty=true"),
        await fhir.put("ResearchStudy/a?_pretty=true", b"{"),
        await fhir.post("ResearchStudy/_search", b"x=1&_pretty=true", **form),
    ):
        assert response.status_code >= 400
        assert response.content.count(b"\n") > 3
    for path in ("ResearchStudy/never", "ResearchStudy/never?_pretty=false", "ResearchStudy?_pretty=true&x=%FF"):
        assert b"\n" not in (await fhir.get(path)).content


async def test_a_body_in_another_format_is_415(fhir: Fhir) -> None:
    """http.html#mime-type: 415 for a body that is not FHIR JSON or XML in UTF-8 of this version."""
    for content_type in (
        "application/fhir+turtle",
        "application/fhir+xml; charset=latin-1",
        "application/fhir+xml; fhirVersion=4.0",
        "text/plain",
        "",
        "application/fhir+json; charset=latin-1",
        "application/fhir+json; fhirVersion=4.0",
        "application/json-patch+json",
    ):
        for method, path in (("POST", "ResearchStudy"), ("PUT", "ResearchStudy/a"), ("POST", "")):
            response = await fhir.ask(method, path, study("a"), Content_Type=content_type)
            refused(response, 415, "not-supported", "Content-Type")
    assert (await fhir.get("ResearchStudy/a")).status_code == 404


async def test_a_patch_in_another_format_is_415(fhir: Fhir) -> None:
    """http.html#patch: JSON Patch and FHIRPath Patch are what is understood."""
    await fhir.store(study("a"))
    latin = "application/json-patch+json; charset=latin-1"
    for content_type in ("text/plain", "application/fhir+turtle", "application/xml-patch+xml", latin, ""):
        response = await fhir.patch("ResearchStudy/a", [], Content_Type=content_type)
        refused(response, 415, "not-supported", "Content-Type")


async def test_a_body_in_json_of_any_name(fhir: Fhir) -> None:
    """http.html#mime-type: servers accept application/json as application/fhir+json, with a charset of UTF-8."""
    for content_type in (
        FHIR_JSON,
        JSON,
        "text/json",
        "application/fhir+json; charset=utf-8",
        'application/fhir+json;charset="UTF-8"',
        "application/fhir+json; fhirVersion=5.0",
        "Application/FHIR+JSON",
    ):
        response = await fhir.post("ResearchStudy", study(), Content_Type=content_type)
        assert (content_type, response.status_code) == (content_type, 201)


async def test_prefer_return(fhir: Fhir) -> None:
    """http.html#ops: ``return`` is minimal (no body), representation (the default) or OperationOutcome."""
    for prefer, expected in {
        "": "ResearchStudy",
        "return=representation": "ResearchStudy",
        "return=minimal": None,
        "return=OperationOutcome": "OperationOutcome",
        "return=nothing": "ResearchStudy",
        "respond-async, return=minimal": None,
        "return=minimal; handling=strict": None,
        'return="minimal"': None,
        "RETURN=minimal": None,
    }.items():
        response = await fhir.post("ResearchStudy", study(title=prefer or "x"), Prefer=prefer)
        assert response.status_code == 201
        assert response.headers["etag"] == 'W/"1"'
        assert "/_history/1" in response.headers["location"]
        found = response.json()["resourceType"] if response.content else None
        assert (prefer, found) == (prefer, expected)


async def test_prefer_return_of_every_write(fhir: Fhir) -> None:
    """http.html#ops: update, patch and delete heed ``return`` as create does."""
    await fhir.store(study("a"))
    minimal, outcome = "return=minimal", "return=OperationOutcome"
    patch = [{"op": "add", "path": "/title", "value": "New"}]
    assert not (await fhir.put("ResearchStudy/a", study("a", title="2"), Prefer=minimal)).content
    assert not (await fhir.patch("ResearchStudy/a", patch, Prefer=minimal)).content
    for response in (
        await fhir.put("ResearchStudy/a", study("a", title="3"), Prefer=outcome),
        await fhir.patch("ResearchStudy/a", patch, Prefer=outcome),
        await fhir.delete("ResearchStudy/a", Prefer=outcome),
    ):
        assert response.status_code == 200
        assert response.json()["issue"][0]["severity"] in ("success", "warning")  # dom-6: it has no narrative


async def test_prefer_in_several_lines(fhir: Fhir) -> None:
    """RFC 9110, 5.3 and RFC 7240, 2: the field may come in several lines, which count as one list."""
    await fhir.store(study("a"))
    headers = [("Prefer", "return=minimal"), ("Prefer", "handling=lenient")]
    response = await fhir.client.get("ResearchStudy?nothing=1", headers=headers)
    assert response.status_code == 200
    headers = [("Accept", "text/turtle"), ("Accept", "application/json")]
    assert (await fhir.client.get("ResearchStudy/a", headers=headers)).headers["content-type"] == JSON
