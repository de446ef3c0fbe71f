"""Every interaction in the XML format: https://hl7.org/fhir/R5/xml.html, https://hl7.org/fhir/R5/http.html#mime-type."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from service.fhir.json import dumps, loads
from service.fhir.xml import from_xml, to_xml
from tests.http.conftest import Configured
from tests.support.asking import BASE, FHIR_JSON, FHIR_XML, Fhir, Json, link, observation, refused, resource, study

pytestmark = pytest.mark.anyio

NARRATIVE = '<div xmlns="http://www.w3.org/1999/xhtml"><p>A &amp; B<br/></p></div>'
FULL: Json = study(
    "a",
    nct="NCT00000001",
    title='Arms "<A>" & B',
    text={"status": "generated", "div": NARRATIVE},
    keyword=[{"text": "one"}, {"coding": [{"code": "two", "userSelected": True}]}],
    extension=[{"url": "http://example.org/e", "valueDecimal": 1}],
)


def xml(body: Json) -> bytes:
    """The XML of a resource written as JSON here."""
    return to_xml(loads(dumps(body)))


async def send(fhir: Fhir, method: str, path: str, body: Json | None = None, **headers: str) -> httpx.Response:
    """Ask in XML, with an XML body, and be answered in XML; the lower half of the matrix below."""
    content = None if body is None else xml(body)
    named = {"Accept": FHIR_XML, **({} if body is None else {"Content_Type": FHIR_XML}), **headers}
    response = await fhir.ask(method, path, content, **named)
    if response.content:
        assert response.headers["content-type"] == FHIR_XML
        assert response.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?><')
    return response


def content(found: Json) -> Json:
    """A resource without what the server puts into it."""
    return {name: value for name, value in found.items() if name not in ("id", "meta")}


async def test_a_resource_in_xml_is_the_resource_in_json(fhir: Fhir) -> None:
    """xml.html: both formats hold the same; what comes in one goes out in either, in every read."""
    assert (await send(fhir, "PUT", "ResearchStudy/a", FULL)).status_code == 201
    in_json = (await fhir.get("ResearchStudy/a")).json()
    assert content(in_json) == content(FULL)
    for path in ("ResearchStudy/a", "ResearchStudy/a/_history/1"):
        assert from_xml((await send(fhir, "GET", path)).content) == in_json
    summary = from_xml((await send(fhir, "GET", "ResearchStudy/a?_elements=title")).content)
    assert content(summary) == {"resourceType": "ResearchStudy", "status": "active", "title": FULL["title"]}


async def test_every_write_takes_and_answers_xml(fhir: Fhir) -> None:
    """http.html#mime-type: create, update, patch and delete are the same in XML, with the same headers."""
    created = await send(fhir, "POST", "ResearchStudy", study(title="1"))
    assert (created.status_code, created.headers["etag"]) == (201, 'W/"1"')
    found = resource(created)
    assert found["title"] == "1"
    path = f"ResearchStudy/{found['id']}"
    assert resource(await send(fhir, "PUT", path, study(found["id"], title="2")))["meta"]["versionId"] == "2"
    replace = {"name": "operation", "part": [{"name": "type", "valueCode": "replace"}]}
    replace["part"] += [  # type: ignore[operator]  # a list, as above
        {"name": "path", "valueString": "ResearchStudy.title"},
        {"name": "value", "valueString": "3"},
    ]
    patched = await send(fhir, "PATCH", path, {"resourceType": "Parameters", "parameter": [replace]})
    assert resource(patched)["title"] == "3"
    assert (await send(fhir, "PUT", path, study(found["id"]), Prefer="return=minimal")).content == b""
    told = await send(fhir, "PUT", path, study(found["id"], title="5"), Prefer="return=OperationOutcome")
    assert resource(told)["resourceType"] == "OperationOutcome"
    gone = await send(fhir, "DELETE", path, Prefer="return=OperationOutcome")
    assert resource(gone)["resourceType"] == "OperationOutcome"
    assert (await send(fhir, "DELETE", path)).status_code == 204


async def test_every_bundle_is_served_in_xml(fhir: Fhir) -> None:
    """http.html#mime-type: search by GET and by POST, histories of each level, capabilities; links keep the format."""
    await fhir.store(FULL, study("b"))
    for path in ("ResearchStudy", "", "_history", "ResearchStudy/_history", "ResearchStudy/a/_history", "metadata"):
        assert resource(await send(fhir, "GET", path)) == {
            **(await fhir.get(path)).json(),
        }, path
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    found = await fhir.post("ResearchStudy/_search", b"title:contains=Arms&_format=xml", **form)
    assert [entry["resource"]["id"] for entry in from_xml(found.content)["entry"]] == ["a"]
    page = from_xml((await fhir.get("ResearchStudy?_count=1&_format=xml")).content)
    following = await fhir.get(str(link(page, "next")))
    assert [entry["resource"]["id"] for entry in from_xml(following.content)["entry"]] == ["b"]


@pytest.mark.parametrize("type_", ["transaction", "batch"])
async def test_a_bundle_is_sent_in_xml(fhir: Fhir, type_: str) -> None:
    """http.html#transaction: a Bundle comes in XML, resources inside included, and so does its response."""
    entries: list[Any] = [
        {"resource": FULL, "request": {"method": "PUT", "url": "ResearchStudy/a"}},
        {"request": {"method": "DELETE", "url": "ResearchStudy/never"}},
    ]
    answer = resource(await send(fhir, "POST", "", {"resourceType": "Bundle", "type": type_, "entry": entries}))
    assert answer["type"] == f"{type_}-response"
    assert [entry["response"]["status"] for entry in answer["entry"]] == ["201 Created", "204 No Content"]
    assert content((await fhir.get("ResearchStudy/a")).json()) == content(FULL)


async def test_operations_take_and_answer_xml(fhir: Fhir) -> None:
    """operations.html: the parameters of an operation come in XML, as a Parameters resource or as the resource."""
    wrong = {"resourceType": "ResearchStudy", "title": "No status"}
    for body in (wrong, {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": wrong}]}):
        issues = resource(await send(fhir, "POST", "ResearchStudy/$validate", body))["issue"]
        assert any("ResearchStudy.status" in each["expression"] for each in issues)
    asked = await send(fhir, "GET", "CodeSystem/$lookup?system=http://hl7.org/fhir/publication-status&code=draft")
    assert resource(asked)["resourceType"] == "Parameters"


async def test_errors_are_in_the_format_that_was_asked_for(fhir: Fhir) -> None:
    """http.html#mime-type: an OperationOutcome is a resource as any other, also where the method or place is wrong."""
    for method, path, status in (
        ("GET", "ResearchStudy/never", 404),
        ("GET", "Trial", 404),
        ("GET", "ResearchStudy?nothing=1", 400),
        ("PATCH", "metadata", 405),
        ("DELETE", "ResearchStudy?x=%FF", 400),
    ):
        response = await send(fhir, method, path)
        assert (path, response.status_code) == (path, status)
        assert resource(response)["resourceType"] == "OperationOutcome"
    invalid = await send(fhir, "PUT", "ResearchStudy/a", {"resourceType": "ResearchStudy", "id": "a"})
    refused(invalid, 422, "required", "ResearchStudy.status")


async def test_what_is_no_xml_of_a_resource_is_refused_with_its_place(fhir: Fhir) -> None:
    """xml.html: what is not well-formed, not FHIR, or has a DTD is the client's error, and nothing is stored."""
    fhir_namespace = 'xmlns="http://hl7.org/fhir"'
    for body, code in {
        b"{}": "structure",
        b"": "structure",
        b"<ResearchStudy>": "structure",
        b"<ResearchStudy/>": "structure",
        f"<Trial {fhir_namespace}/>".encode(): "structure",
        f"<ResearchStudy {fhir_namespace}><phases value='1'/></ResearchStudy>".encode(): "structure",
        f"<!DOCTYPE x [<!ENTITY a 'b'>]><ResearchStudy {fhir_namespace}/>".encode(): "structure",
        f"<Group {fhir_namespace}/>".encode(): "invalid",
    }.items():
        response = await fhir.ask("POST", "ResearchStudy", body, Content_Type=FHIR_XML)
        refused(response, 400, code)
    assert (await fhir.get("ResearchStudy")).json()["total"] == 0


async def test_a_number_keeps_its_digits(fhir: Fhir) -> None:
    """json.html#primitive: the precision of a decimal is significant, on every way between the formats."""
    for number in ("0.350", "1.0", "1e-3", "1234567890123456.10"):
        assert (await fhir.put("Observation/n", observation(number, "n"))).status_code in (200, 201)
        answer = (await send(fhir, "GET", "Observation/n")).content
        assert f'<value value="{number}"/>'.encode() in answer
        again = await fhir.ask("PUT", "Observation/m", answer.replace(b'"n"', b'"m"'), Content_Type=FHIR_XML)
        assert f'"value":{number}'.encode() in again.content


async def test_what_xml_cannot_hold_is_406(fhir: Fhir) -> None:
    """XML 1.0, 2.2: not every character of a string can be there; the error says where, and JSON has it."""
    await fhir.store(study("a", title="one\ufffetwo"))
    refused(await fhir.get("ResearchStudy/a", Accept=FHIR_XML), 406, "not-supported", "ResearchStudy.title")
    assert (await fhir.get("ResearchStudy/a")).json()["title"] == "one\ufffetwo"


async def test_an_error_that_xml_cannot_hold_is_json(fhir: Fhir) -> None:
    """An error quotes what is wrong; where XML cannot hold the quotation the client is told all the same."""
    response = await fhir.get("ResearchStudy?%EF%BF%BE=1", Accept=FHIR_XML)
    assert (response.status_code, response.headers["content-type"]) == (400, FHIR_JSON)


async def test_pretty_xml(fhir: Fhir) -> None:
    """http.html#parameters: ``_pretty`` indents XML as well, and changes neither the narrative nor any value."""
    await fhir.store(FULL)
    plain, pretty = (
        await send(fhir, "GET", "ResearchStudy/a"),
        await fhir.get("ResearchStudy/a?_pretty=true&_format=xml"),
    )
    assert from_xml(pretty.content) == from_xml(plain.content)
    lines = pretty.text.splitlines()
    assert lines[1].startswith('<ResearchStudy xmlns="http://hl7.org/fhir">')
    assert '  <id value="a"/>' in lines
    assert f"    {NARRATIVE}" in lines
    assert b"\n" not in plain.content
    wrong = await fhir.get("ResearchStudy/never?_pretty=true&_format=xml")
    assert "  <issue>" in wrong.text.splitlines()


async def test_caches_know_that_there_are_two_formats(configured: Configured) -> None:
    """RFC 9110, 12.5.5 and 15.4.5: what depends on Accept says so, a 304 as the answer that it stands for."""
    fhir = configured()
    await fhir.store(study("a"))
    for path, headers, status in (
        ("ResearchStudy/a", {}, 200),
        ("ResearchStudy", {"Accept": FHIR_XML}, 200),
        ("ResearchStudy/a", {"If_None_Match": 'W/"1"'}, 304),
        ("ResearchStudy/never", {}, 404),
    ):
        response = await fhir.get(path, **headers)
        assert (response.status_code, response.headers["vary"]) == (status, "accept")


async def test_head_says_how_long_the_xml_is(fhir: Fhir) -> None:
    """RFC 9110, 9.3.2: HEAD has the headers of GET, of the same format."""
    await fhir.store(FULL)
    whole = await send(fhir, "GET", "ResearchStudy/a")
    head = await fhir.ask("HEAD", f"{BASE}/ResearchStudy/a", Accept=FHIR_XML)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
