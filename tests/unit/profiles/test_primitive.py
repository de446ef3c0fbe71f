"""Values of primitive types: https://hl7.org/fhir/R5/datatypes.html#primitive."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir import definitions
from service.profiles.rules.primitive import ELEMENT_ID, MAX_STRING, PRIMITIVES, Primitive

GOOD: dict[str, list[Any]] = {
    "base64Binary": ["AAAA", "QQ==", "QUI="],
    "boolean": [True, False],
    "canonical": ["http://example.org/fhir/ValueSet/x|1.0", "#local"],
    "code": ["draft", "two words", "<", "ä"],
    "date": ["2023", "2023-02", "2023-02-28", "2024-02-29", "0001-01-01"],
    "dateTime": ["2023", "2023-02", "2023-12-31", "2023-02-28T23:00:00Z", "2015-02-07T13:28:17-05:00"],
    "decimal": [0, -3, 10**17, Decimal("1.00"), Decimal("1e3"), Decimal("-0.1")],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2015-02-07T13:28:17.239+02:00", "2016-12-31T23:59:60Z", "2024-02-29T00:00:00Z"],
    "integer": [0, -1, 2**31 - 1, -(2**31)],
    "integer64": ["0", "-9223372036854775808", "9223372036854775807", "+1"],
    "markdown": ["# A title\r\n\tand *text*"],
    "oid": ["urn:oid:1.2.3.4", "urn:oid:2.0"],
    "positiveInt": [1, 2**31 - 1],
    "string": ["a", " a ", "line\nline\ttab", "ünïcödé 漢字", "\u200b", "x" * MAX_STRING],
    "time": ["00:00:00", "23:59:60", "12:30:15.123"],
    "unsignedInt": [0, 2**31 - 1],
    "uri": ["http://example.org/", "urn:oid:1.2", "Patient/1", "漢字"],
    "url": ["http://example.org/", "mailto:a@example.org"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "xhtml": ['<div xmlns="http://www.w3.org/1999/xhtml">text</div>'],
}

BAD: dict[str, list[Any]] = {
    "base64Binary": ["", "A", "AAA", "AA AA", "A===", "ä"],
    "boolean": ["true", 0, 1, None],
    "canonical": ["", "http://example.org/a b", 5],
    "code": ["", " draft", "draft ", "two  words", "a\tb", "a\u0000b", 5],
    "date": [
        "",
        "23",
        "2023-2",
        "2023-13",
        "2023-02-30",
        "2023-02-29",
        "1900-02-29",
        "0000",
        "2023-01-01T00:00:00Z",
        2023,
    ],
    "dateTime": [
        "",
        "2023Z",
        "2023-02-30",
        "2023-01-01T10:00",
        "2023-01-01T10:00:00",
        "2023-01-01T24:00:00Z",
        "2023-01-01T10Z",
    ],
    "decimal": ["1.0", True, None, 1.5, 10**18, Decimal("0.123456789012345678")],
    "id": ["", "x" * 65, "a_b", "a b", "ä", 1],
    "instant": ["2023", "2023-01-01", "2023-01-01T10:00:00", "2023-02-30T10:00:00Z", "2023-01-01T10:00:00+15:00"],
    "integer": [2**31, -(2**31) - 1, 10**5000, True, "1", Decimal("1.0"), Decimal("1e2")],
    "integer64": [1, "9223372036854775808", "-9223372036854775809", "01", "1.0", "", "9" * 5000],
    "markdown": ["", 1, "a\u0001b"],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1"],
    "positiveInt": [0, -1, 2**31, False],
    "string": ["", "a\u0000", "bell\u0007", 1, True, None, "x" * (MAX_STRING + 1)],
    "time": ["24:00:00", "12:30", "12:30:15Z", "1:00:00"],
    "unsignedInt": [-1, 2**31, True],
    "uri": ["", "a b", "a\nb", "a\u00a0b"],
    "url": ["", "http://example.org/ x"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"],
    "xhtml": ["", "a\u0000b", 5],
}


def test_every_primitive_type_of_r5_has_a_check() -> None:
    """No primitive type is left out, and none is invented."""
    primitive = [n for n in definitions.type_names() if definitions.type_definition(n).kind == "primitive-type"]
    assert sorted(PRIMITIVES) == sorted(GOOD) == sorted(BAD) == sorted(primitive)


def cases(table: dict[str, list[Any]]) -> list[Any]:
    """One case for each value, named by type and position, since some values are too long for a name."""
    return [
        pytest.param(name, value, id=f"{name}-{number}")
        for name, values in table.items()
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_a_good_value_is_accepted(name: str, value: Any) -> None:
    """A value that the data type allows has no complaint."""
    assert PRIMITIVES[name].check(value) is None


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_a_bad_value_is_refused(name: str, value: Any) -> None:
    """A value that the data type forbids has a complaint, and its quick test does not let it through either."""
    assert PRIMITIVES[name].check(value) is not None
    assert not quickly_accepted(PRIMITIVES[name], value)


@given(st.text(min_size=1) | st.from_regex(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9:]{8}Z)?)?)?", fullmatch=True))
def test_the_quick_test_accepts_nothing_that_the_check_refuses(text: str) -> None:
    """The quick test is a shortcut: it may send a good value on to the check, never pass a bad one."""
    for primitive in PRIMITIVES.values():
        if quickly_accepted(primitive, text):
            assert primitive.check(text) is None


def quickly_accepted(primitive: Primitive, value: Any) -> bool:
    """Whether a checker would pass the value without calling the check."""
    if primitive.accepts is None or not isinstance(value, str) or not 0 < len(value) <= MAX_STRING:
        return False
    return bool(primitive.accepts(value))


def test_a_time_without_a_zone_is_called_that() -> None:
    """The commonest mistake about dates has a message of its own."""
    complaint = PRIMITIVES["dateTime"].check("2023-01-01T10:00:00")
    assert complaint is not None
    assert "time zone" in complaint.text


def test_a_day_that_does_not_exist_is_called_that() -> None:
    """The format is right, the calendar is not."""
    complaint = PRIMITIVES["date"].check("2023-02-30")
    assert complaint is not None
    assert "calendar" in complaint.text


def test_a_wrong_json_type_is_a_problem_of_structure() -> None:
    """A number where a string belongs is not a bad value but a bad form."""
    complaint = PRIMITIVES["string"].check(5)
    assert complaint is not None
    assert (complaint.code, complaint.rule) == ("structure", "type")


def test_a_long_value_is_not_repeated_in_full() -> None:
    """A message stays readable, however long the value is that it complains about."""
    complaint = PRIMITIVES["id"].check("x" * 10_000)
    assert complaint is not None
    assert len(complaint.text) < 200


def test_the_id_of_an_element_may_be_any_string_without_spaces() -> None:
    """Ids inside resources, such as ``Patient.name:official``, are wider than the type ``id``."""
    assert ELEMENT_ID.check("Patient.name:official[x]") is None
    assert ELEMENT_ID.check("a b") is not None
    assert ELEMENT_ID.check("") is not None
