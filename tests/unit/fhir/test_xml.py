"""The XML format: https://hl7.org/fhir/R5/xml.html."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Invalid, NotAcceptable, TooLarge
from service.fhir.json import dumps, loads
from service.fhir.xml import from_xml, to_xml

DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p a="&gt;>">x &amp; y<br/></p></div>'


def document(inner: str, type_: str = "Patient") -> bytes:
    """An XML document of a resource with this content."""
    return f'<{type_} xmlns="http://hl7.org/fhir">{inner}</{type_}>'.encode()


@pytest.mark.parametrize(
    ("json", "xml"),
    [
        ('{"resourceType":"Patient","id":"1","active":true}', '<id value="1"/><active value="true"/>'),
        (
            '{"resourceType":"Patient","birthDate":"1970","id":"1"}',
            '<id value="1"/><birthDate value="1970"/>',
        ),
        (
            '{"resourceType":"Patient","name":[{"id":"n","given":["a",null,"b"],'
            '"_given":[null,{"extension":[{"url":"http://e.org/x","valueCode":"c"}]},null]}]}',
            '<name id="n"><given value="a"/><given><extension url="http://e.org/x"><valueCode value="c"/></extension>'
            '</given><given value="b"/></name>',
        ),
        (
            '{"resourceType":"Patient","_birthDate":{"id":"b","extension":[{"url":"http://e.org/x","valueDecimal":1.50}'
            "]}}",
            '<birthDate id="b"><extension url="http://e.org/x"><valueDecimal value="1.50"/></extension></birthDate>',
        ),
        (
            '{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"a\\n\\"b\\""}]}',
            '<contained><Organization><id value="o"/><name value="a&#10;&quot;b&quot;"/></Organization></contained>',
        ),
        (
            f'{{"resourceType":"Patient","text":{{"status":"generated","div":{dumps(DIV).decode()}}}}}',
            f'<text><status value="generated"/>{DIV}</text>',
        ),
    ],
    ids=["values", "order", "repeated primitives", "primitive with extension only", "contained", "narrative"],
)
def test_the_two_forms_say_the_same(json: str, xml: str) -> None:
    """Elements stand in the order of the definition; ids and extension urls are attributes, as are all values.

    Decimals keep their precision, null stands for a repeated primitive without value, and a narrative is its source.
    """
    written = to_xml(loads(json))
    assert written == b'<?xml version="1.0" encoding="UTF-8"?>' + document(xml)
    read = from_xml(written)
    assert loads(dumps(read)) == loads(json)
    assert dumps(read.get("_birthDate", 0)).count(b"1.50") == json.count("1.50")


def test_an_integer64_is_a_string_in_json_only() -> None:
    """JSON writes an integer64 as a string, XML any value as an attribute."""
    resource = {"resourceType": "Basic", "extension": [{"url": "http://e.org", "valueInteger64": "9007199254740993"}]}
    assert from_xml(to_xml(resource)) == resource


def test_a_content_reference_is_read_by_the_definition_it_names() -> None:
    """A Parameters part, or a contained concept, has the structure of the element that its definition refers to."""
    resource = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "a", "part": [{"name": "b", "part": [{"name": "c", "valueInteger": 1}]}]},
            {"name": "r", "resource": {"resourceType": "Patient", "active": False}},
        ],
    }
    assert from_xml(to_xml(resource)) == resource


def test_named_entities_become_characters() -> None:
    """XML has five named entities; the others of XHTML are written as numbers."""
    div = '<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;b &lt;</div>'
    read = from_xml(to_xml({"resourceType": "Patient", "text": {"status": "generated", "div": div}}))
    assert read["text"]["div"] == div.replace("&nbsp;", "&#160;")


@pytest.mark.parametrize(
    ("inner", "expression", "says"),
    [
        ('<colour value="red"/>', "Patient", "'colour' is not known"),
        ('<active value="true"/><id value="1"/>', "Patient.id", "out of order"),
        ('<active value="true"/><active value="true"/>', "Patient.active", "at most once"),
        ('<active value="yes"/>', "Patient.active", "neither true nor false"),
        ('<multipleBirthInteger value="1x"/>', "Patient.multipleBirthInteger", "no number"),
        ('<active value="true" colour="red"/>', "Patient.active", "attribute 'colour'"),
        ('<name value="x"/>', "Patient.name[0]", "attribute 'value'"),
        ('<name/><name><given value="a"/><given><x/></given></name>', "Patient.name[1].given[1]", "'x' is not known"),
        ("<name><given/></name>", "Patient.name[0].given[0]", "neither a value nor an extension"),
        ("<contained/>", "Patient.contained[0]", "exactly one resource"),
        ("<contained><Martian/></contained>", "Patient.contained[0]", "no resource type 'Martian'"),
        ('<text><status value="generated"/><div/></text>', "Patient.text.div", "XHTML div"),
    ],
)
def test_what_is_not_known_is_refused_at_its_place(inner: str, expression: str, says: str) -> None:
    """Nothing that was sent is dropped: it is read, or refused with its FHIRPath location and its line."""
    with pytest.raises(Invalid) as caught:
        from_xml(document("\n" + inner))
    (issue,) = caught.value.issues
    assert issue.expression == (expression,)
    assert says in issue.diagnostics
    assert "(line 2)" in issue.diagnostics


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<Patient", "not well-formed"),
        (b"", "not well-formed"),
        (b"<Patient/>", "not in the namespace"),
        (document("hello"), "text outside"),
        (b'<!DOCTYPE Patient [<!ENTITY a "b">]>' + document('<id value="&a;"/>'), "document type declaration"),
        (document('<id value="\xff"/>').decode("latin-1").encode("latin-1"), None),
        ('<Patient xmlns="http://hl7.org/fhir"><id value="\xe9"/></Patient>'.encode("latin-1"), "not well-formed"),
        (
            b'<Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text><h:div/></text></Patient>',
            "namespace itself",
        ),
    ],
)
def test_what_is_no_document_of_fhir_is_refused(body: bytes, says: str | None) -> None:
    """XML is well-formed UTF-8 in the FHIR namespace, without DTD and without text; entities of one's own are a DTD."""
    if says is None:
        assert from_xml(body)["id"] == "\xff"
        return
    with pytest.raises(Invalid, match=says):
        from_xml(body)


@pytest.mark.parametrize("what", ["<contained><Patient>{}</Patient></contained>", None])
def test_depth_is_bounded(what: str | None) -> None:
    """However deep a document is nested, elements or narrative, it is refused and does not exhaust the stack."""
    text = DIV.replace("<br/>", "<b>" * 20_000 + "</b>" * 20_000)
    inner = f'<text><status value="generated"/>{text}</text>'
    if what is not None:
        inner = what.split("{}")[0] * 20_000 + what.split("{}")[1] * 20_000
    with pytest.raises(TooLarge):
        from_xml(document(inner))


@pytest.mark.parametrize(
    ("resource", "expression"),
    [
        ({"resourceType": "Patient", "name": [{"family": "a\x01"}]}, "Patient.name[0].family"),
        ({"resourceType": "Patient", "text": {"status": "generated", "div": "<div>"}}, "Patient.text.div"),
    ],
)
def test_what_xml_cannot_hold_is_said(resource: dict[str, Any], expression: str) -> None:
    """A control character or a narrative that is no XML has no XML form: 406 with the place, JSON still serves it."""
    with pytest.raises(NotAcceptable) as caught:
        to_xml(resource)
    assert caught.value.issues[0].expression == (expression,)
