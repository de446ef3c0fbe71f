"""What single data types demand beyond their elements: https://hl7.org/fhir/R5/datatypes.html."""

from __future__ import annotations

from typing import Final

from service.profiles.rules.uri import is_absolute
from service.profiles.run import SINGLE, Object, Run, Where, quoted

_ANY_URI: Final = "urn:ietf:rfc:3986"
"""The system of identifiers that are URIs themselves."""


def identifier(value: Object, where: Where, run: Run) -> None:
    """datatypes.html#Identifier: the value of an identifier that is a URI is a whole one."""
    text = value.get("value")
    if value.get("system") == _ANY_URI and isinstance(text, str) and not is_absolute(text):
        run.report("value", "format", (where, "value", SINGLE), f"{quoted(text)} is not a URI, as the system says")


def attachment(value: Object, where: Where, run: Run) -> None:
    """datatypes.html#Attachment: the size is that of the data before they became base64."""
    data, size = value.get("data"), value.get("size")
    if not isinstance(data, str) or not isinstance(size, str) or not size.isdecimal() or len(data) % 4:
        return
    actual = len(data) // 4 * 3 - data[-2:].count("=")
    if size != str(actual):
        run.report("value", "size", (where, "size", SINGLE), f"the data have {actual} bytes, not {quoted(size)}")
