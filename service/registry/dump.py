"""From a model of fhir.resources to JSON text, with decimals as they were printed.

The library's own dump turns a Decimal into a float and ``0.20`` into ``0.2``; the digits of a result are part of
it (https://hl7.org/fhir/R5/datatypes.html#decimal), so models are walked here instead.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from pydantic import BaseModel

Plain = str | int | bool | Decimal | Mapping[str, "Plain"] | Sequence["Plain"]


def plain(model: BaseModel, resource_type: str | None = None) -> dict[str, Plain]:
    """The elements of a model, in the order of the specification, decimals intact."""
    found: dict[str, Plain] = {"resourceType": resource_type} if resource_type else {}
    for name, member in _members(type(model)):
        value = getattr(model, name)
        if value is not None:
            found[member] = _value(value)
    return found


@cache
def _members(kind: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """The fields of a model, each with the name of its element, in the order of the specification."""
    fields = kind.model_fields
    order = {name: place for place, name in enumerate(kind.elements_sequence())}  # type: ignore[attr-defined]
    names = sorted(fields, key=lambda n: (order.get(n.removesuffix("__ext"), -1), n))
    return tuple((name, fields[name].alias or name) for name in names if name != "resource_type")


def _value(value: object) -> Plain:
    if isinstance(value, BaseModel):
        return plain(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, (str, bool, int, Decimal)):
        return value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, bytes):  # base64Binary, which the models decode
        return base64.b64encode(value).decode()
    raise TypeError(f"no JSON for {type(value).__name__}")


def to_json(value: Plain) -> str:
    """JSON text, indented by one space, ending in a line feed."""
    return _text(value, "\n") + "\n"


def _text(value: Plain, line: str) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int):
        return str(value)
    inner = line + " "
    if isinstance(value, Mapping):
        parts = [f"{json.dumps(name)}: {_text(item, inner)}" for name, item in value.items()]
        return "{" + inner + ("," + inner).join(parts) + line + "}"
    return "[" + inner + ("," + inner).join(_text(item, inner) for item in value) + line + "]"
