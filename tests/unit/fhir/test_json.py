"""Lossless JSON: parsing, writing, splicing and the digest."""

from __future__ import annotations

import copy
import json as stdlib_json
from decimal import Decimal

import pytest

from service.errors import Invalid, TooLarge
from service.fhir.json import MAX_DEPTH, JsonNumber, dumps, elements, loads, members, open_body, parse, with_member


def test_a_number_keeps_its_writing_and_is_a_number() -> None:
    """datatypes.html#decimal: equal as numbers, different in what is written."""
    one, other = loads("[1.0, 1.00]")
    assert isinstance(one, JsonNumber)
    assert one == other == Decimal(1)
    assert (one.lexeme, other.lexeme) == ("1.0", "1.00")
    for duplicate in (copy.copy(other), copy.deepcopy(other), copy.deepcopy([other])[0]):
        assert dumps(duplicate) == b"1.00"


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("0", int),
        ("-1", int),
        ("123456789012345678", int),
        ("1234567890123456789", JsonNumber),
        ("-0", JsonNumber),
        ("1.0", JsonNumber),
        ("1e3", JsonNumber),
    ],
)
def test_what_a_number_becomes(text: str, type_: type) -> None:
    """An integer that certainly fits 64 bits is an int, anything else keeps its text."""
    value = loads(text)
    assert type(value) is type_
    assert dumps(value) == text.encode()


def test_the_places_of_every_member() -> None:
    """The places of members are those in the text without surrounding white space."""
    document = parse(b' \n{ "a" : [1, {"b": "}"}] ,\t"\\u0063":"\xc3\xa9" }\r\n')
    assert document.text == '{ "a" : [1, {"b": "}"}] ,\t"\\u0063":"é" }'
    places = members(document.text)
    assert {key: document.text[place.key : place.end] for key, place in places.items()} == {
        "a": '"a" : [1, {"b": "}"}]',
        "c": '"\\u0063":"é"',
    }
    assert {key: document.text[place.value : place.end] for key, place in places.items()} == {
        "a": '[1, {"b": "}"}]',
        "c": '"é"',
    }


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1"),
        ("{", "line 1, column 2"),
        ('{"a":\n  x}', "line 2, column 3"),
        ('{"a":1}\n}', "line 2, column 1"),
        ('{"a" 1}', "line 1, column 6"),
        ('{"a":1 "b":2}', "line 1, column 8"),
        ("[1]", "line 1, column 1"),
    ],
)
def test_an_error_says_where(text: str, place: str) -> None:
    """operationoutcome.html: whoever wrote the body finds the place."""
    with pytest.raises(Invalid) as refusal:
        parse(text.encode())
    assert place in refusal.value.issues[0].diagnostics
    assert refusal.value.issues[0].code == "structure"


def test_a_duplicate_key_is_named() -> None:
    """json.html: keys are unique in every object."""
    for text in ('{"a":1,"a":1}', '{"x":{"a":1,"\\u0061":2}}', '{"x":[{"a":1,"b":2,"a":3}]}'):
        with pytest.raises(Invalid) as refusal:
            parse(text.encode())
        assert refusal.value.issues[0].expression == ("a",)


@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_depth(brackets: tuple[str, str]) -> None:
    """A hundred levels are allowed, of objects and arrays alike; brackets in strings are none."""
    opening, closing = brackets
    for levels in (1, 50, MAX_DEPTH):
        loads(opening * levels + "1" * (opening != "[") + closing * levels)
    for levels in (MAX_DEPTH + 1, 200, 5000, 100_000):
        with pytest.raises((TooLarge, Invalid)):
            loads(opening * levels + "1" * (opening != "[") + closing * levels)
    text = '"' + '[{\\"\\\\' * 200 + '"'
    assert dumps(loads(text)).count(b"[") == 200


def test_writing() -> None:
    """Pretty or not, numbers are as they were and strings are Unicode."""
    value = loads('{"a":[1.00,-0,"\\u00e9\\ud83e\\uddec"],"b":{}}')
    assert dumps(value) == '{"a":[1.00,-0,"é\U0001f9ec"],"b":{}}'.encode()
    assert stdlib_json.loads(dumps(value, pretty=True)) == stdlib_json.loads(dumps(value))


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ('{"resourceType":"A"}', '{"resourceType":"A","id":"x","meta":{@}}'),
        ('{"resourceType":"A","z":1}', '{"resourceType":"A","id":"x","meta":{@},"z":1}'),
        ('{"z":1,"resourceType":"A"}', '{"z":1,"resourceType":"A","id":"x","meta":{@}}'),
        ('{"id":"old","resourceType":"A"}', '{"id":"x","meta":{@},"resourceType":"A"}'),
        ('{"resourceType":"A","id":"x","meta":{}}', '{"resourceType":"A","id":"x","meta":{@}}'),
        ('{"meta":{},"resourceType":"A"}', '{"meta":{@},"resourceType":"A","id":"x"}'),
        (
            '{"meta":{"a":1,"versionId":"9","b":[ 2 ],"lastUpdated":"y","c":3},"id":"x","resourceType":"A"}',
            '{"meta":{@,"a":1,"b":[ 2 ],"c":3},"id":"x","resourceType":"A"}',
        ),
        ('{"meta":null,"resourceType":"A"}', None),
    ],
)
def test_opening_for_the_server(text: str, rendered: str | None) -> None:
    """http.html#create: id, versionId and lastUpdated are put where they belong, and nothing else is touched."""
    if rendered is None:
        with pytest.raises(stdlib_json.JSONDecodeError):  # validation has refused it before
            open_body(parse(text.encode()), "x")
        return
    body = open_body(parse(text.encode()), "x")
    server = '"versionId":"7","lastUpdated":"2020-01-01T00:00:00.000Z"'
    assert body.render(7, "2020-01-01T00:00:00.000Z").decode() == rendered.replace("@", server)


def digest(text: str, id_: str = "x") -> bytes:
    """Return the digest of a resource."""
    return open_body(parse(text.encode()), id_).digest


def test_the_digest_is_of_what_is_said() -> None:
    """http.html#update: white space, order, escapes, id and the server's part of meta do not count."""
    plain = digest('{"resourceType":"A","b":[1.0,"é"],"meta":{"tag":[{"code":"t"}]}}')
    for same in (
        '{"b" : [ 1.0 , "\\u00e9" ] , "meta":{"tag":[{"code":"t"}]}, "resourceType":"A"}',
        '{"resourceType":"A","id":"y","b":[1.0,"é"],"meta":{"tag":[{"code":"t"}],"versionId":"3","lastUpdated":"z"}}',
    ):
        assert digest(same) == plain
    assert digest('{"resourceType":"A"}') == digest('{"resourceType":"A","meta":{}}')
    for other in (
        '{"resourceType":"A","b":[1.00,"é"],"meta":{"tag":[{"code":"t"}]}}',
        '{"resourceType":"A","b":["é",1.0],"meta":{"tag":[{"code":"t"}]}}',
        '{"resourceType":"A","b":[1.0,"e\u0301"],"meta":{"tag":[{"code":"t"}]}}',
        '{"resourceType":"A","b":[1.0,"é"],"meta":{"tag":[{"code":"u"}]}}',
        '{"resourceType":"A","b":[1.0,"é"]}',
        '{"resourceType":"A","b":["1.0","é"],"meta":{"tag":[{"code":"t"}]}}',
    ):
        assert digest(other) != plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"resourceType":"A"}', '{"resourceType":"A","meta":{"x":1}}'),
        (
            '{ "b" : 1.00, "resourceType" : "A" , "c":"}" }',
            '{ "b" : 1.00, "resourceType" : "A","meta":{"x":1} , "c":"}" }',
        ),
        ('{"meta" : {"y":[2.0]}, "resourceType":"A"}', '{"meta":{"x":1}, "resourceType":"A"}'),
        (' {"resourceType":"A","meta":null,"b":1e3}\n', '{"resourceType":"A","meta":{"x":1},"b":1e3}'),
    ],
)
def test_a_member_that_is_put_in(text: str, expected: str) -> None:
    """json.html: in the place of the old one, or after the type; all else stays, and the document is whole again."""
    changed = with_member(parse(text.encode()), "meta", {"x": 1})
    assert changed.text == expected
    assert changed == parse(expected.encode())


def test_where_members_and_elements_begin() -> None:
    """Key and value of each member, and each element, whatever brackets, quotes and white space lie between."""
    text = '{ "a\\"]" : [ 1 , "},]" ,{"b":[]}, [] ] , "c":{} ,"":null}'
    found = members(text, 0)
    assert list(found) == ['a"]', "c", ""]
    assert [text[place.key : place.key + 3] for place in found.values()] == ['"a\\', '"c"', '"":']
    assert [text[place.value] + text[place.end - 1] for place in found.values()] == ["[]", "{}", "nl"]
    assert [text[start] for start in elements(text, found['a"]'].value)] == ["1", '"', "{", "["]
    assert members("{ }", 0) == {}
    assert elements("[\n]", 0) == []
