"""A resource as a native document, so that MongoDB's own tools can read and aggregate it.

It is a courtesy: what is served is the exact text beside it, so whatever has no native form is left out here.
"""

from __future__ import annotations

from decimal import Decimal, DecimalException
from typing import Any, Final

import bson
from bson import Decimal128
from bson.raw_bson import RawBSONDocument

from service.fhir.json import JsonNumber, loads

MAX_NATIVE: Final = 7 * 1024 * 1024
"""Bytes of a native document at the most; with its text beside it, a larger one would not fit the 16 MiB."""
MAX_NESTING: Final = 90
"""Levels at the most: MongoDB promises one hundred, and some are taken up around the resource."""

_KEY: Final = str.maketrans({"$": "\uff04", ".": "\uff0e", "\0": "\ufffd"})


def native(json: bytes) -> RawBSONDocument | None:
    """Return the document, or None where it would be too large or too deep."""
    try:
        raw = bson.encode(_value(loads(json), MAX_NESTING))
    except RecursionError:
        return None
    return RawBSONDocument(raw) if len(raw) <= MAX_NATIVE else None


def _value(value: Any, levels: int) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, dict):
        if not levels:
            raise RecursionError
        return {_name(key): _value(member, levels - 1) for key, member in value.items()}
    if isinstance(value, list):
        if not levels:
            raise RecursionError
        return [_value(item, levels - 1) for item in value]
    return _number(value) if isinstance(value, JsonNumber) else value


def _name(key: str) -> str:
    """Return a key that MongoDB takes; the signs that mean something to it are replaced by their wide forms."""
    return key if key.isalnum() else key.translate(_KEY)


def _number(number: JsonNumber) -> Decimal128 | str:
    """Return a decimal with all its digits; as text where 34 of them do not hold it."""
    try:
        exact = Decimal128(Decimal(number))
    except DecimalException:
        return number.lexeme
    # A trailing zero too many is dropped without a word; it is a digit all the same.
    return exact if exact.to_decimal().as_tuple() == number.as_tuple() else number.lexeme
