"""The values of primitive types in JSON: https://hl7.org/fhir/R5/datatypes.html#primitive.

Each type has a check that takes any JSON value and returns None, or the :class:`Complaint` about it; and, where the
value is a string, a quick test that runs without calling back into Python and accepts nearly all good values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

from service.errors import Severity
from service.profiles.rules import temporal, uri
from service.profiles.run import json_type, quoted

MAX_STRING: Final = 1024 * 1024
"""Characters in a string: https://hl7.org/fhir/R5/datatypes.html#string."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

_is_code: Final = re.compile(r"[^\s\x00-\x1f]+(?: [^\s\x00-\x1f]+)*").fullmatch
_is_element_id: Final = re.compile(r"[^\s\x00-\x1f]+").fullmatch
_is_id: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_is_oid: Final = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
_is_uuid: Final = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_is_base64: Final = re.compile(
    r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
).fullmatch
# 20 characters hold any 64-bit integer; a string of a million digits must not become a number.
_is_short_integer: Final = re.compile(r"(?=.{1,20}$)(?:0|[-+]?[1-9][0-9]*)").fullmatch


_is_decimal: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,17})?(?:E[+-]?[0-9]{1,9})?").fullmatch
_TOO_LARGE: Final = 10**18
_FEW_CHARACTERS: Final = 11
"""So many characters hold neither too many digits nor too large an exponent."""


class Complaint(NamedTuple):
    """What is wrong with a value: the issue type, the rule broken, and a sentence about it."""

    code: str
    rule: str
    text: str
    severity: Severity = "error"


PrimitiveCheck: TypeAlias = Callable[[Any], Complaint | None]
Accepts: TypeAlias = Callable[[str], object]


class Primitive(NamedTuple):
    """A primitive type: the check of its values, and the quick test of a string that starts with no space and is short.

    What the quick test accepts (by any true result) is certainly good, for the rest the check decides. Types that are
    not strings in JSON have none.
    """

    check: PrimitiveCheck
    accepts: Accepts | None = None


def _wrong_type(value: object, expected: str) -> Complaint:
    return Complaint("structure", "type", f"must be {expected}, not {json_type(value)}")


def _boolean(value: Any) -> Complaint | None:  # noqa: ANN401  # any JSON value
    return None if value is True or value is False else _wrong_type(value, "true or false")


def _integer(low: int, high: int) -> PrimitiveCheck:
    def check(value: Any) -> Complaint | None:  # noqa: ANN401  # any JSON value
        if type(value) is not int:  # a bool is an int to isinstance
            return _wrong_integer(value)
        if low <= value <= high:
            return None
        return Complaint("value", "range", f"must be between {low} and {high}")

    return check


def _wrong_integer(value: object) -> Complaint:
    if isinstance(value, Decimal):
        return Complaint("value", "type", f"must be an integer without fraction or exponent, not {quoted(value)}")
    return _wrong_type(value, "an integer")


def _decimal(value: Any) -> Complaint | None:  # noqa: ANN401  # any JSON value
    if type(value) is int:
        good = -_TOO_LARGE < value < _TOO_LARGE
    elif isinstance(value, Decimal):
        text = str(value)
        good = len(text) <= _FEW_CHARACTERS or _is_decimal(text) is not None
    else:
        return _wrong_type(value, "a number")
    problem = "must have no more than 18 digits before the decimal point and 17 after it"
    return None if good else Complaint("value", "range", problem)


def _string(value: Any) -> Complaint | None:  # noqa: ANN401  # any JSON value
    if type(value) is not str:
        return _wrong_type(value, "a string")
    if value[:1] > " " and value.isprintable() and len(value) <= MAX_STRING:
        return None
    return _unusual_string(value)


def _unusual_string(text: str) -> Complaint | None:
    if not text:
        return Complaint("value", "content", "must not be an empty string")
    if len(text) > MAX_STRING:
        return Complaint("too-long", "range", f"has {len(text)} characters, more than {MAX_STRING}")
    control = _CONTROL.search(text)
    if control:
        return Complaint("value", "format", f"must not contain the control character U+{ord(control[0]):04X}")
    if text.isspace():
        return Complaint("value", "content", "should hold more than white space", "warning")
    return None


def _text(accepts: Accepts, problem: Callable[[str], str | None]) -> Primitive:
    """A string with a format of its own; ``problem`` has the words for what is not accepted (None: it is good)."""

    def check(value: Any) -> Complaint | None:  # noqa: ANN401  # any JSON value
        if type(value) is not str:
            return _wrong_type(value, "a string")
        if not value:
            return _unusual_string(value)
        found = None if accepts(value) else problem(value)
        return None if found is None else Complaint("value", "format", f"{quoted(value)} {found}")

    return Primitive(check, accepts)


def _pattern(accepts: Accepts, problem: str) -> Primitive:
    """A string whose format is a regular expression, and nothing more."""
    return _text(accepts, lambda _: problem)


def _is_integer64(text: str) -> bool:
    return _is_short_integer(text) is not None and -(2**63) <= int(text) < 2**63


_STRING: Final = Primitive(_string, str.isprintable)
_URI: Final = _text(uri.is_plain_uri, uri.uri_problem)

PRIMITIVES: Final[dict[str, Primitive]] = {
    "base64Binary": _pattern(_is_base64, "is not base64"),
    "boolean": Primitive(_boolean),
    "canonical": _text(uri.is_plain_canonical, uri.canonical_problem),
    "code": _pattern(_is_code, "is not a code: no white space except single spaces within"),
    "date": _text(temporal.is_plain_date, temporal.date_problem),
    "dateTime": _text(temporal.is_plain_date_time, temporal.date_time_problem),
    "decimal": Primitive(_decimal),
    "id": _pattern(_is_id, "is not an id: up to 64 letters, digits, '-' and '.'"),
    "instant": _text(temporal.is_plain_instant, temporal.instant_problem),
    "integer": Primitive(_integer(-(2**31), 2**31 - 1)),
    "integer64": _pattern(_is_integer64, "is not an integer of 64 bits"),
    "markdown": _STRING,
    "oid": _pattern(_is_oid, "is not an OID: urn:oid: and numbers separated by dots"),
    "positiveInt": Primitive(_integer(1, 2**31 - 1)),
    "string": _STRING,
    "time": _text(temporal.is_time, temporal.time_problem),
    "unsignedInt": Primitive(_integer(0, 2**31 - 1)),
    "uri": _URI,
    "url": _URI,
    "uuid": _pattern(_is_uuid, "is not a UUID: urn:uuid: and 32 lowercase hexadecimal digits in five groups"),
    "xhtml": _STRING,  # what it has to be is for rules/narrative.py
}
"""All primitive types of R5."""

ABSOLUTE_URI: Final = _text(uri.is_plain_canonical, uri.absolute_problem)
"""The ``system`` of an identifier or a code, which means the same wherever it is read."""

ELEMENT_ID: Final = _pattern(_is_element_id, "is not an id of an element: it contains white space")
"""The ``id`` of an element inside a resource, any string without spaces: https://hl7.org/fhir/R5/types.html#Element."""
