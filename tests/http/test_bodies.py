"""What is in a body: lossless where it is JSON, refused with 4xx where it is not (https://hl7.org/fhir/R5/json.html)."""

from __future__ import annotations

import re

import pytest

from service.fhir.json import MAX_DEPTH
from tests.support.asking import Fhir, observation, outcome, refused

pytestmark = pytest.mark.anyio

INSTANT = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SERVER = rb'"versionId":"\d+","lastUpdated":"' + INSTANT + b'"'

NUMBERS = [
    "0",
    "-0",
    "-0.0",
    "0.00",
    "1.00",
    "1e3",
    "1E3",
    "1E+03",
    "-1.50e-07",
    "100",
    "999999999999999999",
    "-999999999999999999",
    "123456789012345678.12345678901234567",
    "0.10000000000000001",
    "1.7976931348623159e309",
    "1e-400",
    "1e999999999",
]
TEXTS = [
    "plain",
    "é ü ß",
    "\U0001f9ec\U00020000",
    "\\u00e9\\u000a\\ud83e\\uddec",
    '\\" \\\\ \\/ \\b\\f\\n\\r\\t'.replace("\\b\\f", ""),
    "\u200f\u2028\u2029\ufeff\ufffe\uffff",
    "e\u0301 \u00e9",
    "\\u0041\\u0042",
    "<script>&amp;",
]


def spliced(stored: bytes) -> bytes:
    """Return served bytes with the server's part of meta replaced by a mark; there must be exactly one."""
    text, count = re.subn(SERVER, b"@", stored)
    assert count == 1, stored
    return text


async def test_numbers_keep_their_digits(fhir: Fhir) -> None:
    """json.html#primitive, datatypes.html#decimal: precision is significant: the token that was sent is served."""
    for number in NUMBERS:
        body = observation(number, "a")
        await fhir.put("Observation/a", body)
        stored = (await fhir.get("Observation/a")).content
        assert spliced(stored).replace(b',"meta":{@}', b"") == body, number
        assert stored in (await fhir.get("Observation")).content
        assert f'"value":{number}'.encode() in (await fhir.get("Observation/a?_elements=value")).content
        pretty = (await fhir.get("Observation/a?_pretty=true")).content
        assert f'"value": {number}\n'.encode() in pretty


async def test_texts_keep_their_writing(fhir: Fhir) -> None:
    """json.html: every string is served as it was written: escapes, composed or not, astral or not."""
    for text in TEXTS:
        body = f'{{"resourceType":"ResearchStudy","id":"a","status":"active","title":"{text}"}}'.encode()
        response = await fhir.put("ResearchStudy/a", body)
        assert response.status_code in (200, 201), response.text
        stored = (await fhir.get("ResearchStudy/a")).content
        assert spliced(stored).replace(b',"meta":{@}', b"") == body


SPLICED: list[tuple[str, str]] = [
    # What is sent under the id a, and what is served, with @ for the server's versionId and lastUpdated; where there
    # is "", the test itself says what is served.
    ('{%s,"id":"a"}', '{%s,"id":"a","meta":{@}}'),
    ('{"id":"a",%s}', '{"id":"a","meta":{@},%s}'),
    ('{"id":"a","meta":{"versionId":"7"},%s}', '{"id":"a","meta":{@},%s}'),
    ('{"meta": { "versionId" : "7" } ,"id":"a",%s}', '{"meta": {@} ,"id":"a",%s}'),
    ('{"meta":{"versionId":"7","lastUpdated":"2001-01-01T00:00:00Z"},"id":"a",%s}', '{"meta":{@},"id":"a",%s}'),
    ('{"meta":{"tag":[{"code":"t"}]},"id":"a",%s}', '{"meta":{@,"tag":[{"code":"t"}]},"id":"a",%s}'),
    (
        '{"meta":{"tag":[{"code":"t"}],"versionId":"7", "source" : "urn:x"},"id":"a",%s}',
        '{"meta":{@,"tag":[{"code":"t"}],"source" : "urn:x"},"id":"a",%s}',
    ),
    ('{"\\u0069d":"\\u0061","m\\u0065ta":{"version\\u0049d":"7"},%s}', '{"\\u0069d":"a","m\\u0065ta":{@},%s}'),
    ('{  "id"\t:\n"a" ,\r\n%s  ,"extension" : [ {"url":"u","valueInteger": 1} ] }', ""),
    ('\n {"id":"a",%s}\n\n', '{"id":"a","meta":{@},%s}'),
    ('\ufeff{"id":"a",%s}', '{"id":"a","meta":{@},%s}'),
]


async def test_bytes_served_are_bytes_sent_apart_from_id_and_meta(fhir: Fhir) -> None:
    """http.html#update: id, versionId, lastUpdated are the server's; nothing else is touched, not even white space."""
    for number, (sent, expected) in enumerate(SPLICED):
        marked = f'"resourceType":"Basic","code":{{"text":"{number}"}}'
        body = (sent % marked).encode()
        response = await fhir.put("Basic/a", body)
        assert response.status_code in (200, 201), response.text
        served = spliced((await fhir.get("Basic/a")).content)
        if not expected:
            assert served == body.replace(b'"a" ,', b'"a","meta":{@} ,')
        else:
            assert served == (expected % marked).encode()


async def test_a_new_id_is_spliced_in(fhir: Fhir) -> None:
    """http.html#create: the server's id takes the place of one that was sent, or follows resourceType."""
    for sent, expected in (
        (
            '{"resourceType":"Basic","code":{"text":"x"}}',
            '{"resourceType":"Basic","id":"@","meta":{@},"code":{"text":"x"}}',
        ),
        ('{"id" : "z" ,"resourceType":"Basic","code":{}}', None),
        (
            '{"code":{"text":"x"},"id" : "z" ,"resourceType":"Basic"}',
            '{"code":{"text":"x"},"id" : "@","meta":{@} ,"resourceType":"Basic"}',
        ),
        (
            '{"code":{"text":"x"},"meta":{"tag":[]},"resourceType":"Basic"}',
            None,
        ),
        (
            '{"code":{"text":"x"},"meta":{"tag":[{"code":"t"}]},"resourceType":"Basic"}',
            '{"code":{"text":"x"},"meta":{@,"tag":[{"code":"t"}]},"resourceType":"Basic","id":"@"}',
        ),
    ):
        response = await fhir.post("Basic", sent.encode())
        if expected is None:  # an empty object or array is no FHIR
            assert response.status_code == 422
            continue
        id_ = response.json()["id"].encode()
        assert spliced(response.content).replace(id_, b"@") == expected.encode()


NOT_JSON: dict[str, bytes] = {
    "empty": b"",
    "white space": b" \n ",
    "array": b'[{"resourceType":"Basic"}]',
    "text": b'"Basic"',
    "number": b"5",
    "null": b"null",
    "true": b"true",
    "cut": b'{"resourceType":"Basic","code":{"text":"x"}',
    "cut in a string": b'{"resourceType":"Bas',
    "cut in an escape": b'{"resourceType":"\\u00',
    "trailing comma": b'{"resourceType":"Basic","code":{"text":"x"},}',
    "trailing comma within": b'{"resourceType":"Basic","code":{"text":"x",}}',
    "leading comma": b'{,"resourceType":"Basic"}',
    "no colon": b'{"resourceType" "Basic"}',
    "no comma": b'{"resourceType":"Basic" "id":"a"}',
    "no value": b'{"resourceType":}',
    "single quotes": b"{'resourceType':'Basic'}",
    "comment": b'{"resourceType":"Basic"/* */,"code":{"text":"x"}}',
    "trailing garbage": b'{"resourceType":"Basic","code":{"text":"x"}}x',
    "two values": b'{"resourceType":"Basic","code":{"text":"x"}}{}',
    "trailing nul": b'{"resourceType":"Basic","code":{"text":"x"}}\0',
    "xml": b"<Basic/>",
    "duplicate key": b'{"resourceType":"Basic","code":{"text":"x"},"code":{"text":"x"}}',
    "duplicate escaped key": b'{"resourceType":"Basic","code":{"text":"x"},"c\\u006fde":{"text":"x"}}',
    "duplicate id": b'{"resourceType":"Basic","id":"a","id":"a","code":{"text":"x"}}',
    "duplicate within": b'{"resourceType":"Basic","code":{"text":"x","text":"x"}}',
    "duplicate in meta": b'{"resourceType":"Basic","meta":{"source":"urn:a","source":"urn:b"},"code":{"text":"x"}}',
    "duplicate versionId": b'{"resourceType":"Basic","meta":{"versionId":"1","versionId":"1"},"code":{"text":"x"}}',
    "NaN": b'{"resourceType":"Basic","code":NaN}',
    "Infinity": b'{"resourceType":"Basic","code":Infinity}',
    "-Infinity": b'{"resourceType":"Basic","code":[-Infinity]}',
    "leading zero": b'{"resourceType":"Basic","code":01}',
    "plus": b'{"resourceType":"Basic","code":+1}',
    "no digits after the point": b'{"resourceType":"Basic","code":1.}',
    "no digits before the point": b'{"resourceType":"Basic","code":.5}',
    "hexadecimal": b'{"resourceType":"Basic","code":0x1}',
    "minus": b'{"resourceType":"Basic","code":-}',
    "bad UTF-8": b'{"resourceType":"Basic","code":{"text":"\xff"}}',
    "cut UTF-8": b'{"resourceType":"Basic","code":{"text":"\xc3"}}',
    "overlong UTF-8": b'{"resourceType":"Basic","code":{"text":"\xc0\xaf"}}',
    "surrogate in UTF-8": b'{"resourceType":"Basic","code":{"text":"\xed\xa0\x80"}}',
    "UTF-16": '{"resourceType":"Basic","code":{"text":"x"}}'.encode("utf-16"),
    "lone high surrogate": b'{"resourceType":"Basic","code":{"text":"\\ud83e"}}',
    "lone low surrogate": b'{"resourceType":"Basic","code":{"text":"\\udd00x"}}',
    "surrogates reversed": b'{"resourceType":"Basic","code":{"text":"\\udd00\\ud83e"}}',
    "surrogate in a key": b'{"resourceType":"Basic","code":{"te\\ud83ext":"x"}}',
    "bad escape": b'{"resourceType":"Basic","code":{"text":"\\x"}}',
    "raw control character": b'{"resourceType":"Basic","code":{"text":"a\nb"}}',
    "raw nul": b'{"resourceType":"Basic","code":{"text":"a\0b"}}',
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "an exponent beyond all computing": b'{"resourceType":"Basic","code":1e9999999999999999999999}',
    "an exponent below all computing": b'{"resourceType":"Basic","code":-1e-9999999999999999999999}',
}


async def test_what_is_not_json_is_400(fhir: Fhir) -> None:
    """json.html, RFC 8259: not one JSON object with unique keys and well-formed text: 400, wherever it is sent."""
    for name, body in NOT_JSON.items():
        for method, path in (("POST", "Basic"), ("PUT", "Basic/a"), ("POST", ""), ("PUT", "Basic?_id=a")):
            response = await fhir.ask(method, path, body)
            assert (name, path, response.status_code) == (name, path, 400)
    assert (await fhir.get("_history")).json()["total"] == 0


WRONG: dict[str, bytes] = {
    "meta null": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"meta":null}',
    "meta text": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"meta":"x"}',
    "meta array": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"meta":[{}]}',
    "meta empty array": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"meta":[]}',
    "meta number": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"meta":0}',
    "meta false": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"meta":false}',
    "versionId number": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"meta":{"versionId":1}}',
    "id number": b'{"resourceType":"Basic","id":5,"code":{"text":"x"}}',
    "id null": b'{"resourceType":"Basic","id":null,"code":{"text":"x"}}',
    "id array": b'{"resourceType":"Basic","id":["a"],"code":{"text":"x"}}',
    "nul escape": b'{"resourceType":"Basic","id":"a","code":{"text":"\\u0000"}}',
    "nothing": b"{}",
    "no type": b'{"id":"a"}',
    "type null": b'{"resourceType":null,"id":"a"}',
    "type array": b'{"resourceType":["Basic"],"id":"a"}',
    "another type": b'{"resourceType":"Group","id":"a"}',
    "no such type": b'{"resourceType":"Nothing","id":"a"}',
    "contained of no type": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"contained":[{"id":"b"}]}',
    "contained number": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"contained":[5]}',
    "null in an array": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"identifier":[null]}',
    "empty name": b'{"resourceType":"Basic","id":"a","code":{"text":"x"},"":1}',
}


async def test_what_is_not_a_resource_is_refused(fhir: Fhir) -> None:
    """http.html#create: 400 or 422, never a fault, for JSON that is no resource."""
    for name, body in WRONG.items():
        for method, path in (("POST", "Basic"), ("PUT", "Basic/a"), ("PUT", "Basic?_id=a")):
            response = await fhir.ask(method, path, body)
            assert (name, response.status_code in (400, 422)) == (name, True)
    assert (await fhir.get("_history")).json()["total"] == 0


def nested(levels: int) -> bytes:
    """Return a resource whose JSON is nested this deep, by extensions (each is an array and an object)."""
    opening = b'"extension":[{"url":"u",'
    count, odd = divmod(levels - 1, 2)
    inner = b'"valueString":"x"' if not odd else b'"valuePeriod":{"start":"2020"}'
    return b'{"resourceType":"Basic","code":{"text":"x"},' + opening * count + inner + b"}]" * count + b"}"


async def test_depth(fhir: Fhir) -> None:
    """A resource may be nested 100 levels deep, and not one more."""
    assert MAX_DEPTH == 100
    for levels in (99, 100):
        assert (await fhir.post("Basic", nested(levels))).status_code == 201
    for levels in (101, 102, 1000, 50_000):
        refused(await fhir.post("Basic", nested(levels)), 413, "too-costly")


async def test_depth_without_an_end(fhir: Fhir) -> None:
    """A hundred thousand opening brackets are refused like any other nonsense, in any place of a body."""
    for body in (
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"resourceType":"Basic","code":' + b"[" * 100_000,
        b'{"resourceType":"Basic","code":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"resourceType":"Basic","code":' + b'{"x":[' * 50_000,
    ):
        for method, path in (("POST", "Basic"), ("POST", ""), ("PUT", "Basic/a"), ("PATCH", "Basic/a")):
            response = await fhir.ask(method, path, body)
            assert response.status_code in (400, 413), response.text


async def test_brackets_in_text_are_not_depth(fhir: Fhir) -> None:
    """Only structure counts: brackets, quotes and backslashes inside of a string do not."""
    for text in ("[" * 500, "{" * 500, '\\"' + "[" * 500, "\\\\" + "{" * 500, '\\\\\\"' + "]}[{" * 200):
        body = f'{{"resourceType":"Basic","code":{{"text":"{text}"}}}}'.encode()
        assert (await fhir.post("Basic", body)).status_code == 201


async def test_huge_integers(fhir: Fhir) -> None:
    """Five thousand digits are kept or refused, and never a fault, in every place that takes a number."""
    for digits in ("9" * 5000, "-" + "9" * 5000, "1." + "3" * 5000, "1e" + "0" * 5000 + "1"):
        response = await fhir.post("Observation", observation(digits))
        if response.status_code == 201:
            assert f'"value":{digits}'.encode() in response.content
        else:
            outcome(response)
        body = f'{{"resourceType":"Group","type":"person","membership":"definitional","quantity":{digits}}}'
        refused(await fhir.post("Group", body.encode()), 422, "value", "Group.quantity")


async def test_wide_bodies(fhir: Fhir) -> None:
    """Ten thousand members of an array are stored and served, in their order."""
    names = ",".join(f'{{"value":"{number}"}}' for number in range(10_000))
    body = f'{{"resourceType":"Basic","code":{{"text":"x"}},"identifier":[{names}]}}'.encode()
    response = await fhir.post("Basic", body)
    assert response.status_code == 201
    assert names.encode() in response.content
    assert len(await fhir.ids("Basic?identifier=9999")) == 1
